"""A request of 500 devices: who is missing, who answers late, and what a reader is left with.

    python -m tests.scenarios.request_of_500

Twenty callbacks come before the expectation. Five devices have not answered when the request
goes quiet: the first report names them. Two of them answer after all, one after the other,
and each time the whole report comes again. Last, Kafka compacts the topic.
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from consumer.embedded import EmbeddedKafka
from consumer.wire.placement import partition_for
from tests.harness.records import callback, expectation, usage
from tests.harness.stage import Stage
from tests.scenarios.theatre import theatre
from tests.waiting import until

TXID = "request"
DEVICES = [f"{number:015d}" for number in range(500)]
SILENT = DEVICES[7::150][:3]
LATE = DEVICES[100::300][:2]
BEFORE = 20
PARTITIONS = 3
SETTINGS = {
    "completion.device_limit": "0",  # requests are larger than ten devices
    "completion.inactivity": "2s",
    "completion.idle": "200ms",
}
COMPACTED = {
    "cleanup.policy": "compact",
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0.001",
}


class Result(NamedTuple):
    """Summaries of the reports as they came, and what is left of the topic."""

    summaries: list[dict[str, Any]]
    last: dict[str, Any]
    """The last report of its key."""
    left: list[dict[str, Any]]
    """Summaries that Kafka still holds after compaction; all of them without one."""


def run(stage: Stage, *, compacted: bool) -> Result:
    """Play it. `compacted`: wait until Kafka has really compacted the topic of reports."""
    stage.create(PARTITIONS)
    for name, value in COMPACTED.items():
        stage.cluster.configure(stage.reports, name, value)
    member = stage.member(SETTINGS)
    member.await_ready(partitions=PARTITIONS)
    draw = random.Random(5)  # noqa: S311 - nothing to guess here
    there = [device for device in DEVICES if device not in SILENT + LATE]
    draw.shuffle(there)
    callbacks = [callback(TXID, usage(device, sessions=1)) for device in there]
    stage.send(callbacks[:BEFORE])
    stage.await_consumed()
    stage.send([expectation(TXID, *DEVICES), *callbacks[BEFORE:], *draw.sample(callbacks, 25)])
    _await_reports(stage, 1)
    for number, device in enumerate(LATE, 2):
        stage.send([callback(TXID, usage(device, sessions=1))])
        _await_reports(stage, number)
    summaries = _summaries(stage)
    own = [record for record in stage.read(stage.reports) if record.key == TXID.encode()]
    last = json.loads(own[-1].value or b"")
    if compacted:
        _await_compaction(stage)
    return Result(summaries, last, _summaries(stage))


def _summaries(stage: Stage) -> list[dict[str, Any]]:
    return [
        json.loads(record.value or b"")["summary"]
        for record in stage.read(stage.reports)
        if record.key == TXID.encode()
    ]


def _await_reports(stage: Stage, count: int) -> None:
    until(lambda: len(_summaries(stage)) >= count, f"{count} reports", 30)


def _await_compaction(stage: Stage) -> None:
    """Other reports in the same partition begin new segments; the old ones are compacted."""
    place = partition_for(TXID.encode(), PARTITIONS)
    names = (f"other-{number}" for number in range(1_000))
    others = (name for name in names if partition_for(name.encode(), PARTITIONS) == place)

    def is_compacted() -> bool:
        stage.send([callback(next(others), usage("1"))])
        time.sleep(0.5)
        return len(_summaries(stage)) == 1

    until(is_compacted, "compaction", 120)


def problems(result: Result) -> list[str]:
    """What is not as it must be."""
    first, *later = result.summaries
    absent = [one["devices"]["missing"] for one in result.summaries]
    items = result.last["usage"]
    checks = {
        "the first report is partial": first["outcome"] == "partial",
        "it misses exactly these five": absent[0] == sorted(SILENT + LATE),
        "one or two revisions follow": 1 <= len(later) <= len(LATE),
        "they count up": [one["revision"] for one in later] == list(range(1, 1 + len(later))),
        "the last one misses the three that never answer": absent[-1] == sorted(SILENT),
        "it holds each of the others once": sorted(item["imei"] for item in items)
        == sorted(set(DEVICES) - set(SILENT)),
        "nobody was unexpected": not any(one["devices"]["unexpected"] for one in result.summaries),
        "the last record of the key is the last revision": result.last["summary"]
        == result.summaries[-1],
        "what compaction leaves is that one": result.left[-1] == result.summaries[-1],
    }
    return [what for what, holds in checks.items() if not holds]


def show(result: Result, console: Console) -> None:
    """Print what came."""
    table = Table(title=f"Reports of a request for {len(DEVICES)} devices", title_justify="left")
    for column in ("revision", "outcome", "completedBy", "reported", "callbacks", "missing"):
        table.add_column(column)
    for one in result.summaries:
        devices = one["devices"]
        missing = f"{len(devices['missing'])}: {', '.join(devices['missing'])}"
        numbers = (one["revision"], one["outcome"], one["completedBy"], devices["reported"])
        table.add_row(*map(str, numbers), str(one["callbacks"]), missing)
    console.print(table)
    left = ", ".join(str(one["revision"]) for one in result.left)
    console.print(f"after compaction Kafka holds revision {left} of this key")
    wrong = problems(result)
    for problem in wrong:
        console.print(f"not so: {problem}", style="red")
    console.print("[red]something is off" if wrong else "[green]all as it must be")


def main() -> int:
    """The command line; 0 if everything is right."""
    console = Console(highlight=False, width=140, file=sys.stdout)
    with (
        EmbeddedKafka(on_progress=print, settings={"log.cleaner.backoff.ms": "500"}) as kafka,
        theatre(kafka.bootstrap_servers, "request") as stage,
    ):
        result = run(stage, compacted=True)
        show(result, console)
        return 1 if problems(result) or len(result.left) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
