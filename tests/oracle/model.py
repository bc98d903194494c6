"""One input partition as the contract describes it: records in, everything expected out.

Time is the partition's clock, moved by the records' timestamps (`take`) or, for tests of
idleness, by hand (`advance`). Whether a wall clock would have bounded a timestamp is not
modelled. The late policy is "dead-letter", and expectations are counted without effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.oracle import values
from tests.oracle.record import Record, iso
from tests.oracle.values import Acknowledgement, Bad, Callback, Expectation, Item, Value

_NEVER = 2**63


@dataclass(frozen=True)
class Settings:
    """The settings that shape outputs, with the contract's defaults."""

    device_limit: int = 10
    inactivity_ms: int = 60_000
    max_age_ms: int = 86_400_000
    remember_ms: int = 1_800_000
    window_ms: int = 60_000
    app: str = "session-reports"


class DeadLetter(NamedTuple):
    """An input record that must be found among the dead letters, and why."""

    partition: int
    offset: int
    reason: str


@dataclass
class Txid:
    """One txid in state: open, or closed and remembered."""

    txid: str
    opened_at: int
    last_part_at: int
    first_offset: int
    last_offset: int
    callbacks: int = 0
    duplicates: int = 0
    items: dict[tuple[str, tuple[str, str]], Item] = field(default_factory=dict)
    """By array and identity, in the order of their offsets."""
    closed_at: int | None = None

    def of(self, array: str) -> list[Item]:
        """The items of one array."""
        return [item for (name, _), item in self.items.items() if name == array]

    def imeis(self, *arrays: str) -> set[str]:
        """Distinct IMEIs in these arrays."""
        items = [item for array in arrays for item in self.of(array)]
        return {item.imei for item in items if item.imei is not None}


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
        self._next_due = _NEVER
        """No deadline lies before this: spares a look at the table for every record."""

    @property
    def open(self) -> dict[str, Txid]:
        """Txids whose report has still to come."""
        return {txid: entry for txid, entry in self.table.items() if entry.closed_at is None}

    def take(self, record: Record) -> None:
        """Apply the next record."""
        if record.timestamp_ms > 0:
            self.advance(record.timestamp_ms)
        self.apply(values.classify(record.value), record.offset)

    def apply(self, value: Value, offset: int) -> None:
        """Apply the next record at the clock as it stands."""
        records = self._window(self.clock)["records"]
        match value:
            case Bad(reason):
                records["deadLetters"] += 1
                self.dead_letters.append(DeadLetter(self.partition, offset, reason))
            case Expectation():
                records["expectations"] += 1
            case Acknowledgement():
                records["acknowledgements"] += 1
            case Callback():
                if self._is_late(value):
                    records["deadLetters"] += 1
                    self.dead_letters.append(DeadLetter(self.partition, offset, "late"))
                else:
                    records["callbacks"] += 1
                    self._merge(value, offset)

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
            entry.opened_at + self.settings.max_age_ms,
        )

    def _fire(self, entry: Txid) -> None:
        if entry.closed_at is not None:
            del self.table[entry.txid]
        elif self._deadline(entry) == entry.last_part_at + self.settings.inactivity_ms:
            self.emit(entry, "unconfirmed", "inactivity", self._deadline(entry))
        else:
            self.emit(entry, "unconfirmed", "max_age", self._deadline(entry))

    def _is_late(self, callback: Callback) -> bool:
        """Whether the record has something new for a txid that is closed; counts it if so."""
        entry = self.table.get(callback.txid)
        if entry is None or entry.closed_at is None:
            return False
        new = [item for array, item in callback.items if (array, item.identity) not in entry.items]
        if new:
            items = self._window(self.clock)["items"]
            items["late"] += len(new)
            items["duplicates"] += len(callback.items) - len(new)
        return bool(new)

    def _merge(self, callback: Callback, offset: int) -> None:
        items = self._window(self.clock)["items"]
        entry = self.table.get(callback.txid)
        is_part = entry is None
        if entry is None:
            entry = Txid(callback.txid, self.clock, self.clock, offset, offset)
            self.table[callback.txid] = entry
        entry.callbacks += 1
        entry.last_offset = offset
        for array, item in callback.items:
            if (array, item.identity) in entry.items:
                entry.duplicates += 1
                items["duplicates"] += 1
            else:
                is_part = True
                entry.items[array, item.identity] = item
                items[array] += 1
        if is_part:
            entry.last_part_at = self.clock
            self._next_due = min(self._next_due, self._deadline(entry))
            devices = len(entry.imeis("usage", "errors"))
            if devices and devices == self.settings.device_limit:
                self.emit(entry, "complete", "device_limit", self.clock)

    def emit(self, entry: Txid, outcome: str, completed_by: str, closed_at: int) -> None:
        """Close `entry`, whose report is out from now on."""
        entry.closed_at = closed_at
        self._next_due = min(self._next_due, self._deadline(entry))
        report = self.report(entry, outcome, completed_by, closed_at)
        self.reports.append(report)
        add_report(self._window(closed_at), report, closed_at - entry.opened_at)

    def report(
        self, entry: Txid, outcome: str, completed_by: str, closed_at: int
    ) -> dict[str, Any]:
        """The report of `entry` as it stands, parsed; its items are texts."""
        usage, errors = entry.of("usage"), entry.of("errors")
        return {
            "txid": entry.txid,
            "usage": [item.text for item in usage],
            "errors": [item.text for item in errors],
            "summary": {
                "outcome": outcome,
                "completedBy": completed_by,
                "revision": 0,
                "part": {"index": 1, "count": 1},
                "devices": {
                    "expected": None,
                    "reported": len(entry.imeis("usage")),
                    "failed": len(entry.imeis("errors")),
                    "missing": [],
                    "unexpected": [],
                    "repeated": _repeated(usage),
                    "conflicting": sorted(entry.imeis("usage") & entry.imeis("errors")),
                },
                "numberOfSessions": sum(item.sessions for item in usage),
                "bytesTransferred": sum(item.bytes_transferred for item in usage),
                "errorCodes": dict(
                    Counter(i.error_code for i in errors if i.error_code is not None)
                ),
                "callbacks": entry.callbacks,
                "duplicates": entry.duplicates,
                "openedAt": iso(entry.opened_at),
                "closedAt": iso(closed_at),
                "source": {
                    "topic": self.topic,
                    "partition": self.partition,
                    "firstOffset": entry.first_offset,
                    "lastOffset": entry.last_offset,
                },
            },
        }

    def _window(self, at: int) -> dict[str, Any]:
        start = at - at % self.settings.window_ms
        if start not in self.windows:
            self.windows[start] = empty_window(start, self.partition, self.settings)
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


def empty_window(start: int, partition: int, settings: Settings) -> dict[str, Any]:
    """A metrics record that counts nothing."""
    return {
        "window": {"start": iso(start), "end": iso(start + settings.window_ms)},
        "app": settings.app,
        "partition": partition,
        "records": dict.fromkeys(
            ("callbacks", "expectations", "acknowledgements", "deadLetters"), 0
        ),
        "items": dict.fromkeys(("usage", "errors", "duplicates", "late"), 0),
        "reports": dict.fromkeys(("complete", "partial", "unconfirmed", "revised"), 0),
        "devices": dict.fromkeys(("reported", "failed", "missing"), 0),
        "numberOfSessions": 0,
        "bytesTransferred": 0,
        "errorCodes": {},
        "timeToCompleteMs": {"count": 0, "sum": 0, "min": None, "max": None},
    }


def add_report(window: dict[str, Any], report: dict[str, Any], age_ms: int) -> None:
    """Count a first emission in the window of its `closedAt`."""
    summary = report["summary"]
    window["reports"][summary["outcome"]] += 1
    for name in ("reported", "failed"):
        window["devices"][name] += summary["devices"][name]
    window["numberOfSessions"] += summary["numberOfSessions"]
    window["bytesTransferred"] += summary["bytesTransferred"]
    codes = Counter(window["errorCodes"])
    codes.update(summary["errorCodes"])
    window["errorCodes"] = dict(codes)
    times = window["timeToCompleteMs"]
    times["min"] = min(times["min"], age_ms) if times["count"] else age_ms
    times["max"] = max(times["max"], age_ms) if times["count"] else age_ms
    times["count"] += 1
    times["sum"] += age_ms


def _repeated(usage: list[Item]) -> list[str]:
    counts = Counter(item.imei for item in usage if item.imei is not None)
    return sorted(imei for imei, count in counts.items() if count > 1)
