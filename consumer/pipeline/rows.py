"""Plain txids as rows of the state log, and back.

Nearly every txid that a commit writes is plain (`wire/state_entry.py` says what that is), and
its items rest as they are written (`aggregation/items.py`). So a row is little more than a few
numbers in a few lists; and what a restore must know of the items, all of a record at once tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import json

from consumer.aggregation.items import ItemSet, spread_bytes
from consumer.aggregation.lifecycle import REMEMBERED
from consumer.aggregation.txid import Txid
from consumer.wire.callback import ErrorItem, UsageItem, split_items
from consumer.wire.state_entry import BARE_BYTES, Rows

_decode_usage = json.Decoder(list[UsageItem]).decode
_decode_errors = json.Decoder(list[ErrorItem]).decode


def size_of(txid: str, usage: bytes, errors: bytes) -> int:
    """About how many bytes a row takes."""
    return len(usage) + len(errors) + len(txid.encode()) + BARE_BYTES


class RowWriter:
    """The rows of one commit."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        """About, of each."""
        self._states: list[Txid] = []
        self._whole: list[bool] = []
        self._usage_counts: list[int] = []
        self._error_counts: list[int] = []
        self._usage: list[bytes] = []
        self._errors: list[bytes] = []

    def add_new(self, state: Txid) -> int:
        """A plain txid that no commit holds yet; the size."""
        usage = state.usage
        if usage.several is not None or state.errors is not None:
            return self.add(state, whole=True)
        items, count = usage.packed, usage.count
        state.logged_usage, state.logged_usage_bytes = count, len(items)
        size = len(items) + len(state.txid.encode()) + BARE_BYTES
        self.sizes.append(size)
        self._states.append(state)
        self._whole.append(True)
        self._usage_counts.append(count)
        self._error_counts.append(0)
        self._usage.append(items)
        self._errors.append(b"")
        return size

    def add(self, state: Txid, *, whole: bool) -> int:
        """A plain txid, or (where it is not `whole`) its items not logged yet; the size."""
        usage, errors = state.usage, state.errors
        items, failures, failed = b"", b"", 0
        if count := len(usage) - state.logged_usage:
            items = usage.joined(state.logged_usage, state.logged_usage_bytes)
            state.note_logged(count, len(items))
        if errors is not None and (failed := len(errors) - state.logged_errors):
            failures = errors.joined(state.logged_errors)
            state.logged_errors += failed
        size = size_of(state.txid, items, failures)
        self.sizes.append(size)
        self._states.append(state)
        self._whole.append(whole)
        self._usage_counts.append(count)
        self._error_counts.append(failed)
        self._usage.append(items)
        self._errors.append(failures)
        return size

    def rows(self) -> Rows:
        """All of them."""
        states = self._states
        return Rows(
            [state.txid for state in states],
            self._whole,
            [state.phase is REMEMBERED for state in states],
            [state.first_offset for state in states],
            [state.last_offset for state in states],
            [state.opened_ms for state in states],
            [state.touched_ms for state in states],
            [state.closed_ms for state in states],
            [state.callbacks for state in states],
            self._usage_counts,
            self._error_counts,
            self._usage,
            self._errors,
        )


class RowReader:
    """The rows of one record, to be applied one after the other.

    Raises:
        ValueError: it is damaged.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._usage = _decode_usage(_array(rows.usage))
        self._errors = _decode_errors(_array(rows.errors))
        counts = (sum(rows.usage_counts), sum(rows.error_counts))
        if counts != (len(self._usage), len(self._errors)) or len({*map(len, rows.columns())}) > 1:
            raise ValueError("the columns of its rows do not fit together")

    def apply(
        self,
        named: Callable[[str, int, bool], Txid | None],
        settle: Callable[[Txid, int, bool], None],
    ) -> None:
        """Give each row to the txid that is `named` (txid, first offset, whole), and `settle` it.

        A txid that is not known is passed over.
        """
        usage_end = errors_end = 0
        for (
            txid,
            whole,
            remembered,
            first_offset,
            last_offset,
            opened_ms,
            touched_ms,
            closed_ms,
            callbacks,
            usage_count,
            error_count,
            packed,
            packed_errors,
        ) in zip(*self._rows.columns(), strict=True):
            usage = self._usage[usage_end : usage_end + usage_count]
            errors = self._errors[errors_end : errors_end + error_count]
            usage_end += usage_count
            errors_end += error_count
            state = named(txid, first_offset, whole)
            if state is None:
                continue
            if whole:
                _fill(state, packed, usage)
            elif usage:
                for raw, item in zip(split_items(packed), usage, strict=True):
                    state.add_usage(raw, item)
            if errors:
                for raw, error in zip(split_items(packed_errors), errors, strict=True):
                    state.add_error(raw, error)
            if usage_count:
                state.note_logged(usage_count, len(packed))
            state.logged_errors += error_count
            state.last_offset = last_offset if last_offset != first_offset else state.first_offset
            state.opened_ms = state.since_ms = opened_ms
            state.touched_ms = touched_ms if touched_ms != opened_ms else opened_ms
            state.closed_ms = closed_ms
            state.callbacks = callbacks
            if remembered:
                state.remember(closed_ms)
            settle(state, size_of(txid, packed, packed_errors), whole)


def _fill(state: Txid, packed: bytes, usage: Sequence[UsageItem]) -> None:
    """Give a new txid its usage items, which stay packed."""
    count = len(usage)
    if not count:
        return
    state.usage = ItemSet(packed, count, count)
    state.devices = count
    state.sessions = sum([item.number_of_sessions or 0 for item in usage])
    state.transferred = sum([item.bytes_transferred or 0 for item in usage])
    state.memory += spread_bytes(packed, [item.imei or "" for item in usage])


def _array(packed: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(filter(None, packed)) + b"]"
