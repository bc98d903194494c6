"""A hundred thousand txids, members that are killed, and `session-reports audit` on what is left.

    python -m tests.scenarios.audit_run --txids 100000 --kills 5

Txids end by their expectation, by the device limit and by inactivity; callbacks are repeated,
some come late and make revisions, or are dead letters where memory was too short to remember;
some records are hostile, and members die with half of a txid in memory. All of that is
counted, and has to have happened. Then the audit must exit with 0. And on a copy of each
output topic that lacks one record it must exit with 1 and name it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from rich.console import Console

from benchmarks import usage
from consumer.embedded import EmbeddedKafka
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
from tests.faults.crew import Crew
from tests.faults.kills import Kill, half_read, kill_one
from tests.faults.load import Load, Requests
from tests.harness.cluster import Sending
from tests.harness.member import Process
from tests.harness.records import OLD_MS, simulated
from tests.harness.stage import Stage
from tests.oracle.outputs import read_dead_letter, read_metrics, read_report
from tests.oracle.record import Record
from tests.scenarios.theatre import theatre

_KILL_S = 9.0
"""What a kill takes with all that follows, about: the callbacks are to last that long."""
_CONSUMED_S = 300.0
_PARTITIONS = 4
_SHOWN = 3
_LOOK_S = 0.02
_MEMORY = {"limits.state_bytes": "1MB"}
"""Too little to remember reports whole for as long as they should be."""
_RULES = 3
"""By which reports are closed, at least."""


class Mixed(Requests):
    """Requests of the simulator, in place of those that are all alike."""

    @property
    def each(self) -> int:
        """The device limit."""
        return 10

    @property
    def end_ms(self) -> int:
        """Of the timeline."""
        return OLD_MS + self.callbacks + 30_000

    @property
    def options(self) -> Options:
        """A record for each millisecond of the timeline, about."""
        return Options(
            requests=self.txids,
            rate=1_000,
            errors=0.05,
            silent=0.02,
            retries=0.05,
            late=0.02,
            late_after_ms=6_000,
            hostile=0.002,
            expectations=0.2,
            seed=self.seed,
        )

    def sendings(self) -> Iterator[Sending]:
        """All records, in the order of the timeline."""
        return simulated(self.options, OLD_MS)


class Ended(NamedTuple):
    """How an audit ended."""

    code: int
    out: str
    seconds: float
    most_bytes: int
    """Of its memory."""


def live(stage: Stage, requests: Requests, kills: int) -> list[Kill]:
    """Consume all of it, killed that often in an open transaction."""
    draw = random.Random(requests.seed)  # noqa: S311 - to be repeated, not to be unguessable
    crew = Crew(stage, requests, partitions=_PARTITIONS, settings=_MEMORY)
    crew.start_all()
    found = []
    with Load(stage, requests.sendings(), requests.callbacks / (_KILL_S * (kills + 1))) as load:
        for number in range(kills):
            load.enough = requests.callbacks * (number + 1) // (kills + 1)
            time.sleep(draw.uniform(0.1, 3.0))
            found.append(kill_one(crew, draw))
    stage.send(requests.ticks(_PARTITIONS))
    stage.await_consumed(_CONSUMED_S)
    return found


def audit(stage: Stage, **topics: str) -> Ended:
    """Run the command as an operator would, on other topics than the stage's where given."""
    options = stage.options({f"topics.{role}": name for role, name in topics.items()})
    sets = [f"--set={name}={value}" for name, value in options.items()]
    began_s = time.monotonic()
    most_bytes = 0
    with closing(Process(["audit", *sets])) as process:
        while (code := process.exit_code) is None:
            # Not ru_maxrss of the child: there a process begins with the size of its parent.
            with contextlib.suppress(ValueError):  # it has just ended
                most_bytes = max(most_bytes, usage.peak_bytes(process.pid))
            time.sleep(_LOOK_S)
        seconds = time.monotonic() - began_s
        return Ended(code, "\n".join(process.stdout()), seconds, most_bytes)


def copy_without(stage: Stage, role: str, place: int) -> tuple[str, Record]:
    """A copy of an output topic that lacks one record, and that record."""
    source = str(getattr(stage, role))
    records = stage.read(source)
    lost = records.pop(place % len(records))
    stage.cluster.create(f"{source}.copy", stage.cluster.partitions(source))
    stage.cluster.send(
        f"{source}.copy",
        (
            Sending(one.value, one.key, one.partition, one.timestamp_ms, one.headers)
            for one in records
        ),
    )
    return f"{source}.copy", lost


def told_as(role: str, record: Record, stage: Stage) -> str:
    """What the audit must name where this record is gone."""
    if role == "reports":
        report = read_report(record)
        return f"txid '{report.txid}' of partition {report.partition}"
    if role == "metrics":
        return f"window {read_metrics(record).name}"
    letter = read_dead_letter(record)
    if letter.reason == "late":  # its record is a good one, that no report holds then
        return f"txid '{json.loads(record.value or b'')['txid']}' of partition {letter.partition}"
    return f"{stage.callbacks}[{letter.partition}]@{letter.offset}"


def judge(stage: Stage, console: Console, seed: int) -> bool:
    """Audit what is there, then copies that lack one record; whether all went as it must."""
    whole = audit(stage)
    console.print(whole.out.rstrip())
    console.print(_line("as it is", whole))
    fine = whole.code == 0 and "not checked" not in whole.out
    draw = random.Random(seed)  # noqa: S311 - any record will do
    for role in ("reports", "metrics", "dead_letters"):
        copy, lost = copy_without(stage, role, draw.randrange(10**6))
        found = audit(stage, **{role: copy})
        lines = [line for line in found.out.splitlines() if told_as(role, lost, stage) in line]
        console.print(_line(f"without record {lost.partition}@{lost.offset} of {role}", found))
        for line in lines[:_SHOWN]:
            console.print(f"    {line}")
        fine &= found.code == 1 and bool(lines)
    return fine


def told(stage: Stage, kills: list[Kill], console: Console) -> bool:
    """Print what happened; whether it is all that this run is about."""
    reports = [read_report(record) for record in stage.read(stage.reports)]
    letters = Counter(read_dead_letter(record).reason for record in stage.read(stage.dead_letters))
    ways = Counter(report.completed_by for report in reports)
    revisions = sum(report.revision > 0 for report in reports)
    half = half_read(kills, stage.read(stage.callbacks))
    console.print(f"reports: {_counts(ways)}; {revisions:,} of them revisions")
    console.print(f"dead letters: {_counts(letters)}")
    for kill in kills:
        console.print(
            f"killed {kill.victim} in an open transaction on {sorted(kill.begins)}, "
            f"{kill.unread:,} records unread"
        )
    console.print(f"half read when killed: {half:,} txids")
    return len(ways) >= _RULES and min(revisions, letters["late"], half) > 0


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counter.most_common())


def _line(what: str, ended: Ended) -> str:
    size = f"{ended.most_bytes / 1e6:,.0f} MB"
    return f"audit {what}: exit code {ended.code}, {ended.seconds:.0f} s, {size} of memory"


def main(arguments: list[str] | None = None) -> int:
    """The command line; 0 if everything is right."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.scenarios.audit_run", description=__doc__
    )
    parser.add_argument("--txids", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    mixed = Mixed(0, given.txids, given.seed)
    requests = mixed._replace(callbacks=Plan(mixed.options).totals().records)
    console = Console(highlight=False, width=100, file=sys.stdout, soft_wrap=True, markup=False)
    with contextlib.ExitStack() as stack:
        kafka = stack.enter_context(EmbeddedKafka(on_progress=print))
        stage = stack.enter_context(theatre(kafka.bootstrap_servers, "audit-run"))
        console.print(f"{requests.callbacks:,} records of {requests.txids:,} requests")
        kills = live(stage, requests, given.kills)
        fine = told(stage, kills, console)
        if not fine:
            console.print("that is less than this run is about")
        fine &= judge(stage, console, requests.seed)
    console.print("all as it must be" if fine else "something is off")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
