"""Writing one commit to the state log: one record, or several where one would be too large.

The bounds are estimates from above (`most_of`), so nothing is encoded twice. What cannot be
divided, one item, may make a record larger than that.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

from msgspec import msgpack, structs

from consumer.wire.state_entry import (
    DIGEST_BYTES,
    MORE_BYTES,
    Entry,
    MarkerEntry,
    OpenEntry,
    Rows,
    StateChunk,
    StateDelta,
    most_of,
    size_of,
)

CHUNK_BYTES = 800_000
"""Target of a record's size: below the 900 kB of the design with room for one more item."""

_LENGTH_BYTES = 5
"""At most, of a string's length."""

_encode: Final = msgpack.Encoder().encode


def encode(
    delta: StateDelta,
    forgotten: Iterable[str],
    entries: Iterable[tuple[Entry, int]],
    rows: Rows,
    sizes: Sequence[int],
    *,
    chunk_bytes: int = CHUNK_BYTES,
) -> list[bytes]:
    """The records of one commit, in order; `delta` gives the scalars of each of them.

    Each entry comes with its `size_of`, and `sizes` are about those of the rows. One that is
    too large for a record becomes itself cut short, and additions to it.
    """
    cutting = _Cutting(chunk_bytes)
    cutting.forget(forgotten)
    for entry, size in entries:
        cutting.add(entry, size)
    cutting.add_rows(rows, sizes)
    window, delta.window = delta.window, b""
    if len(window) > cutting.room:
        cutting.begin()
    delta.chunks = len(cutting.chunks)
    values = []
    for delta.chunk, delta.content in enumerate(cutting.chunks):
        if delta.content is cutting.chunks[-1]:
            delta.window = window
        values.append(_encode(delta))
    return values


class _Cutting:
    """A commit divided into records; the last one has `room` left."""

    def __init__(self, chunk_bytes: int) -> None:
        self.chunks = [StateChunk()]
        self.room = chunk_bytes
        self._chunk_bytes = chunk_bytes

    def begin(self) -> StateChunk:
        """Another record."""
        self.chunks.append(StateChunk())
        self.room = self._chunk_bytes
        return self.chunks[-1]

    def forget(self, txids: Iterable[str]) -> None:
        """Names of forgotten txids."""
        chunk = self.chunks[-1]
        for txid in txids:
            if self.room < 0:
                chunk = self.begin()
            chunk.forgotten.append(txid)
            self.room -= len(txid.encode()) + _LENGTH_BYTES

    def add(self, entry: Entry, size: int) -> None:
        """An entry, in pieces if need be."""
        most = most_of(entry, size)
        for piece in (entry,) if most <= self._chunk_bytes else _pieces(entry, self._chunk_bytes):
            taken = most if piece is entry else most_of(piece, size_of(piece))
            if taken > self.room and self.room < self._chunk_bytes:
                self.begin()
            self.chunks[-1].entries.append(piece)
            self.room -= taken

    def add_rows(self, rows: Rows, sizes: Sequence[int]) -> None:
        """Rows, as many at a time as fit in."""
        sums = [0, *accumulate([size + MORE_BYTES for size in sizes])]
        begin = 0
        while begin < len(rows):
            end = bisect_right(sums, sums[begin] + self.room, begin) - 1
            if end > begin:
                self.chunks[-1].rows = rows.part(begin, end)
                self.room -= sums[end] - sums[begin]
                begin = end
            elif self.room == self._chunk_bytes:  # more than a record may take
                self.add(rows.entry(begin), sizes[begin])
                begin += 1
            if begin < len(rows):
                self.begin()


def _pieces(entry: Entry, chunk_bytes: int) -> Iterator[Entry]:
    """An entry too large for one record, as itself cut short and additions to it."""
    if isinstance(entry, MarkerEntry):
        step = max(chunk_bytes // DIGEST_BYTES, 1) * DIGEST_BYTES
        for begin in range(0, len(entry.digests), step):
            digests = entry.digests[begin : begin + step]
            yield structs.replace(entry, whole=entry.whole and not begin, digests=digests)
    else:
        yield from _open_pieces(entry, chunk_bytes)


def _open_pieces(entry: OpenEntry, chunk_bytes: int) -> Iterator[OpenEntry]:
    """List by list; what is over goes into the next piece."""
    names = ("usage", "errors", "expected", "oversized")
    lists: dict[str, list[Any]] = {name: getattr(entry, name) for name in names}
    whole = entry.whole
    while any(lists.values()):
        fitting: dict[str, list[Any]] = {}
        room = chunk_bytes
        for name, values in lists.items():
            count, room = _fitting(values, room, least=not any(fitting.values()))
            fitting[name] = values[:count]
            lists[name] = values[count:]
        yield structs.replace(entry, whole=whole, **fitting)
        whole = False


def _fitting(values: list[Any], room: int, *, least: int) -> tuple[int, int]:
    """How many of the first values fit into `room`, and the room left; one at `least`."""
    for count, value in enumerate(values):
        size = len(value.encode() if isinstance(value, str) else value) + _LENGTH_BYTES
        if size > room and count >= least:
            return count, 0
        room -= size
    return len(values), room
