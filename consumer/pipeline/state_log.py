"""The state log of one partition: what to write with a commit, and where reading must begin.

Every commit appends one record (in chunks) with what changed. A txid has its *home* in the
last commit that wrote it whole; later commits add to it. Commits are *segments* of the log,
and a segment is needed while it is home to a known txid. The log must be read from the
first needed segment on (the *start*), which is committed with the input offset.

Old segments with a few long-lived txids would keep the whole log alive. So when less than
half of the log is live, each commit also rewrites some txids of the oldest segment whole:
they move home, the segment falls, and the start moves on. This costs each commit at most
twice what it writes anyway, never a pause, and holds the log at about twice the live
state (`FLOOR_BYTES` aside).

Pure bookkeeping: nothing here does I/O. Nothing is ever rolled back either: after a commit
that failed for good, the whole pipeline is thrown away.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec import Struct, field

from consumer.aggregation.delta import Delta
from consumer.aggregation.lifecycle import MARKED, REMEMBERED, UNKNOWN
from consumer.aggregation.partition import PartitionAggregator
from consumer.aggregation.table import TxidTable
from consumer.aggregation.txid import Txid
from consumer.pipeline.rows import RowWriter
from consumer.wire import state_chunks, state_entry
from consumer.wire.state_entry import (
    BARE_BYTES,
    Entry,
    MarkerEntry,
    Named,
    OpenEntry,
    StateDelta,
)

FLOOR_BYTES = 128 * 1024
"""A log shorter than this is never worth rewriting."""

LEAST_REWRITE_BYTES = 16 * 1024
"""What a commit may rewrite even when it writes hardly anything itself."""


class Segment(Struct):
    """One commit in the log."""

    sequence: int
    offset: int
    """Of its first chunk, in the state partition; -1 until delivered."""
    size: int
    live: int = 0
    """Known txids that have their home here."""
    txids: list[str] = field(default_factory=list)
    """All that were ever written whole here: some may have moved on since, or be forgotten."""


class StateLog:
    """Bookkeeping over one incarnation of one state partition."""

    def __init__(self, incarnation: str, start: int) -> None:
        self.incarnation = incarnation
        self.sequence = 0
        """Of the last commit."""
        self._start = start
        """Where a log with no segments begins."""
        self._segments: OrderedDict[int, Segment] = OrderedDict()
        self.length_bytes = 0
        """From the start to the end of the log."""
        self.live_bytes = 0
        """What of it would be left if every known txid were written whole now, about."""

    @property
    def start(self) -> int:
        """The offset at which a restore must begin, as of the last commit."""
        for segment in self._segments.values():
            return segment.offset
        return self._start

    def append(self, aggregator: PartitionAggregator, delta: Delta) -> list[bytes]:
        """The records of the next commit, of which `delta` is the content."""
        self.sequence += 1
        segment = Segment(self.sequence, -1, 0)
        self._segments[self.sequence] = segment
        forgotten = [state.txid for state in delta.forgotten if state.home]
        self.forget(delta.forgotten)
        entries: list[tuple[Entry, int]] = []
        rows = RowWriter()
        self._write(delta.changed, entries, rows)
        window = state_entry.encode_window(aggregator.windows.open)
        excess = self.length_bytes - 2 * self.live_bytes - FLOOR_BYTES
        if excess > 0:
            written = len(window) + sum(map(len, forgotten)) + sum(rows.sizes)
            written += sum(size for _, size in entries)
            budget = max(min(2 * written, excess), LEAST_REWRITE_BYTES)
            self._write(self._oldest(aggregator.table, budget), entries, rows)
        scalars = StateDelta(
            version=state_entry.VERSION,
            incarnation=self.incarnation,
            sequence=self.sequence,
            chunk=0,
            chunks=1,
            clock_ms=aggregator.clock.now_ms,
            lag_ms=aggregator.clock.lag_ms,
            window=window,
        )
        values = state_chunks.encode(scalars, forgotten, entries, rows.rows(), rows.sizes)
        segment.size = sum(map(len, values))
        self.length_bytes += segment.size
        self._drop_unneeded()
        return values

    def delivered(self, offset: int) -> None:
        """The first record of the last `append` stands at `offset` now."""
        self._segments[self.sequence].offset = offset

    def named(self, writer: str) -> str:
        """Metadata for the input offset that is committed with the last `append`."""
        return state_entry.encode_named(
            Named(state_entry.VERSION, self.incarnation, self.sequence, self.start, writer)
        )

    def read(self, delta: StateDelta, offset: int, size: int) -> None:
        """Take account of one chunk that a restore has read; its txids follow."""
        segment = self._segments.get(delta.sequence)
        if segment is None:
            segment = self._segments[delta.sequence] = Segment(delta.sequence, offset, 0)
            self.sequence = delta.sequence
        segment.size += size
        self.length_bytes += size

    def settle(self, state: Txid, size: int, whole: bool) -> None:
        """An entry of `size` bytes stands in the last commit: `state` itself, or an addition."""
        if whole:
            segment = self._segments[self.sequence]
            if state.home:
                self.forget([state])
            state.home = segment.sequence
            state.moved = False
            segment.live += 1
            segment.txids.append(state.txid)
        else:
            size = max(size - BARE_BYTES - len(state.txid.encode()), 0)  # what a rewrite would keep
        state.logged_bytes += size
        self.live_bytes += size

    def forget(self, states: Iterable[Txid]) -> None:
        """Txids that are not known any more, or begin anew."""
        for state in states:
            if state.home:
                self._segments[state.home].live -= 1
                self.live_bytes -= state.logged_bytes
                state.home = state.logged_bytes = 0

    def _write(
        self, states: Iterable[Txid], entries: list[tuple[Entry, int]], rows: RowWriter
    ) -> None:
        """What to write of txids: all of them, or what is new."""
        segment, size = self._segments[self.sequence], 0
        for state in states:
            phase = state.phase
            if phase is UNKNOWN:
                continue
            if state.plain and not state.home and phase is not MARKED:  # most of all
                state.home, state.logged_bytes = segment.sequence, rows.add_new(state)
                segment.txids.append(state.txid)
                size += state.logged_bytes
                continue
            whole = state.moved or not state.home or phase is MARKED
            if whole:
                state.logged_usage = state.logged_usage_bytes = 0
                state.logged_errors = state.logged_expected = 0
            if state.plain and phase is not MARKED:
                entry_size = rows.add(state, whole=whole)
            else:
                entry = _marked(state) if phase is MARKED else _grown(state, whole=whole)
                entry_size = state_entry.size_of(entry)
                entries.append((entry, entry_size))
            self.settle(state, entry_size, whole)
        segment.live = len(segment.txids)
        self.live_bytes += size

    def _oldest(self, table: TxidTable, budget: int) -> Iterator[Txid]:
        """Txids of the oldest segments, to be moved; marks them so."""
        for segment in self._segments.values():
            while segment.txids:
                if budget <= 0 or segment.sequence == self.sequence:
                    return
                state = table.get(segment.txids.pop())
                if state is not None and state.home == segment.sequence:
                    state.moved = True
                    budget -= state.logged_bytes
                    yield state

    def _drop_unneeded(self) -> None:
        """Forget segments before the first needed one; the last always stays."""
        while len(self._segments) > 1:
            sequence, segment = next(iter(self._segments.items()))
            if segment.live:
                return
            del self._segments[sequence]
            self.length_bytes -= segment.size


def _marked(state: Txid) -> MarkerEntry:
    return MarkerEntry(
        txid=state.txid,
        whole=True,
        first_offset=state.first_offset,
        closed_ms=state.closed_ms,
        revision=state.revision,
        digests=state.digests or b"",
    )


def _grown(state: Txid, *, whole: bool) -> OpenEntry:
    """A txid with its items, or (where it is not `whole`) with those not logged yet."""
    usage = state.usage.since(state.logged_usage)
    state.logged_usage += len(usage)
    state.logged_usage_bytes = 0
    errors: list[bytes] = []
    if state.errors is not None:
        errors = state.errors.since(state.logged_errors)
        state.logged_errors += len(errors)
    expected: list[str] = []
    if state.expected:
        expected = list(islice(state.expected, state.logged_expected, None))
        state.logged_expected += len(expected)
    return OpenEntry(  # in the order of its fields: names would cost as much as all else
        state.txid,
        whole,
        state.first_offset,
        state.last_offset,
        state.opened_ms,
        state.since_ms,
        state.touched_ms,
        state.closed_ms,
        state.phase is REMEMBERED,
        state.callbacks,
        state.duplicates,
        state.revision,
        state.unlimited,
        None if state.previous is None else state.previous.counts,
        list(state.oversized or ()),
        usage,
        errors,
        expected,
    )
