"""Whether what came out is what was sent.

Every request must have exactly one report: of its txid one last revision, with exactly the
items that were sent and exactly the devices that are missing. No record of a revision may
be there twice, and no revision before the last may be missing. And the three accounts, of
what was sent, of the reports and of the metrics records, must agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from consumer.cli.demo.account import Sums, of_metrics, of_reports, of_requests, outcome_of
from consumer.cli.demo.outputs import Seen
from consumer.simulator.request import Request
from consumer.wire.report import Report

NAMES = {
    "records": "records consumed",
    "reports": "reports",
    "complete": "  complete",
    "partial": "  partial",
    "unconfirmed": "  unconfirmed",
    "emissions": "  with all revisions",
    "items": "items",
    "with_usage": "devices with usage",
    "with_error": "devices with an error",
    "missing": "devices missing",
    "sessions": "sessions",
    "bytes": "bytes",
    "duplicates": "repeated callbacks",
    "dead_letters": "dead letters",
}
"""The rows of the closing table."""


class Row(Struct, frozen=True):
    """One line of the closing table: what was sent, and both views of what came out."""

    name: str
    sent: int | None
    reports: int | None
    metrics: int | None

    @property
    def cells(self) -> tuple[int | None, ...]:
        """In the order of the columns."""
        return self.sent, self.reports, self.metrics

    @property
    def ok(self) -> bool:
        """Whether all agree that tell the number."""
        return len(set(self.cells) - {None}) == 1


class Kill(Struct, frozen=True):
    """A member's end by SIGKILL, and what it left behind."""

    member: str
    partitions: list[int]
    open_txids: frozenset[str]
    """Read from these partitions, and without a report by then."""


class Verdict(Struct, frozen=True):
    """The comparison in numbers, and every difference in a line of its own."""

    rows: list[Row]
    problems: list[str]
    kill: Kill


def judge(requests: Sequence[Request], device_limit: int, seen: Seen, kill: Kill) -> Verdict:
    """Compare what was seen with what was sent."""
    last = last_revisions(seen.reports)
    rows = list(
        _rows(
            of_requests(requests, device_limit),
            of_reports(_emissions(seen.reports), last, len(seen.dead_letters)),
            of_metrics(seen.metrics),
        )
    )
    problems = [
        *_doubled_or_missing_records(seen.reports),
        *_wrong_reports(requests, device_limit, last),
        *_wrong_dead_letters(requests, seen.dead_letters),
        *(f"{row.name.strip()}: {row.cells} differ" for row in rows if not row.ok),
    ]
    if not kill.open_txids:
        problems.append(f"the kill proves nothing: no txid was open in {kill.member}")
    return Verdict(rows, problems, kill)


def last_revisions(reports: Iterable[Report]) -> dict[str, list[Report]]:
    """By txid the parts of the last revision, in order; what a compacted topic would keep."""
    parts: dict[str, dict[int, Report]] = {}
    revisions: dict[str, int] = {}
    for report in reports:
        revision = report.summary.revision
        if revision > revisions.get(report.txid, -1):
            revisions[report.txid] = revision
            parts[report.txid] = {}
        if revision == revisions[report.txid]:
            parts[report.txid][report.summary.part.index] = report
    return {txid: [found[index] for index in sorted(found)] for txid, found in parts.items()}


def _rows(sent: Sums, reports: Sums, metrics: Sums) -> Iterator[Row]:
    accounts = [structs.asdict(sums) for sums in (sent, reports, metrics)]
    for field, name in NAMES.items():
        yield Row(name, *(account[field] for account in accounts))


def _emissions(reports: Iterable[Report]) -> int:
    return sum(report.summary.part.index == 1 for report in reports)


def _doubled_or_missing_records(reports: Iterable[Report]) -> Iterator[str]:
    revisions: dict[str, dict[int, Counter[int]]] = {}
    counts: dict[tuple[str, int], int] = {}
    for report in reports:
        summary = report.summary
        parts = revisions.setdefault(report.txid, {}).setdefault(summary.revision, Counter())
        parts[summary.part.index] += 1
        counts[report.txid, summary.revision] = summary.part.count
    for txid, found in revisions.items():
        for revision in range(max(found) + 1):
            if revision not in found:
                yield f"{txid}: revision {revision} is missing"
                continue
            parts = found[revision]
            for index in range(1, max(counts[txid, revision], *parts) + 1):
                if parts[index] != 1:
                    where = f"revision {revision}, part {index}"
                    yield f"{txid}: {where} is there {parts[index]} times"


def _wrong_reports(
    requests: Iterable[Request], device_limit: int, last: Mapping[str, Sequence[Report]]
) -> Iterator[str]:
    left = dict(last)
    for request in requests:
        parts = left.pop(request.txid, None)
        outcome = outcome_of(request, device_limit)
        if parts is None:
            if outcome is not None:
                yield f"{request.txid}: no report"
        elif outcome is None:
            yield f"{request.txid}: a report, though no device answered"
        else:
            if not _holds(parts, request):
                yield f"{request.txid}: other items than were sent"
            if _missing(parts) != (sorted(request.silent) if request.expected else []):
                yield f"{request.txid}: other devices missing than were silent"
            if parts[0].summary.outcome is not outcome:
                yield f"{request.txid}: {parts[0].summary.outcome} in place of {outcome}"
    for txid in left:
        yield f"{txid}: nobody asked for this report"


def _holds(parts: Sequence[Report], request: Request) -> bool:
    """Whether a report has exactly the items of its request, verbatim."""
    usage = Counter(bytes(item) for part in parts for item in part.usage)
    errors = Counter(bytes(item) for part in parts for item in part.errors)
    return usage == Counter(request.usage) and errors == Counter(request.errors)


def _missing(parts: Sequence[Report]) -> list[str]:
    return sorted(imei for part in parts for imei in part.summary.devices.missing)


def _wrong_dead_letters(requests: Iterable[Request], reasons: Iterable[str]) -> Iterator[str]:
    sent = Counter(hostile.reason for request in requests for hostile in request.hostile)
    found = Counter(reasons)
    for reason in sorted(sent | found):
        if sent[reason] != found[reason]:
            yield f"dead letters with reason {reason}: {sent[reason]} sent, {found[reason]} found"
