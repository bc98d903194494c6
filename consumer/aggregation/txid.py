"""One known txid: open, remembered with its items, or marked by their digests.

The object lives from the part that opens a txid until the txid is forgotten; its phase
changes, its identity does not, so that the table's timer and the state log may hold on to
it. Deadlines are never stored: they follow from the times here and the policy, so a changed
setting holds for what is open as well.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable

from msgspec import Struct, json

from consumer.aggregation.items import ItemSet
from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED
from consumer.aggregation.policy import Policy
from consumer.wire.callback import Callback, ErrorItem, UsageItem
from consumer.wire.canonical import DIGEST_BYTES, digest
from consumer.wire.report import CompletedBy

USAGE = b"u"
ERROR = b"e"
EXPECTED = b"x"
"""Tags that keep equal bytes apart: an item of one array, of the other, an expected IMEI."""

# Memory beside the characters of the content, about as measured. Time alone must not take any: an
# emitted txid never takes more than the open one did. Else room would have to be made while time
# goes on, and who gives way would depend on where a transaction happened to be full.
TXID_BYTES = 640
"""Of a txid that may hold items: object, table, timer, containers."""
ERRORS_BYTES = 130
"""Of the second array."""
CODE_BYTES = 90
"""Of an error code in the sums."""
EXPECTED_BYTES = 80
"""Of an expected IMEI, or one that is noted for an oversized item."""
MARKED_BYTES = 640
"""Of a txid that is only marked."""

quoted = json.Encoder().encode
"""An IMEI as a JSON string: bare, `1e2` and `100` would be one number."""

NOBODY: dict[str, None] = {}
"""Shared by all txids without an expectation; never added to."""


class Numbers(Struct, frozen=True, gc=False):
    """What a report adds up to. A revision counts as the difference to the one before."""

    reported: int = 0
    failed: int = 0
    missing: int = 0
    sessions: int = 0
    transferred: int = 0
    error_codes: dict[str, int] = {}
    counts: tuple[int, int, int] = (0, 0, 0)
    """Usage items, error items and expected IMEIs: of a txid's, the first so many."""


class Txid:
    """State of one correlation key in one partition. Offsets are input offsets."""

    __slots__ = (
        "callbacks",
        "changed",
        "closed_ms",
        "devices",
        "digests",
        "duplicates",
        "error_codes",
        "errors",
        "expected",
        "first_offset",
        "home",
        "last_offset",
        "logged_bytes",
        "logged_errors",
        "logged_expected",
        "logged_usage",
        "logged_usage_bytes",
        "memory",
        "missing",
        "moved",
        "opened_ms",
        "oversized",
        "phase",
        "plain",
        "previous",
        "revision",
        "sessions",
        "since_ms",
        "timer_ms",
        "touched_ms",
        "transferred",
        "txid",
        "unlimited",
        "usage",
    )

    def __init__(self, txid: str, offset: int, now_ms: int, usage: ItemSet | None = None) -> None:
        self.txid = txid
        self.phase = OPEN
        self.opened_ms = self.since_ms = self.touched_ms = now_ms
        """When it was opened; opened or, for a revision, reopened; and when the last part came."""
        self.closed_ms = 0
        """`closedAt` of the last emission."""
        self.first_offset = self.last_offset = offset
        """The first is the opening order as well: unique among those that a partition knows."""
        self.callbacks = 0
        self.duplicates = 0
        self.revision = 0
        """Of the next emission while open, else of the last."""
        self.usage = ItemSet() if usage is None else usage
        self.errors: ItemSet | None = None
        self.expected: dict[str, None] = NOBODY
        """IMEIs that were asked for, in the order in which they became known."""
        self.missing = 0
        """How many of `expected` are in neither array."""
        self.oversized: dict[str, None] | None = None
        """IMEIs of items that no report can take."""
        self.sessions = 0
        self.transferred = 0
        self.error_codes: dict[str, int] | None = None
        self.devices = 0
        """Distinct IMEIs over both arrays."""
        self.plain = True
        """Never emitted or emitted once, nothing expected, and each item of another device."""
        self.unlimited = False
        """The device limit is void: more devices came, or the whole account was asked for."""
        self.previous: Numbers | None = None
        """What the last emission added up to, once reopened."""
        self.digests: bytes | None = None
        """Of each item and expected IMEI, once marked: sorted, and strung together."""
        self.memory = TXID_BYTES + len(txid)
        """What all of it takes in memory, by a fixed formula over the content."""
        self.timer_ms = 0
        """Of its valid timer: see `Timers`."""
        self.changed = False
        """Whether the delta has it already."""
        # What the state log knows of this txid, kept by `pipeline/state_log.py`:
        self.home = 0
        """Sequence number of the commit that holds it whole; 0: none does."""
        self.moved = False
        """An addition will not do any more: it is written whole again."""
        self.logged_bytes = 0
        """What it takes there, about, if it is written whole now."""
        self.logged_usage = self.logged_usage_bytes = 0
        """How many items, and how long they are joined; 0 where that is not known."""
        self.logged_errors = 0
        self.logged_expected = 0

    def __lt__(self, _other: Txid) -> bool:
        """Lets equal timers of one txid (one of them stale) lie in the heap."""
        return False

    def add_usage(self, raw: bytes, item: UsageItem) -> bool:
        """Merge one usage item; whether it is new."""
        imei = item.imei
        usage = self.usage
        is_new = imei is not None and not self.has(imei)
        taken = usage.add(raw, imei)
        if not taken:
            return False
        if is_new:
            self.devices += 1
            if self.missing:
                self.missing -= imei in self.expected
        else:
            self.plain = False
        self.sessions += item.number_of_sessions or 0
        self.transferred += item.bytes_transferred or 0
        self.memory += taken
        return True

    def add_error(self, raw: bytes, item: ErrorItem) -> bool:
        """Merge one error item; whether it is new."""
        imei = item.imei
        errors = self.errors
        if errors is None:
            errors = self.errors = ItemSet()
            self.memory += ERRORS_BYTES
        is_new = imei is not None and not self.has(imei)
        taken = errors.add(raw, imei)
        if not taken:
            return False
        if is_new:
            self.devices += 1
            if self.missing:
                self.missing -= imei in self.expected
        else:
            self.plain = False
        response = item.error_response
        if response is not None and response.error_code is not None:
            codes = self.error_codes
            if codes is None:
                codes = self.error_codes = {}
            if response.error_code not in codes:
                self.memory += CODE_BYTES + len(response.error_code)
            codes[response.error_code] = codes.get(response.error_code, 0) + 1
        self.memory += taken
        return True

    def expect(self, imeis: Iterable[str]) -> bool:
        """Widen the expectation; whether any of `imeis` is new to it."""
        known = len(self.expected)
        self.plain = False
        for imei in imeis:
            if imei in self.expected:
                continue
            if self.expected is NOBODY:
                self.expected = {}
            self.expected[imei] = None
            self.missing += not self.has(imei)
            self.memory += len(imei) + EXPECTED_BYTES
        return len(self.expected) > known

    def name_oversized(self, imeis: Iterable[str]) -> int:
        """Note whose items no report can take; the memory that this takes by our account."""
        self.plain = False
        if self.oversized is None:
            self.oversized = {}
        memory = self.memory
        for imei in imeis:
            if imei not in self.oversized:
                self.oversized[imei] = None
                self.memory += len(imei) + EXPECTED_BYTES
        return self.memory - memory

    def has(self, imei: str) -> bool:
        """Whether a device is in either array."""
        errors = self.errors
        return imei in self.usage.imeis or (errors is not None and imei in errors.imeis)

    def numbers(self) -> Numbers:
        """What a report made now would add up to."""
        return Numbers(
            reported=self.usage.devices(),
            failed=0 if self.errors is None else self.errors.devices(),
            missing=self.missing,
            sessions=self.sessions,
            transferred=self.transferred,
            error_codes=dict(self.error_codes or {}),
            counts=(
                len(self.usage),
                0 if self.errors is None else len(self.errors),
                len(self.expected),
            ),
        )

    def deadline_ms(self, policy: Policy) -> int:
        """When time alone changes this txid: expiry while open, else being forgotten."""
        if self.phase is not OPEN:
            return self.closed_ms + policy.remember_ms
        return min(self.touched_ms + policy.inactivity_ms, self.since_ms + policy.max_age_ms)

    def expired_by(self, policy: Policy) -> CompletedBy:
        """The rule behind the deadline of an open txid."""
        if self.touched_ms + policy.inactivity_ms <= self.since_ms + policy.max_age_ms:
            return CompletedBy.INACTIVITY
        return CompletedBy.MAX_AGE

    def remember(self, closed_ms: int) -> None:
        """It was emitted; the items stay for a revision."""
        self.phase = REMEMBERED
        self.closed_ms = closed_ms
        self.previous = None
        self.weigh()

    def weigh(self) -> None:
        """Bring the account of its memory up to its phase: remembered items are packed."""
        is_packed = self.phase is REMEMBERED
        size = TXID_BYTES + len(self.txid)
        for array in (self.usage, self.errors):
            if array is not None:
                size += array.packed_bytes() if is_packed else array.spread_bytes()
        if self.errors is not None:
            size += ERRORS_BYTES
            size += sum(CODE_BYTES + len(code) for code in self.error_codes or ())
        if not self.plain:
            size += sum(EXPECTED_BYTES + len(imei) for imei in self.expected)
            size += sum(EXPECTED_BYTES + len(imei) for imei in self.oversized or ())
        self.memory = size

    def note_logged(self, count: int, size: int) -> None:
        """So many more usage items stand in the state log, of that `size` when joined."""
        if not self.logged_usage:
            self.logged_usage_bytes = size
        elif self.logged_usage_bytes:
            self.logged_usage_bytes += size + 1
        self.logged_usage += count

    def rest(self) -> None:
        """What was looked for among the items of a remembered txid is known."""
        self.usage.pack()
        if self.errors is not None:
            self.errors.pack()

    def reopen(self, now_ms: int, previous: Numbers) -> None:
        """A part came after the emission that added up to `previous`."""
        self.phase = OPEN
        self.since_ms = self.touched_ms = now_ms
        self.revision += 1
        self.previous = previous
        self.plain = False
        self.weigh()

    def mark(self) -> None:
        """Give up the items of an emitted txid for their digests."""
        digests = [digest(USAGE, raw) for raw in self.usage.items]
        if self.errors is not None:
            digests += [digest(ERROR, raw) for raw in self.errors.items]
        digests += [digest(EXPECTED, quoted(imei)) for imei in self.expected]
        self.become_marked(b"".join(sorted(digests)))

    def become_marked(self, digests: bytes) -> None:
        """The same with digests that are known already (restore)."""
        self.phase = MARKED
        self.digests = digests
        self.drop_content()
        self.memory = MARKED_BYTES + len(self.txid) + len(digests)

    def drop_content(self) -> None:
        """Hold items and expectation no longer."""
        self.usage = EMPTY
        self.errors = self.error_codes = self.previous = self.oversized = None
        self.expected = NOBODY

    def knows(self, tag: bytes, raw: bytes) -> bool:
        """Whether a marked txid's last report held what equals `raw`."""
        digests = self.digests
        if digests is None:
            return False
        form = digest(tag, raw)
        places = range(0, len(digests), DIGEST_BYTES)
        place = bisect_left(places, form, key=lambda at: digests[at : at + DIGEST_BYTES])
        return place < len(places) and digests.startswith(form, places[place])

    def unknown_of(self, callback: Callback) -> int:
        """How many items of a callback a marked txid's last report did not hold."""
        unknown = sum(not self.knows(USAGE, raw) for raw, _ in callback.usage)
        return unknown + sum(not self.knows(ERROR, raw) for raw, _ in callback.errors)

    def knows_expected(self, imeis: Collection[str]) -> bool:
        """Whether a marked txid was asked for all of `imeis` before."""
        return all(self.knows(EXPECTED, quoted(imei)) for imei in imeis)


EMPTY = ItemSet()
"""Shared by all txids without items to hold; never added to."""
