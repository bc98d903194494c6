"""The records consumed from a partition."""

from __future__ import annotations

import pytest

from consumer.audit.ledger import KINDS, Ledger
from consumer.audit.letters import Letter, fingerprint
from consumer.audit.terms import Terms
from consumer.audit.trail import EXPECTATION, LATE
from tests.unit.aggregation.feed import callback, encode, expectation, usage

TERMS = Terms(
    topic="in", app="app", inactivity_ms=1, remember_ms=1, window_ms=1, largest_item=1_000
)
ACKNOWLEDGEMENT = encode({"txid": "t", "status": "QUEUED"})


class Book:
    """A ledger, and dead letters for some of its offsets."""

    def __init__(self) -> None:
        self.letters: dict[int, Letter] = {}
        self.ledger = Ledger(TERMS, self.letters)

    def take(self, offset: int, value: bytes | None, reason: str = "") -> None:
        """One record; with its dead letter, where that has a reason."""
        if reason:
            self.letters[offset] = Letter(reason, fingerprint(None, value), f"letters[0]@{offset}")
        self.ledger.take(offset, None, value)

    @property
    def problems(self) -> list[tuple[int, str]]:
        """What is wrong, and with which records."""
        return self.ledger.problems


def test_counts_each_record_in_one_kind() -> None:
    """Dead letters among them, whatever the record looks like."""
    book = Book()
    book.take(10, callback("t", usage("1")))
    book.take(11, b'{"txid":"t"}')
    book.take(13, expectation("t", "1"))
    book.take(14, ACKNOWLEDGEMENT)
    book.take(15, b"garbage", "malformed_json")
    book.take(16, callback("t", usage("2")), "late")
    book.take(17, expectation("t", "2"), "late")
    book.ledger.finish(10, 18, is_all=False)

    assert book.problems == []
    counts = {name: book.ledger.count(kind, 0, 7) for kind, name in enumerate(KINDS)}
    assert list(counts.values()) == [2, 1, 1, 3]
    assert book.ledger.count(0, 0, 1) == 1
    assert [entry.kind for entry in book.ledger.accounts["t"].trail] == [
        0,
        0,
        EXPECTATION,
        LATE,
        LATE,
    ]


def test_finds_places_by_offset() -> None:
    """Offsets have gaps."""
    book = Book()
    for offset in (10, 11, 13, 20):
        book.take(offset, ACKNOWLEDGEMENT)

    assert [book.ledger.index(offset) for offset in (0, 10, 12, 13, 20, 99)] == [0, 0, 2, 2, 3, 4]


@pytest.mark.parametrize("reason", ["malformed_json", "schema", "late"])
def test_a_record_of_which_nothing_can_be_made_needs_its_dead_letter(reason: str) -> None:
    """With the reason that it deserves."""
    book = Book()
    book.take(1, b"[]", reason)
    book.take(2, b"[]")

    assert (2, "no dead letter, but it is none: schema (the value is not an object)") in (
        book.problems
    )
    assert len(book.problems) == (1 if reason == "schema" else 2)


def test_only_an_item_that_no_report_takes_is_oversized() -> None:
    """Else a good record was set aside."""
    book = Book()
    book.take(1, callback("t", usage("1", x="y" * 1_000)), "oversized_item")
    book.take(2, callback("t", usage("1", x="y" * 100)), "oversized_item")
    book.take(3, expectation("t", "1"), "oversized_item")
    book.take(4, ACKNOWLEDGEMENT, "late")

    assert [offset for offset, _ in book.problems] == [2, 3, 4]
    assert list(book.ledger.accounts) == []


def test_dead_letters_without_a_record_are_found_in_the_range_only() -> None:
    """What was consumed before or after it was not looked at."""
    book = Book()
    for offset in (4, 5, 9, 10):
        book.letters[offset] = Letter("schema", b"", f"letters[0]@{offset}")
    book.take(5, b"[]", "schema")
    book.ledger.finish(5, 10, is_all=False)

    assert book.problems == [(9, "no such record, but a dead letter of it: letters[0]@9")]


def test_records_that_were_never_consumed_are_forgotten() -> None:
    """With all that is wrong about them."""
    book = Book()
    for offset in (1, 4, 6):
        book.take(offset, b"[]")
    book.ledger.drop(6)

    assert [offset for offset, _ in book.problems] == [6]
    assert (list(book.ledger.offsets), book.ledger.index(6), len(book.ledger.kinds)) == ([6], 0, 1)
