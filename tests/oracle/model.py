"""One input partition as the contract describes it: records in, everything expected out.

Time is the partition's clock, moved by the records' timestamps (`take`) or, for tests of
idleness, by hand (`advance`). Whether a wall clock would have bounded a timestamp is not
modelled. A report comes out whole; that it may be split is for its reader (`outputs`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.oracle import values
from tests.oracle.record import Record
from tests.oracle.txid import Txid
from tests.oracle.values import Acknowledgement, Bad, Callback, Expectation, Value
from tests.oracle.windows import add_report, empty_window

_NEVER = 2**63
_FRAME_BYTES = 4_096
"""What a report needs beside its items."""


@dataclass(frozen=True)
class Settings:
    """The settings that shape outputs, with the contract's defaults."""

    device_limit: int = 10
    inactivity_ms: int = 60_000
    max_age_ms: int = 86_400_000
    late_policy: str = "revise"
    remember_ms: int = 1_800_000
    window_ms: int = 60_000
    app: str = "session-reports"
    report_bytes: int = 900_000
    memory: Callable[[Txid], int] = lambda _: 0
    """How much of `txid_bytes` and `share_bytes` a txid takes: the contract leaves it open."""
    txid_bytes: int = 32 * 2**20
    share_bytes: int = _NEVER
    """The partition's share of `limits.state_bytes`."""


class DeadLetter(NamedTuple):
    """An input record that must be found among the dead letters, and why."""

    partition: int
    offset: int
    reason: str


class Partition:
    """The expected outputs of one input partition so far, and what is still open."""

    def __init__(self, topic: str, partition: int, settings: Settings) -> None:
        self.topic = topic
        self.partition = partition
        self.settings = settings
        self.clock = 0
        self.reports: list[dict[str, Any]] = []
        self.dead_letters: list[DeadLetter] = []
        self.metrics: list[dict[str, Any]] = []
        self.windows: dict[int, dict[str, Any]] = {}
        """Windows that are not closed yet, by their start."""
        self.table: dict[str, Txid] = {}
        """All txids known, open or remembered."""
        self.forgotten_early = 0
        self._next_due = _NEVER
        """No deadline lies before this: spares a look at the table for every record."""

    @property
    def open(self) -> dict[str, Txid]:
        """Txids whose report, or next revision, has still to come."""
        return {txid: entry for txid, entry in self.table.items() if entry.closed_at is None}

    def take(self, record: Record) -> None:
        """Apply the next record."""
        if record.timestamp_ms > 0:
            self.advance(record.timestamp_ms)
        self.apply(values.classify(record.value), record.offset)

    def apply(self, value: Value, offset: int) -> None:
        """Apply the next record at the clock as it stands."""
        match value:
            case Bad(reason):
                self._reject(offset, reason)
            case Acknowledgement():
                self._window(self.clock)["records"]["acknowledgements"] += 1
            case Callback() if self._is_oversized(value):
                self._reject(offset, "oversized_item")
            case Callback() | Expectation():
                self._count(value, offset)
        self._make_room()

    # Time

    def advance(self, clock: int) -> None:
        """Move the clock: what is due fires, then the windows that have passed close."""
        self.clock = max(self.clock, clock)
        while self._next_due <= self.clock:
            # Firing changes no other deadline, so a round can be ordered beforehand; what
            # has closed in it may be due again, to be forgotten.
            due = [e for e in self.table.values() if self._deadline(e) <= self.clock]
            for entry in sorted(due, key=lambda e: (self._deadline(e), e.first_offset)):
                self._fire(entry)
            self._next_due = min(map(self._deadline, self.table.values()), default=_NEVER)
        for start in sorted(self.windows):
            if start + self.settings.window_ms <= self.clock:
                self.metrics.append(self.windows.pop(start))

    def _deadline(self, entry: Txid) -> int:
        if entry.closed_at is not None:
            return entry.closed_at + self.settings.remember_ms
        return min(
            entry.last_part_at + self.settings.inactivity_ms,
            entry.aging_from + self.settings.max_age_ms,
        )

    def _fire(self, entry: Txid) -> None:
        if entry.closed_at is not None:
            del self.table[entry.txid]
        elif self._deadline(entry) == entry.last_part_at + self.settings.inactivity_ms:
            self.emit(entry, "inactivity", self._deadline(entry))
        else:
            self.emit(entry, "max_age", self._deadline(entry))

    # Records

    def _reject(self, offset: int, reason: str) -> None:
        self._window(self.clock)["records"]["deadLetters"] += 1
        self.dead_letters.append(DeadLetter(self.partition, offset, reason))

    def _is_oversized(self, callback: Callback) -> bool:
        """Whether an item is too large for any report; tells its txid."""
        most = self.settings.report_bytes - _FRAME_BYTES
        large = [item for _, item in callback.items if len(item.text.encode()) > most]
        entry = self.table.get(callback.txid)
        if entry is not None and not entry.is_mark:
            entry.oversized |= {"(no imei)" if i.imei is None else i.imei for i in large}
        return bool(large)

    def _count(self, value: Callback | Expectation, offset: int) -> None:
        """Count a record that is late, a duplicate of what a marker knows, or of use."""
        entry = self.table.get(value.txid)
        window = self._window(self.clock)
        items = len(value.items) if isinstance(value, Callback) else 0
        if entry is not None and entry.is_mark:
            news = entry.news(value)
            late = min(items, news)
            window["items"]["late"] += late
            window["items"]["duplicates"] += items - late
            if news:
                self._reject(offset, "late")
                return
        kind = "callbacks" if isinstance(value, Callback) else "expectations"
        window["records"][kind] += 1
        if entry is None or not entry.is_mark:
            self._join(value, offset, entry)

    def _join(self, value: Callback | Expectation, offset: int, entry: Txid | None) -> None:
        is_part = entry is None or entry.news(value) > 0
        if entry is None:
            entry = Txid(value.txid, self.clock, offset, offset, self.clock, self.clock)
            self.table[value.txid] = entry
        was_fulfilled = entry.is_fulfilled and isinstance(value, Callback)
        entry.last_offset = offset
        if isinstance(value, Callback):
            self._merge(value, entry)
        elif value.imeis:
            entry.expect(value.imeis)
        else:
            entry.is_unlimited = True
        if is_part:
            if entry.closed_at is not None:
                entry.closed_at = None
                entry.aging_from = self.clock
            entry.last_part_at = self.clock
            self._next_due = min(self._next_due, self._deadline(entry))
            self._complete(entry, was_fulfilled=was_fulfilled)

    def _merge(self, callback: Callback, entry: Txid) -> None:
        items = self._window(self.clock)["items"]
        entry.callbacks += 1
        for array, item in callback.items:
            items[array if entry.add(array, item) else "duplicates"] += 1

    def _complete(self, entry: Txid, *, was_fulfilled: bool) -> None:
        """Emit a txid that a part has completed (by a wider expectation: anew) or filled."""
        if entry.is_fulfilled and not was_fulfilled:
            self.emit(entry, "expected_devices", self.clock)
        if entry.expected is None and not entry.is_unlimited and self.settings.device_limit:
            devices = len(entry.devices)
            entry.is_unlimited = devices >= self.settings.device_limit
            if devices == self.settings.device_limit:
                self.emit(entry, "device_limit", self.clock)
        if entry.closed_at is None and self.settings.memory(entry) >= self.settings.txid_bytes:
            self.emit(entry, "capacity", self.clock)
            entry.is_mark = True

    # Emission

    def emit(self, entry: Txid, completed_by: str, closed_at: int) -> None:
        """Close `entry`, whose report is out from now on."""
        outcome = "partial" if entry.missing else "unconfirmed"
        if completed_by in ("expected_devices", "device_limit"):
            outcome = "complete"
        source = {"topic": self.topic, "partition": self.partition}
        report = entry.summarize(outcome, completed_by, closed_at, source)
        add_report(self._window(closed_at), report, entry.report, closed_at - entry.opened_at)
        self.reports.append(report)
        entry.report = report
        entry.closed_at = closed_at
        entry.is_mark = self.settings.late_policy == "dead-letter"
        self._next_due = min(self._next_due, self._deadline(entry))

    def _make_room(self) -> None:
        """Bodies go first, then markers, then the txid that has been open for longest."""
        if self.settings.share_bytes == _NEVER:
            return
        while sum(map(self.settings.memory, self.table.values())) > self.settings.share_bytes:
            remembered = sorted(
                (entry for entry in self.table.values() if entry.closed_at is not None),
                key=lambda entry: (entry.closed_at, entry.first_offset),
            )
            bodies = [entry for entry in remembered if not entry.is_mark]
            if bodies:
                bodies[0].is_mark = True
            elif remembered:
                del self.table[remembered[0].txid]
                self.forgotten_early += 1
            else:
                first = min(self.table.values(), key=lambda entry: entry.first_offset)
                self.emit(first, "capacity", self.clock)

    def _window(self, at: int) -> dict[str, Any]:
        start = at - at % self.settings.window_ms
        if start not in self.windows:
            self.windows[start] = empty_window(
                self.settings.app, self.partition, start, start + self.settings.window_ms
            )
        return self.windows[start]


def run(records: Iterable[Record], settings: Settings) -> dict[int, Partition]:
    """The model of every input partition after all its records, which may be mixed."""
    partitions: dict[int, Partition] = {}
    for record in records:
        if record.partition not in partitions:
            model = Partition(record.topic, record.partition, settings)
            partitions[record.partition] = model
        partitions[record.partition].take(record)
    return partitions
