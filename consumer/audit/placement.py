"""Where the windows of a partition lie among its records, and what lies in none or in two.

Made once all anchors are known. Windows are placed by `alignment`; a run of them that ends
where another one does not begin is a difference: some window is missing, or counts wrongly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from consumer.audit.alignment import Run, align
from consumer.audit.findings import Findings, name_record, name_window
from consumer.audit.ledger import Ledger
from consumer.audit.windows import Window


class Placement:
    """Windows, each with the index of its first record."""

    def __init__(
        self,
        topic: str,
        partition: int,
        windows: Sequence[Window],
        ledger: Ledger,
        findings: Findings,
        *,
        whole: bool,
        beyond: int | None,
    ) -> None:
        """Place these windows, which are in time order.

        `whole`: nothing was consumed before the records of the ledger. `beyond`: how many
        were consumed after them; None where nobody knows.
        """
        self.placed: list[tuple[int, Window]] = []
        """In order; the index may lie before the first record, or the window end after the last."""
        self._topic = topic
        self._partition = partition
        self._ledger = ledger
        self._findings = findings
        for window in windows:
            if window.is_too_small:
                problem = "reports place more records in it than it counts"
                findings.differ(name_window(window.start_ms, partition), problem)
        begin = 0 if whole else None
        ends = beyond is not None and bool(windows) and windows[-1].is_open
        records = len(ledger.offsets) + (beyond or 0)
        runs = align(windows, records, begin=begin, ends=ends)
        self._tell_gaps(runs, begin, records if ends else None)
        for run in runs:
            self._add(run)
        self.placed.sort(key=lambda placed: placed[0])

    def is_inside(self, window: Window, begin: int) -> bool:
        """Whether all records of a window that begins there are in the ledger."""
        return begin >= 0 and begin + sum(window.records) <= len(self._ledger.offsets)

    def window_of(self, offset: int) -> Window | None:
        """The window in which the record at `offset` was counted; None where that is unknown."""
        index = self._ledger.index(offset)
        place = bisect_right(self.placed, index, key=lambda placed: placed[0]) - 1
        while place >= 0:  # windows that count nothing begin where the next one does
            begin, window = self.placed[place]
            if index < begin + sum(window.records):
                return window
            if sum(window.records):
                return None
            place -= 1
        return None

    def _add(self, run: Run) -> None:
        at = run.begin
        if at is None:
            why = "nothing tells which records they count"
            self._findings.skip("windows", why, len(run.windows))
            return
        for window in run.windows:
            self.placed.append((at, window))
            at += sum(window.records)

    def _tell_gaps(self, runs: list[Run], begin: int | None, end: int | None) -> None:
        at = begin
        before: Window | None = None
        for run in runs:
            first = run.windows[0]
            if at is not None and run.begin is not None and at != run.begin:
                self._tell_gap(at, run.begin, before, first)
            elif at != run.begin and (before is not None or at is not None):
                problem = "its records do not follow on those before it"
                self._findings.differ(name_window(first.start_ms, self._partition), problem)
            at = at if run.begin is None else run.begin
            at = None if at is None else at + run.records
            before = run.windows[-1]
        if at is not None and end is not None and at != end:
            self._tell_gap(at, end, before, None)

    def _tell_gap(self, at: int, until: int, before: Window | None, after: Window | None) -> None:
        offsets = self._ledger.offsets
        place = min(max(min(at, until), 0), len(offsets) - 1)
        what = "are in no window" if until > at else "are in two windows"
        if before is None and until > at:
            what += " (if the daemon first began after them, begin with --from)"
        neighbours = [
            name_window(window.start_ms, self._partition) for window in (before, after) if window
        ]
        self._findings.differ(
            name_record(self._topic, self._partition, offsets[place] if offsets else 0),
            f"{abs(until - at)} records from here on {what}; next to {' and '.join(neighbours)}",
        )
