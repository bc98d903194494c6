"""Whether what came out is what was sent.

Two views of the output are held against the simulator's truth: the reports, one by one and
item by item, and the metrics records, summed. They share no arithmetic, so a mistake in
either shows as a difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from consumer.simulator.request import Request
from consumer.simulator.totals import Totals
from consumer.wire.metrics import MetricsRecord
from consumer.wire.report import Report


class Seen(Struct):
    """What a consumer downstream has read."""

    reports: list[Report] = field(default_factory=list)
    metrics: list[MetricsRecord] = field(default_factory=list)

    def counted_reports(self) -> int:
        """Reports by the metrics records."""
        counts = (record.reports for record in self.metrics)
        return sum(count.complete + count.partial + count.unconfirmed for count in counts)

    def counted_records(self) -> int:
        """Input records by the metrics records."""
        return sum(
            count.callbacks + count.expectations + count.acknowledgements + count.dead_letters
            for count in (record.records for record in self.metrics)
        )

    def is_counted(self, totals: Totals) -> bool:
        """Whether the metrics records reach to the end of the run."""
        return self.counted_records() >= totals.records and self.counted_reports() >= totals.reports


class Row(Struct):
    """One line of the closing table: what was sent, and both views of what came out."""

    name: str
    sent: int
    reports: int
    metrics: int

    @property
    def cells(self) -> tuple[int, int, int]:
        """In the order of the columns."""
        return self.sent, self.reports, self.metrics

    @property
    def ok(self) -> bool:
        """Whether all three agree."""
        return self.sent == self.reports == self.metrics


class Verdict(Struct):
    """The comparison in numbers, and every difference in a line of its own."""

    rows: list[Row]
    problems: list[str]


def judge(requests: Iterable[Request], totals: Totals, seen: Seen) -> Verdict:
    """Compare what was seen with the truth of the plan."""
    rows = list(_rows(totals, seen))
    problems = list(_wrong_reports(requests, seen.reports))
    problems += [f"{row.name}: {row.cells} differ" for row in rows if not row.ok]
    return Verdict(rows, problems)


def _wrong_reports(requests: Iterable[Request], seen: Iterable[Report]) -> Iterator[str]:
    reports: dict[str, Report] = {}
    for report in seen:
        if report.txid in reports:
            yield f"{report.txid}: more than one report"
        reports[report.txid] = report
    for request in requests:
        if request.txid in reports:
            if not _holds(reports.pop(request.txid), request):
                yield f"{request.txid}: other items than were sent"
        elif request.answers:
            yield f"{request.txid}: no report"
    for txid in reports:
        yield f"{txid}: nobody asked for this report"


def _rows(totals: Totals, seen: Seen) -> Iterator[Row]:
    summaries = [report.summary for report in seen.reports]
    metrics = seen.metrics
    yield Row("reports", totals.reports, len(summaries), seen.counted_reports())
    yield Row(
        "items",
        totals.usage + totals.errors,
        sum(len(report.usage) + len(report.errors) for report in seen.reports),
        sum(record.items.usage + record.items.errors for record in metrics),
    )
    yield Row(
        "devices with usage",
        totals.usage,
        sum(summary.devices.reported for summary in summaries),
        sum(record.devices.reported for record in metrics),
    )
    yield Row(
        "devices with an error",
        totals.errors,
        sum(summary.devices.failed for summary in summaries),
        sum(record.devices.failed for record in metrics),
    )
    yield Row(
        "sessions",
        totals.sessions,
        sum(summary.number_of_sessions for summary in summaries),
        sum(record.number_of_sessions for record in metrics),
    )
    yield Row(
        "bytes",
        totals.bytes_transferred,
        sum(summary.bytes_transferred for summary in summaries),
        sum(record.bytes_transferred for record in metrics),
    )


def _holds(report: Report, request: Request) -> bool:
    """Whether a report has exactly the items of its request, verbatim."""
    usage = Counter(bytes(item) for item in report.usage)
    errors = Counter(bytes(item) for item in report.errors)
    return usage == Counter(request.usage) and errors == Counter(request.errors)
