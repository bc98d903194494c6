"""The sums that are compared: of what was sent, of the reports, and of the metrics records.

Each is added up by itself; they share no arithmetic, so a mistake in one shows as a
difference. `None` stands where a source does not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, structs

from consumer.simulator.request import Request
from consumer.simulator.totals import Totals
from consumer.wire.metrics import MetricsRecord
from consumer.wire.report import Outcome, Report


class Sums(Struct, frozen=True, kw_only=True):
    """One view of a run. The order of fields is that of the closing table."""

    records: int | None = None
    reports: int
    """Txids that have one. What follows is of their last revisions."""
    complete: int | None = None
    partial: int | None = None
    unconfirmed: int | None = None
    emissions: int | None = None
    """Reports with every revision counted."""
    items: int
    with_usage: int
    with_error: int
    missing: int
    """Devices; as the two before, each counted in its report."""
    sessions: int
    bytes: int
    duplicates: int | None = None
    dead_letters: int

    def agrees(self, other: Sums) -> bool:
        """Whether no number that both tell differs."""
        pairs = zip(structs.astuple(self), structs.astuple(other), strict=True)
        return all(None in pair or pair[0] == pair[1] for pair in pairs)


def outcome_of(request: Request, device_limit: int) -> Outcome | None:
    """What the last report of a request must say; `None` if there must be none."""
    if request.expected:
        return Outcome.PARTIAL if request.silent else Outcome.COMPLETE
    if not request.answers:
        return None
    reached = 0 < device_limit == len(request.answers)
    return Outcome.COMPLETE if reached else Outcome.UNCONFIRMED


def of_requests(requests: Iterable[Request], device_limit: int) -> Sums:
    """What was sent, and so what must come out."""
    totals = Totals()
    outcomes = dict.fromkeys(Outcome, 0)
    missing = 0
    for request in requests:
        totals.add(request)
        missing += len(request.silent) if request.expected else 0
        if (outcome := outcome_of(request, device_limit)) is not None:
            outcomes[outcome] += 1
    return Sums(
        records=totals.records,
        reports=totals.reports,
        complete=outcomes[Outcome.COMPLETE],
        partial=outcomes[Outcome.PARTIAL],
        unconfirmed=outcomes[Outcome.UNCONFIRMED],
        items=totals.usage + totals.errors,
        with_usage=totals.usage,
        with_error=totals.errors,
        missing=missing,
        sessions=totals.sessions,
        bytes=totals.bytes_transferred,
        duplicates=totals.retries,
        dead_letters=totals.dead_letters.total(),
    )


def of_reports(emissions: int, last: Mapping[str, Sequence[Report]], dead_letters: int) -> Sums:
    """What reports and dead letters hold; `last`: the parts of each txid's last revision."""
    parts = [part for parts in last.values() for part in parts]
    first = [parts[0].summary for parts in last.values()]
    outcomes = [summary.outcome for summary in first]
    return Sums(
        reports=len(last),
        complete=outcomes.count(Outcome.COMPLETE),
        partial=outcomes.count(Outcome.PARTIAL),
        unconfirmed=outcomes.count(Outcome.UNCONFIRMED),
        emissions=emissions,
        items=sum(len(part.usage) + len(part.errors) for part in parts),
        with_usage=sum(summary.devices.reported for summary in first),
        with_error=sum(summary.devices.failed for summary in first),
        missing=sum(len(part.summary.devices.missing) for part in parts),
        sessions=sum(summary.number_of_sessions for summary in first),
        bytes=sum(summary.bytes_transferred for summary in first),
        dead_letters=dead_letters,
    )


def of_metrics(windows: Sequence[MetricsRecord]) -> Sums:
    """What the metrics records add up to."""
    return Sums(
        records=sum(_consumed(window) for window in windows),
        reports=sum(_emitted(window) - window.reports.revised for window in windows),
        emissions=sum(_emitted(window) for window in windows),
        items=sum(window.items.usage + window.items.errors for window in windows),
        with_usage=sum(window.devices.reported for window in windows),
        with_error=sum(window.devices.failed for window in windows),
        missing=sum(window.devices.missing for window in windows),
        sessions=sum(window.number_of_sessions for window in windows),
        bytes=sum(window.bytes_transferred for window in windows),
        duplicates=sum(window.items.duplicates for window in windows),
        dead_letters=sum(window.records.dead_letters for window in windows),
    )


def _consumed(window: MetricsRecord) -> int:
    records = window.records
    return (
        records.callbacks + records.expectations + records.acknowledgements + records.dead_letters
    )


def _emitted(window: MetricsRecord) -> int:
    reports = window.reports
    return reports.complete + reports.partial + reports.unconfirmed
