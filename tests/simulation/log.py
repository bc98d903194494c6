"""One partition's log: records, the markers that end transactions, and what readers see of it.

A transaction shows in a log as a *span*: it opens with a producer's first record and closes
with that producer's next marker. The last stable offset is where the oldest open span begins;
a reader of committed data gets no further, skips what was aborted, and counts it in its
position, as it does markers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Headers = Sequence[tuple[str, bytes | None]]


class Span:
    """A transaction in one partition."""

    __slots__ = ("committed", "first", "is_orphan", "pid")

    def __init__(self, pid: int, first: int) -> None:
        self.pid = pid
        self.first = first
        self.committed: bool | None = None
        self.is_orphan = False
        """Whether it holds a record that came when its transaction was over."""


class Entry(NamedTuple):
    """What stands at one offset. Plain records have no span, markers nothing else."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Headers | None
    span: Span | None
    is_control: bool = False


class Log:
    """A partition. Offsets are indices: what was deleted is only hidden."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.start = 0
        self.starts = [0]
        """All that it ever had."""
        self.open: dict[int, Span] = {}
        """By producer id, the oldest first."""
        self._epochs: dict[int, int] = {}

    @property
    def end(self) -> int:
        """READ_UNCOMMITTED end offset."""
        return len(self.entries)

    @property
    def stable(self) -> int:
        """The last stable offset: the READ_COMMITTED end."""
        for span in self.open.values():
            return span.first
        return len(self.entries)

    def append(self, records: Sequence[Entry]) -> int:
        """Records outside of any transaction; the first one's offset."""
        first = len(self.entries)
        self.entries += records
        return first

    def epoch_of(self, pid: int) -> int:
        """What is older than this was fenced here."""
        return self._epochs.get(pid, -1)

    def append_open(
        self, records: Sequence[Entry], pid: int, epoch: int, *, is_orphan: bool = False
    ) -> int:
        """Records of a producer's transaction, opened here if it is not; the first's offset."""
        self._epochs[pid] = epoch
        first = len(self.entries)
        span = self.open.get(pid)
        if span is None:
            span = self.open[pid] = Span(pid, first)
        span.is_orphan = span.is_orphan or is_orphan
        self.entries += [record._replace(span=span) for record in records]
        return first

    def mark(self, pid: int, epoch: int, *, committed: bool) -> None:
        """End a producer's transaction; fences what is older than `epoch`."""
        self._epochs[pid] = max(epoch, self._epochs.get(pid, -1))
        span = self.open.pop(pid, None)
        if span is not None:
            span.committed = committed
        self.entries.append(Entry(None, None, 0, None, None, is_control=True))

    def read(
        self, offset: int, most: int, *, committed: bool = True
    ) -> tuple[list[tuple[int, Entry]], int]:
        """At most `most` records from `offset` on, and the position after them."""
        found: list[tuple[int, Entry]] = []
        end = self.stable if committed else len(self.entries)
        entries = self.entries
        while offset < end and len(found) < most:
            entry = entries[offset]
            span = entry.span
            if not entry.is_control and (not committed or span is None or span.committed):
                found.append((offset, entry))
            offset += 1
        if len(found) == most:
            return found, found[-1][0] + 1 if most else offset
        return found, offset

    def holds(self, offset: int) -> bool:
        """Whether a reader may stand there."""
        return self.start <= offset <= len(self.entries)

    def delete_before(self, offset: int) -> None:
        """DeleteRecords, retention."""
        start = min(offset, len(self.entries))
        if start > self.start:
            self.start = start
            self.starts.append(start)
