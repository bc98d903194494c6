"""The audit of one input partition: its records, windows and reports against each other."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, field

from consumer.audit.alignment import Run, align
from consumer.audit.emissions import Emission
from consumer.audit.findings import Findings, name_record, name_window
from consumer.audit.ledger import KINDS, Ledger
from consumer.audit.letters import Letter
from consumer.audit.lives import continued, follow, weigh
from consumer.audit.settlement import Open, Settlement
from consumer.audit.terms import FOREVER, Cover, Span, Terms
from consumer.audit.windows import ITEMS, Window, Windows, still_open

_NEVER = float("inf")


class Homeless(Struct):
    """Reports that closed in a window of which there is no record."""

    example: str
    closed: int = 0
    opened: int = 0


class Result(Struct):
    """What came of one partition, for the table."""

    begin: int
    end: int
    records: int = 0
    windows: int = 0
    """That were checked."""
    counted: Counter[str] = field(default_factory=Counter)
    """By these windows."""
    found: Counter[str] = field(default_factory=Counter)
    """The same, by what the other topics hold."""
    open: Open = field(default_factory=Open)
    items: int = 0
    """In last revisions."""
    doubtful: int = 0
    """Items of which it is not known whether they were merged."""
    whole: bool = False
    """It is all that was ever consumed, so that all items must be in one of these."""

    @property
    def merged(self) -> int:
        """Items, by the windows."""
        return self.counted["items.usage"] + self.counted["items.errors"]


class PartitionAudit:
    """Fed in this order: windows, records, reports."""

    def __init__(
        self,
        number: int,
        terms: Terms,
        cover: Cover,
        span: Span,
        letters: Mapping[int, Letter],
        findings: Findings,
    ) -> None:
        self.ledger = Ledger(terms, number, letters, findings)
        self.windows = Windows()
        self._number = number
        self._terms = terms
        self._cover = cover
        self._span = span
        self.beyond: int | None = None
        """How many records were consumed after the range, where that was counted."""
        self._findings = findings
        self._homeless: dict[int, Homeless] = {}
        self._later: list[str] = []
        """Reports of records that were not consumed when the audit began."""
        self._first_report_ms = _NEVER
        """`closedAt` of the first report written when all of them are there."""
        self._placed: list[tuple[int, Window]] = []
        """Windows and the index of their first record, in order."""

    def seal_windows(self) -> None:
        """All metrics records were taken: reports may come."""
        if self._span.window is not None:
            self.windows.add(still_open(self._span.window))
        self.windows.seal()

    def report(self, emission: Emission, written_ms: int) -> None:
        """The next report."""
        account = self.ledger.account(emission.txid)
        compacted = self._cover.reports_compacted
        life = follow(account, emission, self._findings, compacted=compacted)
        if life is None:
            return
        if written_ms >= self._cover.reports_since_ms:
            self._first_report_ms = min(self._first_report_ms, emission.closed_ms)
        window = self.windows.at(emission.closed_ms)
        if window is not None:
            is_first = life.last < 0
            window.unsure |= emission.revision > (0 if is_first else life.revision + 1)
            window.sums.add(emission, life.numbers)
        elif self._is_due(emission.closed_ms):
            self._home(emission, emission.closed_ms).closed += 1
        self._anchor(emission, emission.first, emission.opened_ms)
        if emission.by_part:
            self._anchor(emission, emission.last, emission.closed_ms)
        if emission.last >= self._span.end:
            self._later.append(emission.name)
        begin = self._span.begin
        weigh(emission, account.trail, self._findings, begin, self._span.end)
        continued(life, emission, cut=emission.first < begin)

    def finish(self, *, still: bool) -> Result:
        """All reports were taken. `still`: no commit came while they were read."""
        span = self._span
        self.ledger.finish(span.begin, span.end)
        self._tell_homeless()
        if still and span.to_end:
            for name in self._later:
                self._findings.differ(name, f"nothing beyond offset {span.end - 1} was consumed")
        self._place()
        result = Result(span.begin, span.end, len(self.ledger.offsets))
        settlement = self._settle()
        result.open, result.items = settlement.open, settlement.items
        for begin, window in self._placed:
            if window.end_ms <= self._terms.until_ms:
                self._check(window, begin, result, still=still)
        result.whole = self._is_whole(result)
        due = result.items + result.open.items
        if result.whole and not due <= result.merged <= due + result.doubtful:
            self._findings.differ(
                f"partition {self._number}",
                f"windows count {result.merged} items merged, but last revisions hold "
                f"{result.items}, and {result.open.items} are open",
            )
        return result

    # Windows

    def _anchor(self, emission: Emission, offset: int, clock_ms: int) -> None:
        """The clock stood at `clock_ms` when the record at `offset` was taken."""
        if not self._span.begin <= offset < self._span.end:
            return
        window = self.windows.at(clock_ms)
        if window is not None:
            window.anchor(self.ledger.index(offset))
        elif self._is_due(clock_ms):
            self._home(emission, clock_ms).opened += 1

    def _is_due(self, clock_ms: int) -> bool:
        """Whether the window of that time must have closed, and be there."""
        known = self.windows.all
        if not known or clock_ms >= min(self._terms.until_ms, known[-1].end_ms):
            return False
        if self._terms.since_ms or self._cover.metrics_since_ms:
            return clock_ms >= max(self._terms.since_ms, known[0].start_ms)
        return True

    def _home(self, emission: Emission, clock_ms: int) -> Homeless:
        start_ms = clock_ms // self._terms.window_ms * self._terms.window_ms
        return self._homeless.setdefault(start_ms, Homeless(emission.name))

    def _tell_homeless(self) -> None:
        for start_ms, homeless in sorted(self._homeless.items()):
            what = f"{homeless.closed} reports closed in it"
            if not homeless.closed:
                what = f"{homeless.opened} records of reports were taken in it"
            self._differ(start_ms, f"it has no metrics record, but {what}: {homeless.example}, ...")

    def _place(self) -> None:
        """Find out which records were counted in which window."""
        span, terms = self._span, self._terms
        whole = span.from_start and not terms.since_ms and not self._cover.metrics_since_ms
        until_ms = terms.until_ms if self.beyond is None else FOREVER
        windows = [
            window for window in self.windows.all if terms.since_ms < window.end_ms <= until_ms
        ]
        known_end = span.to_end or self.beyond is not None
        ends = known_end and bool(windows) and windows[-1].is_open
        records = len(self.ledger.offsets) + (self.beyond or 0)
        for window in windows:
            if window.is_too_small:
                self._differ(window.start_ms, "reports place more records in it than it counts")
        runs = align(windows, records, begin=0 if whole else None, ends=ends)
        self._tell_gaps(runs, 0 if whole else None, records if ends else None)
        for run in runs:
            at = run.begin
            if at is None:
                why = "nothing tells which records they count"
                self._findings.skip("windows", why, len(run.windows))
                continue
            for window in run.windows:
                self._placed.append((at, window))
                at += sum(window.records)
        self._placed.sort(key=lambda placed: placed[0])

    def _is_whole(self, result: Result) -> bool:
        """Whether nothing at all is left out: neither records nor windows nor reports."""
        span, terms, cover = self._span, self._terms, self._cover
        cut = terms.since_ms or terms.until_ms < FOREVER or not (span.from_start and span.to_end)
        lost = cover.reports_since_ms or cover.metrics_since_ms or cover.reports_compacted
        records = sum(result.counted[name] for name in KINDS)
        return not cut and not lost and records == result.records

    def _tell_gaps(self, runs: list[Run], begin: int | None, end: int | None) -> None:
        """Where a run ends, something is wrong: records are in no window, or in two."""
        at = begin
        before: Window | None = None
        for run in runs:
            first = run.windows[0]
            if at is not None and run.begin is not None and at != run.begin:
                self._tell_gap(at, run.begin, before, first)
            elif at != run.begin and (before is not None or at is not None):
                self._differ(first.start_ms, "its records do not follow on those before it")
            at = at if run.begin is None else run.begin
            at = None if at is None else at + run.records
            before = run.windows[-1]
        if at is not None and end is not None and at != end:
            self._tell_gap(at, end, before, None)

    def _tell_gap(self, at: int, until: int, before: Window | None, after: Window | None) -> None:
        offsets = self.ledger.offsets
        place = min(max(min(at, until), 0), len(offsets) - 1)
        what = "are in no window" if until > at else "are in two windows"
        neighbours = [
            name_window(window.start_ms, self._number) for window in (before, after) if window
        ]
        self._findings.differ(
            name_record(self._terms.topic, self._number, offsets[place] if offsets else 0),
            f"{abs(until - at)} records from here on {what}; next to {' and '.join(neighbours)}",
        )

    def _is_inside(self, window: Window, begin: int) -> bool:
        return begin >= 0 and begin + sum(window.records) <= len(self.ledger.offsets)

    def _wrong_kinds(self, window: Window, begin: int) -> list[str]:
        end = begin + sum(window.records)
        return [
            f"records.{name} is {stated}, the input makes it {found}"
            for kind, (name, stated) in enumerate(zip(KINDS, window.records, strict=True))
            if stated != (found := self.ledger.count(kind, begin, end))
        ]

    def _window_of(self, offset: int) -> Window | None:
        """The window in which the record at `offset` was counted."""
        index = self.ledger.index(offset)
        place = bisect_right(self._placed, index, key=lambda placed: placed[0]) - 1
        while place >= 0:  # windows that count nothing begin where the next one does
            begin, window = self._placed[place]
            if index < begin + sum(window.records):
                return window
            if sum(window.records):
                return None
            place -= 1
        return None

    # The end

    def _settle(self) -> Settlement:
        span, known = self._span, self.windows.all
        clock_ms = span.clock_ms
        if clock_ms is None:
            clock_ms = known[-1].end_ms if known else 0
            if known or self.ledger.offsets:
                why = "the state log does not tell what their last window holds"
                self._findings.skip("partitions", why)
        settlement = Settlement(
            self._number,
            self._terms,
            self._findings,
            self._window_of,
            clock_ms=clock_ms,
            complete_since_ms=self._complete_since_ms,
            span=span,
            compacted=self._cover.reports_compacted,
        )
        for txid, account in self.ledger.accounts.items():
            settlement.settle(txid, account)
        return settlement

    @property
    def _complete_since_ms(self) -> float:
        return self._first_report_ms if self._cover.reports_since_ms else -_NEVER

    def _check(self, window: Window, begin: int, result: Result, *, still: bool) -> None:
        """Hold one window against records and reports."""
        if not self._is_inside(window, begin):
            self._findings.skip("windows", "the range cuts them")
            return
        result.windows += not window.is_open
        problems = self._wrong_kinds(window, begin)
        end = begin + sum(window.records)
        for kind, (name, stated) in enumerate(zip(KINDS, window.records, strict=True)):
            result.counted[name] += stated
            result.found[name] += self.ledger.count(kind, begin, end)
        problems += window.wrong_items()
        for name, stated, due in zip(ITEMS, window.items, window.merged, strict=True):
            result.counted[f"items.{name}"] += stated
            result.found[f"items.{name}"] += min(max(due, stated), due + window.doubtful)
        why = "whether they were duplicates follows from what is not in the range"
        self._findings.skip("items", why, window.doubtful)
        result.doubtful += window.doubtful
        if self._cover.reports_compacted:
            self._findings.skip("windows' reports", "the topic is compacted")
        elif window.start_ms <= self._complete_since_ms:
            self._findings.skip("windows' reports", "some may be older than what is read of them")
        elif window.is_open and not still:
            self._findings.skip("open windows' reports", "the daemon went on meanwhile")
        else:
            problems += window.wrong_sums()
            if window.unsure:
                self._findings.skip("windows' totals", "a report before a revision is not there")
            else:
                self._add_sums(window, result)
        for problem in problems:
            self._differ(window.start_ms, problem)

    def _add_sums(self, window: Window, result: Result) -> None:
        for sums, total in ((window.stated, result.counted), (window.sums, result.found)):
            total["reports"] += sums.reports
            for name in ("revised", "reported", "failed", "missing", "sessions", "transferred"):
                total[name] += getattr(sums, name)
            total["error codes"] += sum(sums.codes.values())

    def _differ(self, start_ms: int, problem: str) -> None:
        self._findings.differ(name_window(start_ms, self._number), problem)
