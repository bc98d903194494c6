"""The audit of one input partition: its records, windows and reports against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, field, structs

from consumer.audit.emissions import Emission
from consumer.audit.findings import Findings, name_record, name_window
from consumer.audit.ledger import KINDS, Ledger
from consumer.audit.letters import Letter
from consumer.audit.lives import continued, follow, weigh
from consumer.audit.placement import Placement
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
        self.ledger = Ledger(terms, letters)
        self.windows = Windows()
        self._number = number
        self._letters = letters
        self._terms = terms
        self._cover = cover
        self._span = span
        self.beyond: int | None = None
        """How many records were consumed after the range, where that was counted."""
        self._findings = findings
        self._homeless: dict[int, Homeless] = {}
        self._held_back: list[Emission] = []
        """Revisions without the one before, which may lie in another partition of the topic."""
        self._later: list[str] = []
        """Reports of records that were not consumed when the audit began."""
        self._first_report_ms = _NEVER
        """`closedAt` of the first report written when all of them are there."""

    def seal_windows(self) -> None:
        """All metrics records were taken: reports may come."""
        if self._span.window is not None:
            self.windows.add(still_open(self._span.window))
        self.windows.seal()

    def seal_records(self) -> None:
        """All records were taken: windows tell how many of them were consumed at all."""
        span, terms = self._span, self._terms
        beyond = 0 if span.to_end else self.beyond
        if not terms.starts_late or not self._has_beginning or beyond is None or not span.window:
            return
        counted = sum(sum(window.records) for window in self.windows.all)
        early = len(self.ledger.offsets) + beyond - counted
        offsets = [*self.ledger.offsets, span.end]
        if 0 < early < len(offsets) and min(self._letters, default=span.end) >= offsets[early]:
            self._span = structs.replace(span, begin=offsets[early])
            self.ledger.drop(offsets[early])
            why = "the daemon began after them, as app.start_at=latest has it"
            self._findings.skip("records", why, early)

    def report(self, emission: Emission, written_ms: int) -> None:
        """The next report."""
        if written_ms >= self._cover.reports_since_ms:
            self._first_report_ms = min(self._first_report_ms, emission.closed_ms)
        life = self.ledger.account(emission.txid).life_of(emission)
        if emission.revision > (0 if life is None else life.revision + 1):
            self._held_back.append(emission)
        else:
            self._take(emission)

    def seal_reports(self) -> None:
        """All were taken: none comes any more before those that had to wait for it."""
        for emission in sorted(self._held_back, key=lambda emission: emission.revision):
            self._take(emission)

    def _take(self, emission: Emission) -> None:
        account = self.ledger.account(emission.txid)
        life = follow(account, emission, self._findings, self._cover)
        if life is None:
            return
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
        if self._span.from_start and emission.first < self._span.begin:
            problem = f"nothing before offset {self._span.begin} was consumed"
            self._findings.differ(emission.name, problem)
        if emission.last >= self._span.end:
            self._later.append(emission.name)
        begin = self._span.begin
        weigh(emission, account.trail, self._findings, begin, self._span.end)
        continued(life, emission, cut=emission.first < begin)

    def finish(self, *, still: bool) -> Result:
        """All reports were taken. `still`: no commit came while they were read."""
        span = self._span
        is_all = still and span.to_end
        self.ledger.finish(span.begin, span.end, is_all=is_all)
        for offset, problem in self.ledger.problems:
            self._findings.differ(name_record(self._terms.topic, self._number, offset), problem)
        self._tell_homeless()
        self._check_bounds()
        if is_all:
            for name in self._later:
                self._findings.differ(name, f"nothing beyond offset {span.end - 1} was consumed")
        placement = self._place()
        result = Result(span.begin, span.end, len(self.ledger.offsets))
        settlement = self._settle(placement)
        result.open, result.items = settlement.open, settlement.items
        for begin, window in placement.placed:
            if window.end_ms > self._terms.until_ms:
                continue
            if placement.is_inside(window, begin):
                self._check_records(window, begin, result)
            else:
                self._findings.skip("windows", "the range cuts them")
        for window in self._windows(self._terms.until_ms):
            self._check_reports(window, result, still=still)
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

    def _check_bounds(self) -> None:
        for window, problem in self.windows.odd(self._terms.window_ms):
            if window.end_ms <= self._terms.since_ms or window.start_ms >= self._terms.until_ms:
                continue
            if problem is None:
                why = "they do not fit metrics.window, which may have been another one then"
                self._findings.skip("windows' bounds", why)
            else:
                self._differ(window.start_ms, problem)

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

    def _place(self) -> Placement:
        """Find out which records were counted in which window."""
        span, terms = self._span, self._terms
        beyond = 0 if span.to_end else self.beyond
        until_ms = terms.until_ms if self.beyond is None else FOREVER
        return Placement(
            terms.topic,
            self._number,
            self._windows(until_ms),
            self.ledger,
            self._findings,
            whole=self._has_beginning,
            beyond=beyond,
        )

    @property
    def _has_beginning(self) -> bool:
        """Whether all windows are there, and all records, from the very first on."""
        return (
            self._span.from_start and not self._terms.since_ms and not self._cover.metrics_since_ms
        )

    def _windows(self, until_ms: int) -> list[Window]:
        """Those of the range, or up to a later time."""
        since_ms = self._terms.since_ms
        return [window for window in self.windows.all if since_ms < window.end_ms <= until_ms]

    def _is_whole(self, result: Result) -> bool:
        """Whether nothing at all is left out: neither records nor windows nor reports."""
        span, terms, cover = self._span, self._terms, self._cover
        cut = terms.since_ms or terms.until_ms < FOREVER or not (span.from_start and span.to_end)
        lost = cover.reports_since_ms or cover.metrics_since_ms or cover.reports_compacted
        records = sum(result.counted[name] for name in KINDS)
        return not cut and not lost and records == result.records

    # The end

    def _settle(self, placement: Placement) -> Settlement:
        span, known = self._span, self.windows.all
        clock_ms = span.clock_ms
        if clock_ms is None:
            clock_ms = known[-1].end_ms if known else 0
            if known or self.ledger.offsets:
                why = "the state log does not tell what their last window holds"
                self._findings.skip("partitions", why)
        elif span.window is not None:
            # What is due later may wait for the next transaction; the clock does not.
            clock_ms = min(clock_ms, span.window.start_ms)
        settlement = Settlement(
            self._number,
            self._terms,
            self._findings,
            placement.window_of,
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

    def _check_records(self, window: Window, begin: int, result: Result) -> None:
        """Hold a window against the records that it counts."""
        result.windows += not window.is_open
        result.doubtful += window.doubtful
        why = "whether they were duplicates follows from what is not in the range"
        self._findings.skip("items", why, window.doubtful)
        end = begin + sum(window.records)
        for kind, (name, stated) in enumerate(zip(KINDS, window.records, strict=True)):
            found = self.ledger.count(kind, begin, end)
            result.counted[name] += stated
            result.found[name] += found
            if stated != found:
                problem = f"records.{name} is {stated}, the input makes it {found}"
                self._differ(window.start_ms, problem)
        for name, stated, due in zip(ITEMS, window.items, window.merged, strict=True):
            result.counted[f"items.{name}"] += stated
            result.found[f"items.{name}"] += min(max(due, stated), due + window.doubtful)
        for problem in window.wrong_items():
            self._differ(window.start_ms, problem)

    def _check_reports(self, window: Window, result: Result, *, still: bool) -> None:
        """Hold a window against the reports closed in it, if they are all there."""
        skip = self._findings.skip
        if self._cover.reports_compacted:
            skip("windows' reports", "the topic is compacted")
        elif window.start_ms <= self._complete_since_ms:
            skip("windows' reports", "some may be older than what is read of them")
        elif window.is_open and not still:
            skip("open windows' reports", "the daemon went on meanwhile")
        else:
            for problem in window.wrong_sums():
                self._differ(window.start_ms, problem)
            if window.unsure:
                skip("windows' totals", "a report before a revision is not there")
            else:
                self._add_sums(window, result)

    def _add_sums(self, window: Window, result: Result) -> None:
        for sums, total in ((window.stated, result.counted), (window.sums, result.found)):
            total["reports"] += sums.reports
            for name in ("revised", "reported", "failed", "missing", "sessions", "transferred"):
                total[name] += getattr(sums, name)
            total["error codes"] += sum(sums.codes.values())

    def _differ(self, start_ms: int, problem: str) -> None:
        self._findings.differ(name_window(start_ms, self._number), problem)
