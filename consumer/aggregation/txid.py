"""One known txid: open, with the items that came so far, or remembered after its report.

The object lives from the part that opens a txid until the txid is forgotten; its phase
changes, its identity does not, so that the table's timer and the state log may hold on to
it. Deadlines are never stored: they follow from the times here and the policy, so a changed
setting holds for what is open as well.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from consumer.aggregation.items import ItemSet
from consumer.aggregation.lifecycle import OPEN, REMEMBERED
from consumer.aggregation.policy import Policy
from consumer.wire.callback import ErrorItem, UsageItem
from consumer.wire.canonical import digest
from consumer.wire.report import CompletedBy

USAGE = b"u"
ERROR = b"e"
"""Tags that keep an item of one array apart from an equal one of the other."""


class Txid:
    """State of one correlation key in one partition. Offsets are input offsets."""

    __slots__ = (
        "callbacks",
        "closed_ms",
        "devices",
        "digests",
        "duplicates",
        "error_codes",
        "errors",
        "first_offset",
        "home",
        "last_offset",
        "logged_errors",
        "logged_usage",
        "moved",
        "opened_ms",
        "phase",
        "revision",
        "sessions",
        "size",
        "timer_ms",
        "touched_ms",
        "transferred",
        "txid",
        "unlimited",
        "usage",
    )

    def __init__(self, txid: str, offset: int, now_ms: int) -> None:
        self.txid = txid
        self.phase = OPEN
        self.opened_ms = now_ms
        self.touched_ms = now_ms
        """When the last part came."""
        self.closed_ms = 0
        """`closedAt` of the last emission."""
        self.first_offset = offset
        """Opening order as well: unique among the txids that a partition knows."""
        self.last_offset = offset
        self.callbacks = 0
        self.duplicates = 0
        self.revision = 0
        self.usage: ItemSet = ItemSet()
        self.errors: ItemSet | None = None
        self.sessions = 0
        self.transferred = 0
        self.error_codes: dict[str, int] | None = None
        self.devices = 0
        """Distinct IMEIs over both arrays."""
        self.unlimited = False
        """More devices than the limit came: the limit is void for this txid."""
        self.digests: frozenset[bytes] | None = None
        """Of each item, once remembered."""
        self.size = len(txid)
        """Bytes of content: the txid and its items, or its digests."""
        self.timer_ms = 0
        """Deadline of its valid timer, kept by the table."""
        # What the state log knows of this txid, kept by `pipeline/state_log.py`:
        self.home = 0
        """Sequence number of the commit that holds it whole; 0: none does."""
        self.moved = False
        """Its phase changed since: an addition will not do, it is written whole again."""
        self.logged_usage = 0
        self.logged_errors = 0

    def __lt__(self, _other: Txid) -> bool:
        """Lets equal timers of one txid (one of them stale) lie in the heap."""
        return False

    def add_usage(self, raw: bytes, item: UsageItem) -> bool:
        """Merge one usage item; whether it is new."""
        imei = item.imei
        usage = self.usage
        distinct = len(usage.imeis)
        if not usage.add(raw, imei):
            return False
        if (
            imei is not None
            and len(usage.imeis) > distinct
            and (self.errors is None or imei not in self.errors.imeis)
        ):
            self.devices += 1
        self.sessions += item.number_of_sessions or 0
        self.transferred += item.bytes_transferred or 0
        self.size += len(raw)
        return True

    def add_error(self, raw: bytes, item: ErrorItem) -> bool:
        """Merge one error item; whether it is new."""
        imei = item.imei
        errors = self.errors
        if errors is None:
            errors = self.errors = ItemSet()
        distinct = len(errors.imeis)
        if not errors.add(raw, imei):
            return False
        if imei is not None and len(errors.imeis) > distinct and imei not in self.usage.imeis:
            self.devices += 1
        response = item.error_response
        if response is not None and response.error_code is not None:
            codes = self.error_codes
            if codes is None:
                codes = self.error_codes = {}
            codes[response.error_code] = codes.get(response.error_code, 0) + 1
        self.size += len(raw)
        return True

    def deadline_ms(self, policy: Policy) -> int:
        """When time alone changes this txid: expiry while open, else being forgotten."""
        if self.phase is REMEMBERED:
            return self.closed_ms + policy.remember_ms
        return min(self.touched_ms + policy.inactivity_ms, self.opened_ms + policy.max_age_ms)

    def expired_by(self, policy: Policy) -> CompletedBy:
        """The rule behind the deadline of an open txid."""
        if self.touched_ms + policy.inactivity_ms <= self.opened_ms + policy.max_age_ms:
            return CompletedBy.INACTIVITY
        return CompletedBy.MAX_AGE

    def remember(self, closed_ms: int) -> None:
        """Turn into a marker: the items give way to their digests."""
        digests = [digest(USAGE, raw) for raw in self.usage.items]
        if self.errors is not None:
            digests += [digest(ERROR, raw) for raw in self.errors.items]
        self.become_marker(closed_ms, frozenset(digests))

    def become_marker(self, closed_ms: int, digests: AbstractSet[bytes]) -> None:
        """The same with digests that are known already (restore)."""
        self.phase = REMEMBERED
        self.closed_ms = closed_ms
        self.digests = frozenset(digests)
        self.usage = EMPTY
        self.errors = None
        self.error_codes = None
        self.size = len(self.txid) + sum(map(len, digests))
        self.moved = True

    def knows(self, tag: bytes, raw: bytes) -> bool:
        """Whether a remembered txid's last report held an item equal to `raw`."""
        return self.digests is not None and digest(tag, raw) in self.digests


EMPTY = ItemSet()
"""Shared by all markers; never added to."""
