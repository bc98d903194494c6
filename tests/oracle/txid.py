"""One txid as the contract describes it: what it holds, and the report of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.oracle.record import iso
from tests.oracle.values import Callback, Expectation, Item


@dataclass
class Txid:
    """One txid in state: open, or emitted and remembered, with its items or as a marker."""

    txid: str
    opened_at: int
    first_offset: int
    last_offset: int
    aging_from: int
    """When it opened, or reopened."""
    last_part_at: int
    callbacks: int = 0
    duplicates: int = 0
    items: dict[tuple[str, tuple[str, str]], Item] = field(default_factory=dict)
    """By array and identity, in the order of their offsets."""
    imeis: dict[str, set[str]] = field(default_factory=lambda: {"usage": set(), "errors": set()})
    """Distinct IMEIs in each array."""
    expected: set[str] | None = None
    missing: set[str] = field(default_factory=set)
    """What is expected and not in."""
    oversized: set[str] = field(default_factory=set)
    """Names of the items that were too large for any report."""
    is_unlimited: bool = False
    """Whether the device limit is void."""
    closed_at: int | None = None
    is_mark: bool = False
    report: dict[str, Any] | None = None
    """The last one."""

    @property
    def devices(self) -> set[str]:
        """Distinct IMEIs in either array."""
        return self.imeis["usage"] | self.imeis["errors"]

    @property
    def is_fulfilled(self) -> bool:
        """Whether there is an expectation and all of it is in."""
        return self.expected is not None and not self.missing

    @property
    def next_revision(self) -> int:
        """Of the report to come."""
        return 0 if self.report is None else self.report["summary"]["revision"] + 1

    def news(self, value: Callback | Expectation) -> int:
        """How many items, or expected IMEIs, of a record are not known."""
        if isinstance(value, Expectation):
            return len(set(value.imeis) - (self.expected or set()))
        return sum((array, item.identity) not in self.items for array, item in value.items)

    def add(self, array: str, item: Item) -> bool:
        """Take an item that is not there yet; whether it was not."""
        if (array, item.identity) in self.items:
            self.duplicates += 1
            return False
        self.items[array, item.identity] = item
        if item.imei is not None:
            self.imeis[array].add(item.imei)
            self.missing.discard(item.imei)
        return True

    def expect(self, imeis: Iterable[str]) -> None:
        """Widen the expectation by at least one IMEI."""
        self.expected = (self.expected or set()) | set(imeis)
        self.missing = self.expected - self.devices

    def of(self, array: str) -> list[Item]:
        """The items of one array."""
        return [item for (name, _), item in self.items.items() if name == array]

    def summarize(
        self, outcome: str, completed_by: str, closed_at: int, source: dict[str, Any]
    ) -> dict[str, Any]:
        """The next report as it stands, parsed; its items are texts."""
        usage, errors = self.of("usage"), self.of("errors")
        devices = {
            "expected": None if self.expected is None else len(self.expected),
            "reported": len(self.imeis["usage"]),
            "failed": len(self.imeis["errors"]),
            "missing": sorted(self.missing),
            "unexpected": [] if self.expected is None else sorted(self.devices - self.expected),
            "repeated": _repeated(usage),
            "conflicting": sorted(self.imeis["usage"] & self.imeis["errors"]),
        }
        if self.oversized:
            devices["oversized"] = sorted(self.oversized)
        return {
            "txid": self.txid,
            "usage": [item.text for item in usage],
            "errors": [item.text for item in errors],
            "summary": {
                "outcome": outcome,
                "completedBy": completed_by,
                "revision": self.next_revision,
                "part": {"index": 1, "count": 1},
                "devices": devices,
                "numberOfSessions": sum(item.sessions for item in usage),
                "bytesTransferred": sum(item.bytes_transferred for item in usage),
                "errorCodes": dict(
                    Counter(i.error_code for i in errors if i.error_code is not None)
                ),
                "callbacks": self.callbacks,
                "duplicates": self.duplicates,
                "openedAt": iso(self.opened_at),
                "closedAt": iso(closed_at),
                "source": source
                | {"firstOffset": self.first_offset, "lastOffset": self.last_offset},
            },
        }


def _repeated(usage: list[Item]) -> list[str]:
    counts = Counter(item.imei for item in usage if item.imei is not None)
    return sorted(imei for imei, count in counts.items() if count > 1)
