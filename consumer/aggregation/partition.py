"""One input partition: records and time go in, one `Delta` per commit comes out.

Records apply one by one, in this order (DESIGN 2.3), whatever the batches: the record moves
the clock; what is due by then fires, in order of (deadline, opening), metrics windows
closing in time order in between; then the record itself is merged. So the output depends
on the records alone, not on where batches and commits happen to fall.

A transaction takes a limited number of reports. When the limit is reached in the middle of
a batch, `apply` stops *before* the record that could not be applied and says how far it
got: the pipeline commits and comes again with the rest. The clock may have moved already;
what is still due then fires first next time, which is what would have happened anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from consumer.aggregation.clock import PartitionClock
from consumer.aggregation.delta import Delta, Rejected
from consumer.aggregation.emission import encode_report
from consumer.aggregation.lifecycle import OPEN
from consumer.aggregation.policy import Policy
from consumer.aggregation.table import TxidTable
from consumer.aggregation.txid import ERROR, USAGE, Txid
from consumer.aggregation.windows import Windows
from consumer.wire.callback import Acknowledgement, Callback, Expectation, Rejection, decode
from consumer.wire.dead_letter import Reason
from consumer.wire.report import CompletedBy, Outcome


class Records(Protocol):
    """Consecutive records of the partition, as parallel sequences."""

    @property
    def offsets(self) -> Sequence[int]:
        """Rising."""

    @property
    def timestamps(self) -> Sequence[int]:
        """Milliseconds; -1 for none."""

    @property
    def keys(self) -> Sequence[bytes | None]:
        """As received."""

    @property
    def values(self) -> Sequence[bytes | None]:
        """As received."""


class PartitionAggregator:
    """State of one partition. Not thread-safe; all times are milliseconds."""

    def __init__(self, partition: int, policy: Policy) -> None:
        self.partition = partition
        self.policy = policy
        self.clock = PartitionClock()
        self.table = TxidTable(policy)
        self.windows = Windows(policy.app, partition, policy.window_ms)
        self.delta = Delta()

    def apply(self, records: Records, start: int, wall_ms: int, most_reports: int) -> int:
        """Apply records from index `start` on, until the delta holds `most_reports`.

        Returns the index of the first record that was not applied.
        """
        offsets, timestamps, values, keys = (
            records.offsets,
            records.timestamps,
            records.values,
            records.keys,
        )
        bound_ms = wall_ms + self.policy.clock_skew_ms
        clock = self.clock
        delta = self.delta
        index, end = start, len(offsets)
        room = self._fire(most_reports)
        while room and index < end:
            if clock.read(timestamps[index], bound_ms) and not self._fire(most_reports):
                break
            record = decode(values[index])
            if isinstance(record, Callback):
                self._callback(record, keys[index], offsets[index])
                room = len(delta.reports) < most_reports
            else:
                self._other(record, keys[index], offsets[index])
            index += 1
        if index > start:
            delta.touched = True
            clock.settle(wall_ms)
        return index

    def advance(self, wall_ms: int, most_reports: int) -> None:
        """Let time go on, the partition being consumed to its end at `wall_ms`."""
        self.clock.now_ms = self.clock.idle_ms(wall_ms)
        self._fire(most_reports)

    def next_due_ms(self) -> int | None:
        """A time of the clock before which time alone changes nothing."""
        timer_ms = self.table.next_timer_ms()
        if not self.windows.is_touched():
            return timer_ms
        return self.windows.end_ms if timer_ms is None else min(timer_ms, self.windows.end_ms)

    def take(self) -> Delta:
        """Hand over what has happened since the last call."""
        delta = self.delta
        delta.metrics, self.windows.closed = self.windows.closed, []
        self.delta = Delta()
        return delta

    def _fire(self, most_reports: int) -> bool:
        """All that is due at the clock, as far as the delta has room; whether it has some left.

        Full, it says no even where nothing is left to fire: the next record might complete
        a txid.
        """
        now_ms = self.clock.now_ms
        table, windows, policy = self.table, self.windows, self.policy
        while (state := table.due(now_ms)) is not None:
            due_ms = state.deadline_ms(policy)
            if state.phase is OPEN and len(self.delta.reports) >= most_reports:
                return False
            windows.move(due_ms)
            if state.phase is OPEN:
                self._emit(state, state.expired_by(policy), due_ms)
            else:
                self._forget(state)
            self.delta.touched = True
        if now_ms >= windows.end_ms:
            windows.move(now_ms)
            self.delta.touched |= bool(windows.closed)
        return len(self.delta.reports) < most_reports

    def _callback(self, callback: Callback, key: bytes | None, offset: int) -> None:
        table, window, tallies = self.table, self.windows.open, self.delta.tallies
        now_ms = self.clock.now_ms
        txid = callback.txid
        if key != txid.encode():
            tallies.key_mismatches += 1
        state = table.by_txid.get(txid)
        if state is None:
            state = table.open(txid, offset, now_ms)
        elif state.phase is not OPEN:
            self._late(state, callback, offset)
            return
        self.delta.changed[txid] = state
        devices, size = state.devices, state.size
        usage = errors = 0
        for raw, usage_item in callback.usage:
            usage += state.add_usage(raw, usage_item)
        for raw, error_item in callback.errors:
            errors += state.add_error(raw, error_item)
        table.content_bytes += state.size - size
        state.callbacks += 1
        state.last_offset = offset
        window.callbacks += 1
        tallies.callbacks += 1
        if usage:
            window.usage += usage
            tallies.usage += usage
        if errors:
            window.errors += errors
            tallies.errors += errors
        duplicates = len(callback.usage) + len(callback.errors) - usage - errors
        if duplicates:
            state.duplicates += duplicates
            window.duplicates += duplicates
            tallies.duplicates += duplicates
        if usage or errors:
            state.touched_ms = now_ms
            self._check_limit(state, devices)

    def _check_limit(self, state: Txid, devices_before: int) -> None:
        """The device limit, after a part: it fires on the part that reaches it exactly."""
        limit = self.policy.device_limit
        if not limit or state.unlimited or state.devices < limit:
            return
        if state.devices > limit:
            state.unlimited = True
        elif devices_before < limit:
            self._emit(state, CompletedBy.DEVICE_LIMIT, self.clock.now_ms)

    def _late(self, state: Txid, callback: Callback, offset: int) -> None:
        """A callback for a txid whose report is out: duplicates change nothing."""
        late = sum(not state.knows(USAGE, raw) for raw, _ in callback.usage)
        late += sum(not state.knows(ERROR, raw) for raw, _ in callback.errors)
        duplicates = len(callback.usage) + len(callback.errors) - late
        window, tallies = self.windows.open, self.delta.tallies
        window.duplicates += duplicates
        tallies.duplicates += duplicates
        window.late += late
        tallies.late += late
        if late:
            message = f"the report was emitted before; {late} of the items would be new"
            self._reject(offset, Reason.LATE, message)
        else:
            window.callbacks += 1
            tallies.callbacks += 1

    def _other(
        self,
        record: Expectation | Acknowledgement | Rejection,
        key: bytes | None,
        offset: int,
    ) -> None:
        window, tallies = self.windows.open, self.delta.tallies
        if isinstance(record, Rejection):
            self._reject(offset, record.reason, record.message)
            return
        if key != record.txid.encode():
            tallies.key_mismatches += 1
        if isinstance(record, Expectation):
            window.expectations += 1
            tallies.expectations += 1
        else:
            window.acknowledgements += 1
            tallies.acknowledgements += 1

    def _reject(self, offset: int, reason: Reason, message: str) -> None:
        self.windows.open.dead_letters += 1
        tallies = self.delta.tallies
        tallies.dead_letters += 1
        tallies.reasons[reason] = tallies.reasons.get(reason, 0) + 1
        self.delta.dead_letters.append(Rejected(offset, reason, message))

    def _emit(self, state: Txid, completed_by: CompletedBy, closed_ms: int) -> None:
        outcome = (
            Outcome.COMPLETE if completed_by is CompletedBy.DEVICE_LIMIT else Outcome.UNCONFIRMED
        )
        delta, tallies = self.delta, self.delta.tallies
        value = encode_report(
            state,
            outcome,
            completed_by,
            closed_ms,
            topic=self.policy.topic,
            partition=self.partition,
        )
        delta.reports.append((state.txid.encode(), value))
        delta.changed[state.txid] = state
        self.windows.add_report(state, outcome, closed_ms)
        kind = (outcome.value, completed_by.value)
        tallies.reports[kind] = tallies.reports.get(kind, 0) + 1
        tallies.completion_ms.append(closed_ms - state.opened_ms)
        self.table.remember(state, closed_ms)

    def _forget(self, state: Txid) -> None:
        self.table.forget(state)
        self.delta.changed.pop(state.txid, None)
        self.delta.forgotten.append(state)
