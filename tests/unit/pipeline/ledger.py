"""One partition with its state log, in memory: commits, aborts, crashes and restores."""

from __future__ import annotations

from copy import copy
from typing import Any

from consumer.aggregation.delta import Delta
from consumer.aggregation.partition import PartitionAggregator
from consumer.aggregation.policy import Policy
from consumer.aggregation.txid import Txid
from consumer.pipeline.restore import Restore
from consumer.pipeline.state_log import StateLog
from consumer.wire import state_entry
from consumer.wire.state_entry import Entry, Named, StateDelta
from tests.unit.aggregation.feed import POLICY, Feed

WRITER = "app-member"


class Ledger(Feed):
    """A feed whose commits go into a state partition that begins at `start`."""

    def __init__(self, policy: Policy = POLICY, *, start: int = 100) -> None:
        super().__init__(policy)
        self.policy = policy
        self.log = StateLog("life", start)
        self.records: list[tuple[int, bytes]] = []
        """The committed part of the state partition: offset and value."""
        self.end = start
        """Its READ_UNCOMMITTED end."""
        self.named = Named(state_entry.VERSION, "life", 0, start, WRITER)
        """What the committed offset says."""

    def commit(self, *, refused: bool = False) -> Delta:
        """Take what is pending and write it down; `refused`: at the second try only."""
        delta = self.aggregator.take()
        values = self.log.append(self.aggregator, delta)
        if refused:
            self.log.delivered(self.end)
            self.abort(len(values))
        self.log.delivered(self.end)
        self.records += enumerate(values, self.end)
        self.end += len(values) + 1  # the transaction's marker takes an offset
        named = state_entry.decode_named(self.log.named(WRITER))
        assert named is not None
        self.named = named
        return delta

    def abort(self, records: int = 1) -> None:
        """What a transaction leaves that failed: offsets that hold nothing."""
        self.end += records + 1

    def stray(self, value: bytes) -> None:
        """A committed record that this log did not write."""
        self.records.append((self.end, value))
        self.end += 2

    def delete_unneeded(self) -> None:
        """DeleteRecords up to the committed start."""
        self.records = [record for record in self.records if record[0] >= self.named.start]

    def read(self) -> Restore:
        """A restore of the named commit, that has read what it wants."""
        restore = Restore(0, "app.state", self.named, self.end)
        for offset, value in self.records:
            if offset >= self.named.start and not restore.done:
                restore.read(value, offset)
        return restore

    def crash(self) -> None:
        """Lose what is in memory, and go on with what can be restored."""
        if self.named.sequence:
            self.aggregator, self.log = self.read().finish(self.policy)
        else:
            self.aggregator = PartitionAggregator(0, self.policy)
            self.log = StateLog("life", self.named.start)

    def last(self) -> list[StateDelta]:
        """The chunks of the last commit."""
        deltas = [state_entry.decode(value) for _, value in self.records]
        return [delta for delta in deltas if delta.sequence == self.named.sequence]

    def last_entries(self) -> list[Entry]:
        """The entries of the last commit, rows among them, in the order of a reader."""
        found: list[Entry] = []
        for delta in self.last():
            found += delta.content.entries
            found += map(delta.content.rows.entry, range(len(delta.content.rows)))
        return found

    def last_rows(self) -> list[str]:
        """The txids of the last commit that stand in rows."""
        return [txid for delta in self.last() for txid in delta.content.rows.txids]

    def last_forgotten(self) -> list[str]:
        """The txids that the last commit forgot."""
        return [txid for delta in self.last() for txid in delta.content.forgotten]


def picture(aggregator: PartitionAggregator) -> dict[str, Any]:
    """All of an aggregator's state that can show in an output, as plain values."""
    states = aggregator.table.states()
    return {
        "clock": (aggregator.clock.now_ms, aggregator.clock.lag_ms),
        "window": (state_entry.encode_window(aggregator.windows.open), aggregator.windows.end_ms),
        "txids": {state.txid: _picture(state, aggregator.policy) for state in states},
        "counts": (
            aggregator.table.open_count,
            aggregator.table.body_count,
            aggregator.table.memory_bytes,
        ),
    }


def _picture(state: Txid, policy: Policy) -> dict[str, Any]:
    common = {
        "phase": state.phase,
        "first_offset": state.first_offset,
        "revision": state.revision,
        "deadline": state.deadline_ms(policy),
        "digests": state.digests,
        "memory": state.memory,
    }
    if state.digests is not None:
        return common
    usage, errors = copy(state.usage), copy(state.errors)  # to look at the IMEIs spreads them out
    return common | {
        "times": (state.opened_ms, state.since_ms, state.touched_ms, state.closed_ms),
        "plain": state.plain,
        "last_offset": state.last_offset,
        "counts": (state.callbacks, state.duplicates, state.devices, state.unlimited),
        "usage": (usage.items, list(usage.imeis), usage.repeated),
        "errors": errors and (errors.items, list(errors.imeis)),
        "expected": (list(state.expected), state.missing),
        "oversized": state.oversized,
        "totals": (state.sessions, state.transferred, state.error_codes),
        "previous": state.previous,
        "logged": (state.logged_usage, state.logged_errors, state.logged_expected),
    }
