"""What became of every item of a partition, once all its reports are known.

A record that lies within one of its txid's reports was weighed with that report. What comes
after the last revision of a life must be a duplicate, a dead letter, or still open: a part
that came so long ago that its report is overdue, by the partition's own clock, is missing.

Between two windows the clock is known no better than by the window in which a record was
counted. So a report counts as overdue only when `completion.inactivity` has passed since
the end of that window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from msgspec import Struct

from consumer.audit.findings import Findings, name_txid
from consumer.audit.lives import Account, Life
from consumer.audit.terms import Span, Terms
from consumer.audit.trail import CALLBACK, LATE, Entry
from consumer.audit.windows import Window

USAGE, ERRORS, DUPLICATES, LATE_ITEMS = range(4)
"""Places in `Window.merged`."""


class Open(Struct):
    """What no report holds yet."""

    txids: int = 0
    items: int = 0


class Settlement:
    """Settles the accounts of one partition, one by one."""

    def __init__(
        self,
        partition: int,
        terms: Terms,
        findings: Findings,
        window_of: Callable[[int], Window | None],
        *,
        clock_ms: int,
        complete_since_ms: float,
        span: Span,
        compacted: bool,
    ) -> None:
        self.open = Open()
        self.items = 0
        """In last revisions, and from records of the span."""
        self._partition = partition
        self._terms = terms
        self._findings = findings
        self._window_of = window_of
        """In which a record was counted, by its offset; None where that is unknown."""
        self._clock_ms = clock_ms
        """At the end: what was due before is done."""
        self._complete_since_ms = complete_since_ms
        """All reports are there that closed after this time of the clock."""
        self._span = span
        self._compacted = compacted

    def settle(self, txid: str, account: Account) -> None:
        """Follow the records of a txid through its lives."""
        name = name_txid(txid, self._partition)
        lives = sorted(account.lives, key=lambda life: life.first)
        self._judge_lives(name, lives)
        bounds = [life.first for life in lives[1:]] + [2**63]
        entries = [entry for entry in account.trail if entry.offset >= self._span.begin]
        if not lives:
            self._settle_rest(name, None, entries, set(), followed=False)
            return
        before = [entry for entry in entries if entry.offset < lives[0].first]
        self._settle_rest(name, None, before, set(), followed=True)
        for life, bound in zip(lives, bounds, strict=True):
            own = [entry for entry in entries if life.first <= entry.offset < bound]
            self._settle_life(name, life, own, followed=bound < 2**63)

    def _judge_lives(self, name: str, lives: list[Life]) -> None:
        """Each begins with its first revision, after the one before, and stands behind it."""
        differ = self._findings.differ
        for life in lives:
            lost = life.first_revision > 0 and not self._compacted
            if lost and self._is_complete(life.opened_ms):
                differ(name, f"revisions before {life.first_revision} are missing")
        for life, after in pairwise(lives):
            if after.first <= life.last:
                differ(
                    name, f"a report goes on to {life.last}, but the next begins at {after.first}"
                )
            if after.at[0] == life.at[0] and after.at < life.at:
                differ(name, f"the report from {after.first} on stands before the older one")

    def _settle_life(self, name: str, life: Life, entries: list[Entry], *, followed: bool) -> None:
        """From the first record of a life up to the next one."""
        cut = life.first < self._span.begin
        known: set[bytes] = set()
        rest: list[Entry] = []
        for entry in entries:
            if entry.offset > life.last:
                rest.append(entry)
            elif entry.kind == LATE:
                self._findings.differ(
                    name, f"{entry.offset} is a late dead letter, but reports went on"
                )
            else:
                self._count(entry, known, doubtful=cut)
        reaches_out = life.last >= self._span.end
        own = [entry for entry in entries if entry.offset <= life.last and entry.kind != LATE]
        held = {item for entry in own for item in entry.items}
        self.items += len(held) if reaches_out else life.items
        if life.held is not None:
            known |= life.held
        self._settle_rest(name, life, rest, known, followed=followed)

    def _settle_rest(
        self,
        name: str,
        life: Life | None,
        entries: list[Entry],
        known: set[bytes],
        *,
        followed: bool,
    ) -> None:
        """Records after the last report of a life, or (`life` None) with no report so far.

        `known` is what that report held, `followed` says that another life comes after.
        """
        parts = []
        for entry in entries:
            if entry.kind == LATE:
                self._count_late(name, life, entry, known, followed=followed)
            else:
                parts.append(entry)
        if not parts:
            return
        fresh = [
            entry
            for entry in parts
            if life is None or not known.issuperset(_judgeable(entry, life))
        ]
        sure = self._is_judged(parts[0]) and not (followed and self._compacted)
        overdue = bool(fresh) and self._is_overdue(_last_news(parts, fresh[0]))
        if sure and fresh and (followed or overdue):
            places = ", ".join(str(entry.offset) for entry in fresh[:3])
            after = "" if life is None else f" after revision {life.revision}"
            self._findings.differ(
                name, f"no report{after} holds what came with {len(fresh)} records: {places}"
            )
        elif fresh and not followed and not overdue:
            self.open.txids += 1
            self.open.items += len({item for entry in parts for item in entry.items} - known)
        elif fresh:
            why = "their reports may be older than what is read of the reports"
            self._findings.skip("records", why, len(fresh))
        # With a report before, it may have been forgotten: then what it held counts anew.
        again = life is not None and not followed and not self._is_overdue(parts[-1])
        for entry in parts:
            self._count(entry, known, doubtful=not sure, again=again)

    def _count_late(
        self, name: str, life: Life | None, entry: Entry, known: set[bytes], *, followed: bool
    ) -> None:
        """A dead letter that came after a report that could not be revised any more."""
        if life is None:
            if self._is_judged(entry) and not (followed and self._compacted):
                self._findings.differ(name, f"{entry.offset} is a late dead letter with no report")
            self._doubt(entry)
        elif known.issuperset(_brought(entry)):
            self._findings.differ(name, f"{entry.offset} is a late dead letter, but nothing new")
        elif (window := self._window_of(entry.offset)) is not None:
            late = sum(item not in known for item in entry.items)
            window.merged[LATE_ITEMS] += late
            window.merged[DUPLICATES] += len(entry.items) - late

    def _count(
        self, entry: Entry, known: set[bytes], *, doubtful: bool, again: bool = False
    ) -> None:
        """Count the items of a good record in its window, and add them to `known`.

        `doubtful`: nobody knows which of them were merged; `again`: nor whether the
        duplicates among them were.
        """
        window = self._window_of(entry.offset)
        if doubtful:
            self._doubt(entry)
        elif window is not None and entry.kind == CALLBACK:
            for items, place in ((entry.usage, USAGE), (entry.errors, ERRORS)):
                distinct = len(set(items) - known)
                duplicates = len(items) - distinct
                window.merged[place] += distinct
                if again:
                    window.doubtful += duplicates
                else:
                    window.merged[DUPLICATES] += duplicates
        known.update(_brought(entry))

    def _doubt(self, entry: Entry) -> None:
        window = self._window_of(entry.offset)
        if window is not None:
            window.doubtful += len(entry.items)

    def _is_overdue(self, last: Entry) -> bool:
        """Whether a txid whose last record this is must have been emitted by the end."""
        window = self._window_of(last.offset)
        return window is not None and window.end_ms + self._terms.inactivity_ms <= self._clock_ms

    def _is_judged(self, first: Entry) -> bool:
        """Whether all reports are there that a txid can have from this record on.

        It may belong to a report from before, as long as that can have been remembered.
        """
        window = self._window_of(first.offset)
        if window is None:
            return False
        return self._is_complete(window.start_ms - self._terms.remember_ms)

    def _is_complete(self, clock_ms: float) -> bool:
        return clock_ms > self._complete_since_ms


def _last_news(parts: list[Entry], first: Entry) -> Entry:
    """The last record from `first` on that may have brought something: duplicates put nothing off.

    With `first` the txid is open, and stays so; whether it knew anything before is another matter.
    """
    known: set[bytes] = set()
    last = first
    for entry in parts[parts.index(first) :]:
        if not known.issuperset(_brought(entry)):
            last = entry
            known.update(_brought(entry))
    return last


def _brought(entry: Entry) -> Iterable[bytes]:
    return [*entry.items, *entry.imeis]


def _judgeable(entry: Entry, life: Life) -> Iterable[bytes]:
    """The same, without what cannot be known of a life that the range cuts."""
    return entry.items if life.held is not None else _brought(entry)
