"""Records of a txid, packed."""

from __future__ import annotations

from consumer.audit.trail import (
    CALLBACK,
    EXPECTATION,
    LATE,
    Entry,
    Trail,
    error_digest,
    imei_digest,
    usage_digest,
)

ITEM = b'{"imei":"1"}'


def test_gives_back_what_it_was_given() -> None:
    """In order, with nothing mixed up; also a record that brought nothing."""
    entries = [
        Entry(2**40, CALLBACK, [usage_digest(b"1"), usage_digest(b"2")], [error_digest(b"1")], []),
        Entry(2**40 + 1, CALLBACK, [], [], []),
        Entry(2**40 + 2, EXPECTATION, [], [], [imei_digest("1")]),
        Entry(2**40 + 3, LATE, [usage_digest(b"3")], [], []),
    ]
    trail = Trail()
    for entry in entries:
        trail.add(entry)

    assert list(trail) == entries
    assert list(Trail()) == []


def test_equal_items_are_equal_however_they_are_spelled() -> None:
    """And nothing of one kind equals anything of another."""
    assert usage_digest(ITEM) == usage_digest(b'{ "imei" : "1" }')
    assert len({usage_digest(ITEM), error_digest(ITEM), imei_digest("1")}) == 3
    assert imei_digest("1e2") != imei_digest("100")
