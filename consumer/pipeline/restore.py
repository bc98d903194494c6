"""Reading one partition's state back from the state log (DESIGN 2.7).

The committed input offset names a commit (incarnation, sequence number) and the offset at
which reading must begin. Records are applied from there in order until exactly that commit
is complete; what belongs to another incarnation is skipped. No end offset decides when it
is done: under read_committed the end can lie before committed data while a dead member's
transaction hangs. The READ_UNCOMMITTED end, captured after the committed offset was read,
only proves damage: once reading has passed it, the named commit will not come.

Additions to a txid whose whole record lies before the start are ignored: that txid was
forgotten or rewritten since, or its whole record would be needed and the start lie there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

from consumer.aggregation.clock import PartitionClock
from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED
from consumer.aggregation.partition import PartitionAggregator
from consumer.aggregation.policy import Policy
from consumer.aggregation.txid import Numbers, Txid
from consumer.errors import Action, Fault
from consumer.pipeline.rows import RowReader
from consumer.pipeline.state_log import StateLog
from consumer.wire import state_entry
from consumer.wire.callback import decode_error_item, decode_usage_item
from consumer.wire.state_entry import (
    MarkerEntry,
    Named,
    OpenEntry,
    StateDelta,
    Window,
)


class Restore:
    """Applies the state records of one partition. `end` is exclusive."""

    def __init__(self, partition: int, topic: str, named: Named, end: int) -> None:
        self.partition = partition
        self.named = named
        self.end = end
        self.done = False
        self._topic = topic
        self._log = StateLog(named.incarnation, named.start)
        self._states: dict[str, Txid] = {}
        self._unweighed: dict[str, None] = {}
        """Txids whose items came one by one, perhaps in many pieces: packed at the end."""
        self._last: StateDelta | None = None
        self._window: Window | None = None

    def read(self, value: bytes, offset: int) -> None:
        """Apply the record at `offset`. Raises `Fault` where the log is damaged."""
        try:
            delta = state_entry.decode(value)
            if delta.incarnation == self.named.incarnation:
                self._apply(delta, offset, len(value))
        except ValueError as error:
            raise self.damaged(f"offset {offset}: {error}") from None

    def ends_with(self, value: bytes, offset: int) -> bool:
        """Whether the named commit begins at `offset`, and nothing stands behind it."""
        try:
            delta = state_entry.decode(value)
        except ValueError:
            return False
        found = (delta.incarnation, delta.sequence, delta.chunk)
        is_named = found == (self.named.incarnation, self.named.sequence, 0)
        return is_named and offset + delta.chunks == self.end

    def finish(self, policy: Policy) -> tuple[PartitionAggregator, StateLog]:
        """The state as of the named commit."""
        if self._last is None or self._window is None:
            raise self.damaged("ended before its end")
        aggregator = PartitionAggregator(self.partition, policy)
        aggregator.clock = PartitionClock(self._last.clock_ms, self._last.lag_ms)
        aggregator.windows.load(self._window)
        for txid in self._unweighed:
            state = self._states.get(txid)
            if state is None or state.phase is MARKED:
                continue
            if state.previous is not None:
                state.previous = _numbers_of_emission(state, state.previous.counts)
            state.weigh()
        aggregator.table.load(self._states.values())
        return aggregator, self._log

    def damaged(self, what: str) -> Fault:
        """The fault of a log that does not hold what the committed offset names."""
        return Fault(
            Action.GIVE_UP,
            "state_damaged",
            f"state topic {self._topic}[{self.partition}] is damaged: {what} (looking for commit "
            f"{self.named.sequence} of {self.named.incarnation} from offset {self.named.start}); "
            "reset the group's offset of this partition to start it with empty state",
        )

    def _apply(self, delta: StateDelta, offset: int, size: int) -> None:
        """Apply a record of our own history. Raises `ValueError` where it is unreadable."""
        self._check_order(delta, offset)
        self._last = delta
        forgotten = [
            state
            for txid in delta.content.forgotten
            if (state := self._states.pop(txid, None)) is not None
        ]
        self._log.forget(forgotten)
        self._log.read(delta, offset, size)
        for entry in delta.content.entries:
            state = self._named_by(entry.txid, entry.first_offset, entry.whole)
            if state is None:
                continue
            if isinstance(entry, MarkerEntry):
                _apply_marker(state, entry)
            else:
                _apply_open(state, entry)
                self._unweighed[entry.txid] = None
            self._log.settle(state, state_entry.size_of(entry), entry.whole)
        RowReader(delta.content.rows).apply(self._named_by, self._log.settle)
        self.done = delta.sequence == self.named.sequence and delta.chunk == delta.chunks - 1
        if self.done:
            self._window = state_entry.decode_window(delta.window)

    def _named_by(self, txid: str, first_offset: int, whole: bool) -> Txid | None:
        """The txid that an entry is about: a new one, if it is `whole`."""
        known = self._states.get(txid)
        if not whole:
            return known
        if known is not None:
            self._log.forget([known])
        state = self._states[txid] = Txid(txid, first_offset, 0)
        return state

    def _check_order(self, delta: StateDelta, offset: int) -> None:
        """Commits and their chunks follow each other without a gap."""
        last = self._last
        if last is None:
            follows = delta.chunk == 0
        elif last.chunk < last.chunks - 1:
            follows = (delta.sequence, delta.chunk) == (last.sequence, last.chunk + 1)
        else:
            follows = (delta.sequence, delta.chunk) == (last.sequence + 1, 0)
        if not follows or delta.sequence > self.named.sequence:
            raise self.damaged(
                f"offset {offset} holds commit {delta.sequence} (chunk {delta.chunk}) out of order"
            )


def _apply_open(state: Txid, entry: OpenEntry) -> None:
    _add(state, entry.usage, entry.errors, entry.expected)
    state.logged_usage, state.logged_usage_bytes = len(state.usage), 0
    state.logged_errors = 0 if state.errors is None else len(state.errors)
    state.logged_expected = len(state.expected)
    state.phase = REMEMBERED if entry.remembered else OPEN
    state.last_offset = _same(entry.last_offset, state.first_offset)
    state.opened_ms = entry.opened_ms
    state.since_ms = _same(entry.since_ms, entry.opened_ms)
    state.touched_ms = _same(entry.touched_ms, entry.opened_ms)
    state.closed_ms = entry.closed_ms
    state.callbacks = entry.callbacks
    state.duplicates = entry.duplicates
    state.revision = entry.revision
    state.unlimited = entry.unlimited
    if entry.oversized:
        state.name_oversized(entry.oversized)
    state.previous = None if entry.emitted is None else Numbers(counts=entry.emitted)
    if entry.duplicates or entry.revision or entry.unlimited:
        state.plain = False


def _same(number: int, known: int) -> int:
    """`number`; as the very object `known`, if they are equal: each takes 32 bytes."""
    return known if number == known else number


def _add(
    state: Txid, usage: Iterable[bytes], errors: Iterable[bytes], expected: Collection[str]
) -> None:
    for raw in usage:
        state.add_usage(raw, decode_usage_item(raw))
    for raw in errors:
        state.add_error(raw, decode_error_item(raw))
    if expected:
        state.expect(expected)


def _numbers_of_emission(state: Txid, counts: tuple[int, int, int]) -> Numbers:
    """What a reopened txid added up to when it was emitted: its first items tell."""
    usage, errors, expected = counts
    emitted = Txid(state.txid, state.first_offset, 0)
    failed = [] if state.errors is None else state.errors.items[:errors]
    _add(emitted, state.usage.items[:usage], failed, [*islice(state.expected, expected)])
    return emitted.numbers()


def _apply_marker(state: Txid, entry: MarkerEntry) -> None:
    state.revision = entry.revision
    state.closed_ms = entry.closed_ms
    state.become_marked((state.digests or b"") + entry.digests)
