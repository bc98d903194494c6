"""Five times `kill -9` under load, and every report exactly once.

    python -m tests.faults.kill_run --callbacks 200000 --txids 20000 --kills 5
    python -m tests.faults.kill_run --callbacks 50000 --protocol consumer --static

Members are real processes on a real Kafka: the embedded one, or the one of
`--bootstrap-servers`. Callbacks come in while they work. Each kill is proven to have hit an
open transaction (`kills`), and at the end an oracle that shares no code with the daemon
compares every output with what the input must give, to the byte of an item and to the
millisecond. Exits 1 if anything is off.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from consumer.embedded import EmbeddedKafka
from tests.faults.crew import Crew
from tests.faults.kills import Kill, half_read, kill_one
from tests.faults.load import Load, Requests
from tests.harness.membership import CLASSIC, Membership
from tests.harness.stage import Stage
from tests.oracle import verify
from tests.oracle.outputs import Outputs, read_report
from tests.oracle.record import Record
from tests.oracle.topics import read_topic

_SETTLED = 0.7
"""Share of the kills that come when all members have their partitions back."""
_PAUSE_S = (0.1, 3.0)
"""Before a kill, at random."""
_KILL_S = 9.0
"""What a kill takes with all that follows, about: the callbacks are to last that long."""
_CONSUMED_S = 120.0
_SHOWN = 20


class Plan(NamedTuple):
    """What is to be done."""

    requests: Requests
    partitions: int
    members: int
    kills: int
    membership: Membership = CLASSIC
    settings: Mapping[str, str] = MappingProxyType({})


class Result(NamedTuple):
    """What was done, and what came of it."""

    kills: list[Kill]
    began_s: float
    loaded_s: float
    """From the start to the last callback, as for `consumed_s`."""
    consumed_s: float
    inputs: list[Record]
    outputs: Outputs
    aborted_reports: int
    """Reports that Kafka holds and no reader sees."""
    problems: list[str]

    @property
    def half_read(self) -> int:
        """Txids that were in memory, half, in the victims when they were killed."""
        return half_read(self.kills, self.inputs)


def run(stage: Stage, plan: Plan) -> Result:
    """Make the topics, start the members, kill them under load, and judge what came out."""
    requests = plan.requests
    draw = random.Random(requests.seed)  # noqa: S311 - to be repeated, not to be unguessable
    crew = Crew(
        stage,
        requests,
        size=plan.members,
        partitions=plan.partitions,
        membership=plan.membership,
        settings={"commit.interval": "200ms", **plan.settings},
    )
    crew.start_all()
    began_s = time.monotonic()
    kills: list[Kill] = []
    rate = requests.callbacks / (_KILL_S * (plan.kills + 1))
    with Load(stage, requests.sendings(), rate) as load:
        for number in range(plan.kills):
            load.enough = requests.callbacks * (number + 1) // (plan.kills + 1)
            if draw.random() < _SETTLED:
                crew.await_owners()
            time.sleep(draw.uniform(*_PAUSE_S))
            kills.append(kill_one(crew, draw))
    loaded_s = time.monotonic()
    stage.send(requests.ticks(plan.partitions))
    stage.await_consumed(_CONSUMED_S)
    consumed_s = time.monotonic()
    inputs, outputs = stage.read(stage.callbacks), stage.outputs()
    every = read_topic(stage.cluster.bootstrap_servers, stage.reports, "read_uncommitted")
    problems = verify.exact(inputs, outputs, stage.rules)
    sent = Counter((sending.key, sending.value) for sending in requests.sendings())
    got = Counter((record.key, record.value) for record in inputs if record.key != b"tick")
    if sent != got:
        problems.append("wrong input: Kafka does not hold what was sent")
    return Result(
        kills,
        began_s,
        loaded_s - began_s,
        consumed_s - began_s,
        inputs,
        outputs,
        len(every) - len(outputs.reports),
        problems,
    )


def show(result: Result, plan: Plan, console: Console) -> None:
    """Print what happened."""
    console.print(_kills(result), _outputs(result, plan), _figures(result, plan))
    for problem in result.problems[:_SHOWN]:
        console.print(problem, style="red", markup=False, highlight=False)
    if len(result.problems) > _SHOWN:
        console.print(f"... and {len(result.problems) - _SHOWN} more", style="red")
    console.print("[red]something is off" if result.problems else "[green]exactly once")


def _kills(result: Result) -> Table:
    table = Table(title=f"{len(result.kills)} x kill -9, each in an open transaction")
    for column in ("at", "victim", "owned", "open on", "offsets sent", "unread", "tries"):
        table.add_column(column, justify="right")
    for kill in result.kills:
        table.add_row(
            f"{kill.at_s - result.began_s:.1f} s",
            kill.victim,
            " ".join(map(str, kill.owned)),
            " ".join(map(str, sorted(kill.begins))),
            "yes" if kill.offsets_pending else "no",
            f"{kill.unread:,}",
            str(kill.tries),
        )
    return table


def _outputs(result: Result, plan: Plan) -> Table:
    table = Table(title="Outputs against an independent oracle")
    for column in ("topic", "records", "missing", "doubled", "wrong"):
        table.add_column(column, justify="right")
    rows = {
        "report": result.outputs.reports,
        "metrics record": result.outputs.metrics,
        "dead letter": result.outputs.dead_letters,
    }
    for kind, found in rows.items():
        about = [line for line in result.problems if f" {kind}" in line]
        starts = Counter(line.split()[0] for line in about)
        missing, doubled = starts["missing"], starts["doubled"] + starts["invented"]
        wrong = len(about) - missing - doubled
        table.add_row(f"{kind}s", f"{len(found):,}", str(missing), str(doubled), str(wrong))
    table.caption = f"{plan.requests.txids:,} txids were asked for"
    return table


def _figures(result: Result, plan: Plan) -> Table:
    causes = Counter(read_report(record).completed_by for record in result.outputs.reports)
    closed = ", ".join(f"{number:,} by {cause}" for cause, number in causes.most_common())
    table = Table(title="The run", show_header=False)
    for name, text in (
        ("callbacks", f"{plan.requests.callbacks:,} over {plan.partitions} partitions"),
        ("members", f"{plan.members}, {_described(plan.membership)}"),
        ("reports", closed),
        ("txids half read when killed", f"{result.half_read:,}"),
        ("reports in aborted transactions", f"{result.aborted_reports:,}, seen by no reader"),
        ("time", f"{result.loaded_s:.0f} s of load, all consumed after {result.consumed_s:.0f} s"),
        ("seed", str(plan.requests.seed)),
    ):
        table.add_row(name, text)
    return table


def _described(membership: Membership) -> str:
    protocol = {"classic": "classic protocol", "consumer": "KIP-848"}[membership.protocol]
    kind = "static" if membership.static else "dynamic"
    return f"{kind}, {protocol}, session timeout {membership.session_s:g} s"


def main(arguments: list[str] | None = None) -> int:
    """The command line; 0 if everything is right."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_run", description=__doc__)
    parser.add_argument("--callbacks", type=int, default=200_000)
    parser.add_argument("--txids", type=int, help="a tenth of the callbacks if not given")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--protocol", choices=["classic", "consumer"], default="classic")
    parser.add_argument("--static", action="store_true", help="members keep their place by name")
    parser.add_argument("--seed", type=int, default=0, help="of callbacks and kills")
    parser.add_argument("--bootstrap-servers", help="a Kafka; the embedded one if not given")
    parser.add_argument("--set", action="append", default=[], help="a setting of the members")
    given = parser.parse_args(arguments)
    requests = Requests(given.callbacks, given.txids or given.callbacks // 10, given.seed)
    if requests.each * requests.txids != given.callbacks or requests.each < 2:
        parser.error("--callbacks must be a multiple of --txids, twice as many at least")
    settings = dict(one.split("=", 1) for one in given.set)
    membership = Membership(given.protocol, given.static)
    plan = Plan(requests, given.partitions, given.members, given.kills, membership, settings)
    console = Console(highlight=False, width=100, file=sys.stdout)
    with _kafka(given.bootstrap_servers) as servers:
        console.print(f"Kafka at {servers}; members: {_described(membership)}; seed {given.seed}")
        result = _on_stage(servers, plan)
    show(result, plan, console)
    return 1 if result.problems else 0


def _on_stage(servers: str, plan: Plan) -> Result:
    """Run it; the logs of the members are shown when something is off."""
    logs, fine = io.StringIO(), False
    try:
        with (
            contextlib.redirect_stdout(logs),
            Stage(servers, f"kill-run-{uuid.uuid4().hex[:8]}") as stage,
        ):
            result = run(stage, plan)
        fine = not result.problems
    finally:
        if not fine:
            print(logs.getvalue())  # noqa: T201
    return result


@contextlib.contextmanager
def _kafka(given: str | None) -> Iterator[str]:
    if given:
        yield given
        return
    with EmbeddedKafka(on_progress=print) as kafka:
        yield kafka.bootstrap_servers


if __name__ == "__main__":
    sys.exit(main())
