"""Metrics windows of one partition: what their records say, and what reports make of them.

A report counts in the window of its `closedAt`, a revision as the difference to the one
before. The window that is open when the audit begins has no record yet; the state log tells
what it holds so far.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, field, json, structs

from consumer.audit.emissions import Emission, Numbers
from consumer.wire.metrics import CODES_BYTES, OTHER_CODES, MetricsRecord, most_bytes
from consumer.wire.state_entry import Window as OpenWindow
from consumer.wire.timestamps import iso

decode: Final = json.Decoder(MetricsRecord).decode
ITEMS: Final = ("usage", "errors", "duplicates", "late")


class Sums(Struct):
    """What the reports of a window add up to."""

    complete: int = 0
    partial: int = 0
    unconfirmed: int = 0
    revised: int = 0
    reported: int = 0
    failed: int = 0
    missing: int = 0
    sessions: int = 0
    transferred: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    first_emissions: int = 0
    to_complete_sum_ms: int = 0
    to_complete_min_ms: int | None = None
    to_complete_max_ms: int | None = None

    @property
    def reports(self) -> int:
        """All of them."""
        return self.complete + self.partial + self.unconfirmed

    def add(self, emission: Emission, before: Numbers) -> None:
        """Count a report; `before` is what the revision before it added up to."""
        numbers = emission.numbers
        setattr(self, emission.outcome, getattr(self, emission.outcome) + 1)
        self.reported += numbers.reported - before.reported
        self.failed += numbers.failed - before.failed
        self.missing += numbers.missing - before.missing
        self.sessions += numbers.sessions - before.sessions
        self.transferred += numbers.transferred - before.transferred
        for code in numbers.codes.keys() | before.codes.keys():
            change = numbers.codes.get(code, 0) - before.codes.get(code, 0)
            self.codes[code] = self.codes.get(code, 0) + change
        if emission.revision:
            self.revised += 1
            return
        took_ms = emission.closed_ms - emission.opened_ms
        self.first_emissions += 1
        self.to_complete_sum_ms += took_ms
        least, most = self.to_complete_min_ms, self.to_complete_max_ms
        self.to_complete_min_ms = took_ms if least is None else min(least, took_ms)
        self.to_complete_max_ms = took_ms if most is None else max(most, took_ms)


class Window:
    """One window: by its record, and by what was read besides."""

    __slots__ = (
        "anchored",
        "doubtful",
        "end_ms",
        "first_anchor",
        "is_open",
        "items",
        "last_anchor",
        "merged",
        "records",
        "start_ms",
        "stated",
        "sums",
        "unsure",
    )

    def __init__(
        self,
        start_ms: int,
        end_ms: int,
        records: tuple[int, int, int, int],
        items: tuple[int, int, int, int],
        stated: Sums,
        *,
        is_open: bool = False,
    ) -> None:
        self.start_ms = start_ms
        self.end_ms = end_ms
        """Exclusive."""
        self.records = records
        """By kind, in the order of `ledger.KINDS`."""
        self.items = items
        """By result, in the order of `ITEMS`."""
        self.stated = stated
        self.is_open = is_open
        self.sums = Sums()
        """What the reports make of it."""
        self.unsure = False
        """A revision closed in it whose predecessor is unknown: only counts are sure."""
        self.merged = [0, 0, 0, 0]
        """What the records make of `items`..."""
        self.doubtful = 0
        """... save for so many, of which it is not known what became of them."""
        self.first_anchor: int | None = None
        """Index of the first record that a report places into this window, and the last."""
        self.last_anchor = -1

    def anchor(self, index: int) -> None:
        """A report places the record of that index here."""
        if self.first_anchor is None or index < self.first_anchor:
            self.first_anchor = index
        self.last_anchor = max(self.last_anchor, index)

    def is_regular(self, length_ms: int) -> bool:
        """Whether it is one of those that follow each other when all have this length."""
        return self.start_ms % length_ms == 0 and self.end_ms == self.start_ms + length_ms

    @property
    def is_too_small(self) -> bool:
        """Whether records lie between its anchors that it does not count."""
        first, last = self.first_anchor, self.last_anchor
        return first is not None and last - first >= sum(self.records)

    def wrong_sums(self) -> list[str]:
        """Where the window says something else than the reports closed in it."""
        counts = ("complete", "partial", "unconfirmed", "revised", "first_emissions")
        times = tuple(name for name in Sums.__struct_fields__ if name.startswith("to_complete"))
        names = (*counts, *times) if self.unsure else Sums.__struct_fields__
        return [
            f"{name.removesuffix('_ms')} is {stated}, the reports make it {made}"
            for name in names
            if (stated := self._of(self.stated, name)) != (made := self._of(self.sums, name))
        ]

    def wrong_items(self) -> list[str]:
        """Where the window says something else than the items of the records in it."""
        problems = [
            f"items.{name} is {stated}, the records make it {due}"
            + (f" to {due + self.doubtful}" if self.doubtful else "")
            for name, stated, due in zip(ITEMS, self.items, self.merged, strict=True)
            if not due <= stated <= due + self.doubtful
        ]
        total = sum(self.merged) + self.doubtful
        if not problems and sum(self.items) != total:
            problems.append(f"it counts {sum(self.items)} items, its records have {total}")
        return problems

    def _of(self, sums: Sums, name: str) -> object:
        """A field; of codes those that are named, and the sum of what found no room."""
        if name != "codes":
            return getattr(sums, name)
        known = self.stated.codes.keys()
        crowded = sum(map(most_bytes, known | self.sums.codes.keys())) > CODES_BYTES
        found = Counter[str]()
        for code, count in sorted(sums.codes.items()):
            found[OTHER_CODES if crowded and code not in known else code] += count
        return {code: count for code, count in found.items() if count}


class Windows:
    """All windows of one partition, in time order once sealed."""

    def __init__(self) -> None:
        self.all: list[Window] = []
        self._starts: list[int] = []

    def add(self, window: Window) -> None:
        """One more."""
        self.all.append(window)

    def seal(self) -> None:
        """There are no more."""
        self.all.sort(key=lambda window: window.start_ms)
        self._starts = [window.start_ms for window in self.all]

    def at(self, clock_ms: int) -> Window | None:
        """The window that a time of the clock lies in."""
        place = bisect_right(self._starts, clock_ms) - 1
        if place < 0:
            return None
        window = self.all[place]
        return window if clock_ms < window.end_ms else None

    def odd(self, length_ms: int) -> Iterator[tuple[Window, str | None]]:
        """Windows that are not of this length and aligned to it, and what is wrong about that.

        None where nothing may be: the setting may have been another one then, which cuts the
        first window short after it. But not for what would have been a single window.
        """
        known = self.all
        for before, window, after in zip([None, *known], known, [*known[1:], None], strict=False):
            ends = f"it ends at {iso(window.end_ms)}"
            if window.end_ms <= window.start_ms:
                yield window, f"{ends}, before it begins"
            elif after is not None and window.end_ms > after.start_ms:
                yield window, f"{ends}, within the next one"
            elif not window.is_regular(length_ms):
                alone = (
                    before is not None
                    and after is not None
                    and before.is_regular(length_ms)
                    and after.is_regular(length_ms)
                    and after.start_ms - before.end_ms == length_ms
                )
                yield (
                    window,
                    f"{ends}, which does not fit in with its neighbours" if alone else None,
                )


def closed(record: MetricsRecord, start_ms: int, end_ms: int) -> Window:
    """A window by its metrics record."""
    records, items, reports, devices = (
        record.records,
        record.items,
        record.reports,
        record.devices,
    )
    times = record.time_to_complete_ms
    return Window(
        start_ms,
        end_ms,
        (
            records.callbacks,
            records.expectations,
            records.acknowledgements,
            records.dead_letters,
        ),
        (items.usage, items.errors, items.duplicates, items.late),
        Sums(
            reports.complete,
            reports.partial,
            reports.unconfirmed,
            reports.revised,
            devices.reported,
            devices.failed,
            devices.missing,
            record.number_of_sessions,
            record.bytes_transferred,
            record.error_codes,
            times.count,
            times.sum,
            times.min,
            times.max,
        ),
    )


def still_open(state: OpenWindow) -> Window:
    """The open window by the state log."""
    of: Mapping[str, int] = structs.asdict(state)
    records = ("callbacks", "expectations", "acknowledgements", "dead_letters")
    return Window(
        state.start_ms,
        state.end_ms,
        (of[records[0]], of[records[1]], of[records[2]], of[records[3]]),
        (state.usage, state.errors, state.duplicates, state.late),
        Sums(
            **{name: of[name] for name in Sums.__struct_fields__ if name != "codes"},
            codes=state.error_codes,
        ),
        is_open=True,
    )
