"""The records that were consumed from one input partition: kinds, and what txids they served.

Whether a record is a dead letter is seen from the dead letters, which are read before:
one that nothing can be made of must be among them, a good one may be only if it came late
or holds an item that no report can take.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

from consumer.audit.letters import Letter, fingerprint
from consumer.audit.lives import Account
from consumer.audit.terms import Terms
from consumer.audit.trail import (
    CALLBACK,
    EXPECTATION,
    LATE,
    Entry,
    error_digest,
    imei_digest,
    usage_digest,
)
from consumer.wire.callback import Callback, Decoded, Expectation, Rejection, decode
from consumer.wire.dead_letter import Reason

KINDS: Final = ("callbacks", "expectations", "acknowledgements", "deadLetters")
"""In the order of their numbers in `Ledger.kinds`."""
_ACKNOWLEDGEMENT: Final = 2
_DEAD_LETTER: Final = 3


class Ledger:
    """One partition's records in the order of their offsets."""

    def __init__(self, terms: Terms, letters: Mapping[int, Letter]) -> None:
        self._largest_item = terms.largest_item
        self._letters = letters
        self.problems: list[tuple[int, str]] = []
        """What is wrong with the record at an offset."""
        self.offsets = array("q")
        self.kinds = bytearray()
        self.accounts: dict[str, Account] = {}

    def take(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        """The next record."""
        record = decode(value)
        letter = self._letters.get(offset)
        if letter is not None:
            letter.told = True
            if letter.content != fingerprint(key, value):
                self._differ(offset, f"its dead letter {letter.place} has another key or value")
        if letter is None and isinstance(record, Rejection):
            self._differ(offset, f"no dead letter, but {_why(record)}")
        kind = self._kind(record) if letter is None else _DEAD_LETTER
        entry = self._dead(offset, letter, record) if letter else _entry(offset, record)
        if entry is not None and not isinstance(record, Rejection):
            self.account(record.txid).trail.add(entry)
        self.offsets.append(offset)
        self.kinds.append(kind)

    def account(self, txid: str) -> Account:
        """That of a txid, which may be new."""
        account = self.accounts.get(txid)
        if account is None:
            account = self.accounts[txid] = Account()
        return account

    def drop(self, begin: int) -> None:
        """Records before the offset `begin` were never consumed; accounts keep theirs."""
        count = self.index(begin)
        del self.offsets[:count], self.kinds[:count]
        self.problems = [problem for problem in self.problems if problem[0] >= begin]

    def index(self, offset: int) -> int:
        """How many records come before `offset`."""
        return bisect_left(self.offsets, offset)

    def count(self, kind: int, begin: int, end: int) -> int:
        """Records of a kind among those from one index up to another."""
        return self.kinds.count(kind, begin, end)

    def finish(self, begin: int, end: int, *, is_all: bool) -> None:
        """All records from offset `begin` to `end` were taken: who of the letters is left?

        `is_all`: nothing from `end` on was ever consumed.
        """
        for offset, letter in self._letters.items():
            if offset < 0 or (begin <= offset and (offset < end or is_all) and not letter.told):
                self._differ(offset, f"no such record, but a dead letter of it: {letter.place}")

    def _dead(self, offset: int, letter: Letter, record: Decoded) -> Entry | None:
        """What a record brought that has a dead letter; nothing if it was not looked at."""
        if isinstance(record, Rejection):
            if letter.reason != record.reason:
                self._differ(offset, f"its dead letter says {letter.reason!r}, but {_why(record)}")
            return None
        if letter.reason == Reason.LATE and isinstance(record, Callback | Expectation):
            entry = _entry(offset, record)
            return None if entry is None else entry._replace(kind=LATE)
        if letter.reason != Reason.OVERSIZED_ITEM or not self._is_oversized(record):
            self._differ(offset, f"it is good, but a dead letter ({letter.reason!r})")
        return None

    def _is_oversized(self, record: Decoded) -> bool:
        """Whether it holds an item that no report takes."""
        return isinstance(record, Callback) and any(
            len(raw) > self._largest_item for raw, _ in [*record.usage, *record.errors]
        )

    def _kind(self, record: Decoded) -> int:
        if isinstance(record, Callback):
            return CALLBACK
        if isinstance(record, Expectation):
            return EXPECTATION
        return _DEAD_LETTER if isinstance(record, Rejection) else _ACKNOWLEDGEMENT

    def _differ(self, offset: int, problem: str) -> None:
        self.problems.append((offset, problem))


def _entry(offset: int, record: Decoded) -> Entry | None:
    """What a good record brings to its txid; an acknowledgement brings nothing."""
    if isinstance(record, Callback):
        usage = [usage_digest(raw) for raw, _ in record.usage]
        errors = [error_digest(raw) for raw, _ in record.errors]
        return Entry(offset, CALLBACK, usage, errors)
    if isinstance(record, Expectation):
        return Entry(offset, EXPECTATION, imeis=[imei_digest(imei) for imei in record.imeis])
    return None


def _why(record: Rejection) -> str:
    """Why nothing can be made of a record."""
    return f"it is none: {record.reason.value} ({record.message})"
