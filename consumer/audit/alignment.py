"""Which records were counted in which metrics window.

A window says how many records it counts, not which. But records are counted in the order of
their offsets, and windows close one after the other: the records of a run of windows follow
each other without a gap. So one number places a whole run: the index of its first record.
Where the history is read from its very beginning it is 0, and where it is read to its very
end the last window ends with the last record.

A report says at what time of the clock its first record was taken (an *anchor*): it must lie
in the window of that time. Where no number satisfies all of that, a window is missing or
counts wrongly. There a run ends, and what comes after it is placed anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from consumer.audit.windows import Window

_FAR = 2**62


class Run(Struct):
    """Windows whose records follow each other."""

    windows: Sequence[Window]
    begin: int | None
    """Index of their first record (below 0: before the range); None where nothing tells."""

    @property
    def records(self) -> int:
        """How many these windows count."""
        return sum(sum(window.records) for window in self.windows)


def align(windows: Sequence[Window], records: int, *, begin: int | None, ends: bool) -> list[Run]:
    """Place all windows, in time order, among so many records.

    `begin` is the index of the first window's first record where that is known; `ends`: the
    last window ends with the last record.
    """
    runs: list[Run] = []
    place = 0
    least, most = (-_FAR, _FAR) if begin is None else (begin, begin)
    while place < len(windows):
        length, least, most = _extent(windows[place:], records, least, most, ends=ends)
        runs.append(Run(windows[place : place + length], least if least == most else None))
        place += length
        least, most = -_FAR, _FAR
    return runs


def _extent(
    windows: Sequence[Window], records: int, least: int, most: int, *, ends: bool
) -> tuple[int, int, int]:
    """How many windows fit together, one at least, and the bounds of where they begin."""
    taken = 0
    for number, window in enumerate(windows):
        low, high = _bounds(window, taken)
        taken += sum(window.records)
        if ends:
            high = min(high, records - taken)
            if number == len(windows) - 1:
                low = max(low, records - taken)
        if max(low, least) <= min(high, most):
            least, most = max(low, least), min(high, most)
        elif number:
            return number, least, most
        else:  # it does not begin where the one before it ended
            least, most = low, high
    return len(windows), least, most


def _bounds(window: Window, before: int) -> tuple[int, int]:
    """Where a run may begin by the anchors of a window with so many records before it."""
    if window.first_anchor is None:
        return -_FAR, _FAR
    return window.last_anchor - before - sum(window.records) + 1, window.first_anchor - before
