"""Reports and scenes as tests need them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from consumer.cli.demo.scene import Counts, Event, MemberLine, Mood, PartitionLine, Scene
from consumer.wire import report as report_wire
from consumer.wire.report import CompletedBy, Outcome, Report


def report(
    txid: str = "01234567-89ab-4cde-8f01-23456789abcd",
    *,
    outcome: Outcome = Outcome.COMPLETE,
    by: CompletedBy = CompletedBy.EXPECTED_DEVICES,
    expected: int | None = 10,
    reported: int = 9,
    failed: int = 1,
    missing: Sequence[str] = (),
    revision: int = 0,
    partition: int = 0,
    part: tuple[int, int] = (1, 1),
) -> Report:
    """One report as it is read back."""
    summary = report_wire.Summary(
        outcome=outcome,
        completed_by=by,
        revision=revision,
        part=report_wire.Part(*part),
        devices=report_wire.Devices(expected, reported, failed, list(missing), [], [], []),
        number_of_sessions=17,
        bytes_transferred=1_234_567,
        error_codes={},
        callbacks=11,
        duplicates=1,
        opened_at="2026-11-24T02:31:52.123Z",
        closed_at="2026-11-24T02:31:58.001Z",
        source=report_wire.Source("callbacks", partition, 17, 77),
    )
    return report_wire.decode(report_wire.encode(txid, b"", b"", summary))


def scene(
    *,
    latest: Iterable[Report] = (),
    examples: Iterable[Report] = (),
    events: Iterable[Event] = (),
    at_s: float = 31.0,
    sent: int = 7_204,
    big: int = 1,
) -> Scene:
    """A member is dead; `big` multiplies all numbers."""
    return Scene(
        kafka="127.0.0.1:23456",
        at_s=at_s,
        sent=sent * big,
        total=14_310 * big,
        sent_rate=398.4 * big,
        read_rate=201.6 * big,
        report_rate=61.0 * big,
        members=[
            MemberLine("member-1", "pid 4194304", is_dead=False, open_txids=213 * big),
            MemberLine("member-2", "killed", is_dead=True, open_txids=207 * big),
        ],
        partitions=[
            PartitionLine(0, "member-1", is_orphaned=False, lag=0),
            PartitionLine(1, "member-1", is_orphaned=False, lag=12 * big),
            PartitionLine(2, "member-2", is_orphaned=True, lag=1_204 * big),
            PartitionLine(3, "member-2", is_orphaned=True, lag=1_190 * big),
        ],
        counts=Counts(
            complete=1_204 * big,
            partial=31 * big,
            unconfirmed=402 * big,
            revised=12 * big,
            duplicates=201 * big,
            dead_letters=17 * big,
        ),
        latest=list(latest),
        examples=list(examples),
        events=list(events),
    )


STORY = [
    Event(0.0, "member-1 and member-2 start, each a process of its own"),
    Event(3.2, "member-1 has partitions 0 and 1, member-2 has partitions 2 and 3"),
    Event(18.0, "kill -9 member-2, with partitions 2 and 3 and 20,700 open txids", Mood.BAD),
    Event(18.0, "Kafka waits 10 s for it: its partitions stand still, their lag grows"),
    Event(28.9, "member-1 took over, with the state of member-2, which starts again", Mood.GOOD),
    Event(31.0, "member-2 has partitions 1 and 3: it is back", Mood.GOOD),
    Event(65.0, "all 1,431,000 records are sent; the last reports close"),
    Event(70.0, "every report is out; the members stop", Mood.GOOD),
]
"""All events of a run, in their longest form."""
