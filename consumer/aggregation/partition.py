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

from itertools import islice

from consumer.aggregation.capacity import Victims
from consumer.aggregation.clock import PartitionClock
from consumer.aggregation.completion import completed_by, outcome_of
from consumer.aggregation.delta import Delta, Rejected
from consumer.aggregation.emission import encode_report, oversized_imeis
from consumer.aggregation.items import FIRST_BYTES, ItemSet
from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED
from consumer.aggregation.policy import Policy
from consumer.aggregation.records import Records
from consumer.aggregation.table import TxidTable
from consumer.aggregation.tallies import Counts
from consumer.aggregation.txid import Numbers, Txid
from consumer.aggregation.windows import Windows
from consumer.wire.callback import Callback, Decoded, Expectation, Rejection, UsageItem
from consumer.wire.columns import Columns, decode_all
from consumer.wire.dead_letter import Reason
from consumer.wire.report import FRAME_BYTES, CompletedBy

UNBOUNDED = 2**63
"""Share of a partition whose member has not said yet what it may use."""


class PartitionAggregator:
    """State of one partition. Not thread-safe; all times are milliseconds."""

    def __init__(self, partition: int, policy: Policy) -> None:
        self.partition = partition
        self.policy = policy
        self.share_bytes = UNBOUNDED
        """Memory that this partition may use, by the table's account."""
        self.clock = PartitionClock()
        self.table = TxidTable(policy)
        self.windows = Windows(policy.app, partition, policy.window_ms)
        self.delta = Delta()
        self._counts = Counts()
        """Since the last `_count`."""
        self._victims = Victims(self.table)
        self._most_reports = 0
        self._least_ms = min(policy.inactivity_ms, policy.max_age_ms, policy.remember_ms)
        self._quiet_ms = 0
        """Until then nothing falls due, neither what is known nor what is still to come."""
        self._limit = policy.device_limit or UNBOUNDED
        self._largest_item = policy.report_bytes - FRAME_BYTES

    def apply(self, records: Records, start: int, wall_ms: int, most_reports: int) -> int:
        """Apply records from index `start` on, until the delta holds `most_reports`.

        Returns the index of the first record that was not applied.
        """
        self._most_reports = most_reports
        if not (self._fire() and self._relieve()):
            return start
        values = records.values[start:] if start else records.values
        columns = decode_all(values, self._largest_item)
        end = start + self._apply(columns, records, start, wall_ms)
        if end > start:
            self._count()
            self.delta.tallies.key_mismatches += columns.mismatches(records.keys[start:end])
            self.delta.touched = True
            self.clock.settle(wall_ms)
        return end

    def _apply(  # noqa: C901, PLR0912, PLR0915 - calls cost most of all, so the usual is in here
        self, columns: Columns, records: Records, start: int, wall_ms: int
    ) -> int:
        """How many of `columns`, which are the records from `start` on, were applied.

        The usual: one usage item of a new device makes its txid grow. All others are `counted`.
        """
        bound_ms = wall_ms + self.policy.clock_skew_ms
        limit, txid_bytes, share_bytes = self._limit, self.policy.txid_bytes, self.share_bytes
        clock, table, reports = self.clock, self.table, self.delta.reports
        growing, changed, most_reports = table.growing, self.delta.changed, self._most_reports
        now_ms, quiet_ms, place, counted = clock.now_ms, self._quiet_ms, -1, 0
        timestamps = islice(records.timestamps, start, None)
        offsets = islice(records.offsets, start, None)
        rows = zip(columns.txids, columns.raws, columns.items, timestamps, offsets, strict=True)
        for txid, raw, item, timestamp, offset in rows:
            place += 1
            if timestamp > now_ms and clock.read(timestamp, bound_ms):
                now_ms = clock.now_ms
                if now_ms >= quiet_ms:
                    self._counts.grow(place - counted)
                    counted = place
                    if not self._fire():
                        return place
                    quiet_ms = self._quiet_ms
            if raw is None or item is None:
                self._other(columns.others[place], offset)
                counted += 1
            elif (state := growing.get(txid)) is None:
                counted += self._begin(txid, raw, item, offset)
            else:
                imei, imeis, errors = item.imei, state.usage.several, state.errors
                if imeis is None:
                    imeis = state.usage.spread()
                if imei is None or imei in imeis or (errors is not None and imei in errors.imeis):
                    self._callback(Callback(txid, [(raw, item)], []), offset)
                    counted += 1
                else:
                    imeis[imei] = raw
                    size = len(raw) + len(imei) + FIRST_BYTES
                    state.memory += size
                    table.memory_bytes += size
                    state.sessions += item.number_of_sessions or 0
                    state.transferred += item.bytes_transferred or 0
                    state.devices = devices = state.devices + 1
                    state.callbacks += 1
                    state.last_offset = offset
                    state.touched_ms = now_ms
                    if not state.changed:
                        state.changed = True
                        changed.append(state)
                    fits = state.memory < txid_bytes and table.memory_bytes <= share_bytes
                    if fits and devices < limit:
                        continue
                    if fits and devices == limit and state.plain:  # as completed_by would say
                        self._emit(state, CompletedBy.DEVICE_LIMIT, now_ms)
                    else:
                        self._part(state, None, devices - 1, 0, widened=False)
            if table.memory_bytes > share_bytes:
                self._relieve()
            if len(reports) >= most_reports:
                break
        self._counts.grow(place + 1 - counted)
        return place + 1

    def _begin(self, txid: str, raw: bytes, item: UsageItem, offset: int) -> bool:
        """A callback with one usage item, for a txid that does not grow by it: perhaps a new one.

        Whether it is counted already.
        """
        table, imei = self.table, item.imei
        if imei is None or txid in table.settled:
            self._callback(Callback(txid, [(raw, item)], []), offset)
            return True
        size = len(raw) + len(imei) + FIRST_BYTES
        state = table.open(txid, offset, self.clock.now_ms, ItemSet(raw, 1, 1), size)
        state.sessions = item.number_of_sessions or 0
        state.transferred = item.bytes_transferred or 0
        state.devices = state.callbacks = 1
        state.changed = True
        self.delta.changed.append(state)
        if self._limit <= 1 or state.memory >= self.policy.txid_bytes:
            self._part(state, None, 0, 0, widened=False)
        return False

    def advance(self, wall_ms: int, most_reports: int) -> None:
        """Let time go on, the partition being consumed to its end at `wall_ms`.

        What the last record left undone, the delta being full, belongs to the time before.
        """
        self._most_reports = most_reports
        if self._fire() and self._relieve():
            self.clock.now_ms = self.clock.idle_ms(wall_ms)
            self._fire()

    def next_due_ms(self) -> int | None:
        """A time of the clock before which time alone changes nothing."""
        timer_ms, end_ms = self.table.timers.next_ms(), self.windows.end_ms
        if not self.windows.is_touched():
            return timer_ms
        return end_ms if timer_ms is None else min(timer_ms, end_ms)

    def take(self) -> Delta:
        """Hand over what has happened since the last call."""
        delta = self.delta
        for state in delta.changed:
            state.changed = False
        delta.metrics, self.windows.closed = self.windows.closed, []
        self.table.rest()
        self.delta = Delta()
        return delta

    # Time and room

    def _fire(self) -> bool:
        """All that is due at the clock, as far as the delta has room; whether it has some left.

        Full, it says no even where nothing is left to fire: the next record might complete
        a txid.
        """
        now_ms = self.clock.now_ms
        table, windows, policy = self.table, self.windows, self.policy
        if now_ms >= windows.end_ms:
            self._count()
        while (state := table.timers.due(now_ms)) is not None:
            due_ms = state.deadline_ms(policy)
            if state.phase is OPEN and len(self.delta.reports) >= self._most_reports:
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
        self._quiet_ms = min(
            table.timers.next_ms() or UNBOUNDED, now_ms + self._least_ms, windows.end_ms
        )
        return len(self.delta.reports) < self._most_reports

    def _relieve(self) -> bool:
        """Make room in memory; whether the delta has room for further reports."""
        while (
            self.table.memory_bytes > self.share_bytes
            and len(self.delta.reports) < self._most_reports
            and (state := self._victims.next()) is not None
        ):
            if state.phase is OPEN:
                self._emit(state, CompletedBy.CAPACITY, self.clock.now_ms)
            elif state.phase is REMEMBERED:
                self._mark(state)
            else:
                self.delta.tallies.forgotten_early += 1
                self._forget(state)
            self.delta.touched = True
        return len(self.delta.reports) < self._most_reports

    # Records

    def _callback(self, callback: Callback, offset: int) -> None:
        """A callback that is not as nearly all are."""
        if imeis := oversized_imeis(callback, self._largest_item):
            self._refuse_oversized(callback.txid, imeis, offset)
            return
        table, counts, now_ms = self.table, self._counts, self.clock.now_ms
        state = table.get(callback.txid)
        if state is None:
            state = table.open(callback.txid, offset, now_ms)
        elif state.phase is MARKED:
            self._refuse_late(state, callback, offset)
            return
        self._change(state)
        previous = None if state.phase is OPEN else state.numbers()
        devices, missing, memory = state.devices, state.missing, state.memory
        usage = errors = 0
        for raw, item in callback.usage:
            usage += state.add_usage(raw, item)
        for raw, error in callback.errors:
            errors += state.add_error(raw, error)
        duplicates = len(callback.usage) + len(callback.errors) - usage - errors
        state.callbacks += 1
        state.duplicates += duplicates
        state.last_offset = offset
        counts.callbacks += 1
        counts.usage += usage
        counts.errors += errors
        counts.duplicates += duplicates
        if duplicates:
            state.plain = False
        if usage or errors:
            table.memory_bytes += state.memory - memory
            self._part(state, previous, devices, missing, widened=False)
        elif previous is not None:
            table.looked_into(state)

    def _expectation(self, expectation: Expectation, offset: int) -> None:
        table = self.table
        state = table.get(expectation.txid)
        if state is not None and state.phase is MARKED:
            if not state.knows_expected(expectation.imeis):
                message = "the report was emitted before; this expectation would change it"
                self._reject(offset, Reason.LATE, message)
                return
        else:
            if state is None:
                state = table.open(expectation.txid, offset, self.clock.now_ms)
            self._expect(state, expectation, offset)
        self._counts.expectations += 1

    def _expect(self, state: Txid, expectation: Expectation, offset: int) -> None:
        self._change(state)
        previous = None if state.phase is OPEN else state.numbers()
        devices, missing, memory = state.devices, state.missing, state.memory
        state.last_offset = offset
        if not expectation.imeis:
            state.plain = False
            state.unlimited = True  # the whole account: no telling how many devices that is
        elif state.expect(expectation.imeis):
            self.table.memory_bytes += state.memory - memory
            self._part(state, previous, devices, missing, widened=True)

    def _part(
        self, state: Txid, previous: Numbers | None, devices: int, missing: int, *, widened: bool
    ) -> None:
        """A part was merged into `state`: reopen it if need be, and see what it completes."""
        now_ms = self.clock.now_ms
        if previous is not None:
            self.table.reopen(state, now_ms, previous)
            self._victims.came(state)
        state.touched_ms = now_ms
        rule = completed_by(state, self.policy, devices, missing, widened=widened)
        if rule is not None:
            self._emit(state, rule, now_ms)
        elif state.memory >= self.policy.txid_bytes:
            self._emit(state, CompletedBy.CAPACITY, now_ms)
            if state.phase is REMEMBERED:  # or it would be emitted whole with every further part
                self._mark(state)
        self.table.note(state)

    def _other(self, record: Decoded, offset: int) -> None:
        if isinstance(record, Callback):
            self._callback(record, offset)
        elif isinstance(record, Rejection):
            self._reject(offset, record.reason, record.message)
        elif isinstance(record, Expectation):
            self._expectation(record, offset)
        else:
            self._counts.acknowledgements += 1

    # Dead letters

    def _refuse_late(self, state: Txid, callback: Callback, offset: int) -> None:
        """A callback for a txid that is only marked: duplicates change nothing."""
        counts, late = self._counts, state.unknown_of(callback)
        counts.duplicates += len(callback.usage) + len(callback.errors) - late
        counts.late += late
        counts.callbacks += not late
        if late:
            message = f"the report was emitted before; {late} of the items would be new"
            self._reject(offset, Reason.LATE, message)

    def _refuse_oversized(self, txid: str, imeis: list[str], offset: int) -> None:
        """Items that no report can take: their report, if one is to come, names the devices."""
        state, limit = self.table.get(txid), self.policy.report_bytes
        message = f"{len(imeis)} of the items do not fit into a report of {limit} bytes"
        self._reject(offset, Reason.OVERSIZED_ITEM, message)
        if state is not None and state.phase is not MARKED:
            self.table.memory_bytes += state.name_oversized(imeis)
            self._change(state)

    def _reject(self, offset: int, reason: Reason, message: str) -> None:
        self._counts.dead_letters += 1
        tallies = self.delta.tallies
        tallies.reasons[reason] = tallies.reasons.get(reason, 0) + 1
        self.delta.dead_letters.append(Rejected(offset, reason, message))

    # Endings and bookkeeping

    def _emit(self, state: Txid, rule: CompletedBy, closed_ms: int) -> None:
        outcome = outcome_of(state, rule)
        delta, tallies = self.delta, self.delta.tallies
        delta.reports += encode_report(
            state, outcome, rule, closed_ms, self.policy, partition=self.partition
        )
        self._change(state)
        self.windows.add_report(state, outcome, closed_ms)
        kind = (outcome._value_, rule._value_)  # `value` would cost more than the look-up
        tallies.reports[kind] = tallies.reports.get(kind, 0) + 1
        if state.revision:
            tallies.revisions += 1
        else:
            tallies.completion_ms.append(closed_ms - state.opened_ms)
        self.table.emitted(state, closed_ms)
        if self.policy.revise:
            self._victims.came(state)
        else:
            self._mark(state)

    def _mark(self, state: Txid) -> None:
        self.table.mark(state)
        self._victims.came(state)
        self._change(state)

    def _forget(self, state: Txid) -> None:
        self.table.forget(state)
        self.delta.forgotten.append(state)

    def _change(self, state: Txid) -> None:
        """`state` is not what the log holds of it any more."""
        if not state.changed:
            state.changed = True
            self.delta.changed.append(state)

    def _count(self) -> None:
        """Add what was counted to the open window and to the tallies."""
        self._counts.pour(self.windows.open, self.delta.tallies)
