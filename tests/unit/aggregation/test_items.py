from __future__ import annotations

import pytest

from consumer.aggregation.items import DIGEST_BYTES, FIRST_BYTES, FURTHER_BYTES, ItemSet

HUGE = b'{"imei":"a","x":' + b"9" * 5_000 + b"}"
"""Good JSON, but its number cannot be held: it has no canonical form."""


def added(*items: tuple[bytes, str | None]) -> ItemSet:
    """A set with these items, the last of which was new."""
    found = ItemSet()
    for raw, imei in items[:-1]:
        found.add(raw, imei)
    assert found.add(*items[-1])
    return found


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b'{"imei":"a","n":1}', b'{"imei":"a","n":1}'),
        (b'{"imei":"a","n":1}', b'{ "n" : 1, "imei":"a" }'),
        (b'{"imei":"a","n":1}', b'{"n":7,"imei":"a","n":1}'),
        (b'{"imei":"a","n":"\xc3\xa4"}', b'{"imei":"\\u0061","n":"\\u00e4"}'),
        (b'{"imei":"a","n":1.0}', b'{"imei":"a","n":1e0}'),
        (b'{"imei":"a","n":{"x":1,"y":2}}', b'{"imei":"a","n":{"y":2,"x":1}}'),
        (HUGE, HUGE),
    ],
)
def test_an_equal_item_is_not_added(first: bytes, second: bytes) -> None:
    """Items are equal by their canonical encodings, and the first spelling is kept."""
    items = ItemSet()
    assert items.add(first, "a")
    assert not items.add(second, "a")
    assert items.items == [first]
    assert not items.repeated


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b'{"imei":"a","n":1}', b'{"imei":"a","n":1.0}'),
        (b'{"imei":"a","n":1}', b'{"imei":"a","n":true}'),
        (b'{"imei":"a","n":null}', b'{"imei":"a"}'),
        (b'{"imei":"a","n":"1"}', b'{"imei":"a","n":1}'),
        (b'{"imei":"a","n":[1,2]}', b'{"imei":"a","n":[2,1]}'),
        (HUGE, HUGE.replace(b":", b": ", 1)),
    ],
)
def test_different_items_of_one_device_both_stay(first: bytes, second: bytes) -> None:
    """Usage is per day: a device may come twice, in the order of the items."""
    items = ItemSet()
    assert items.add(first, "a")
    assert items.add(second, "a")
    assert items.items == [first, second]
    assert list(items.repeated or ()) == ["a"]
    assert items.devices() == 1


def test_items_without_imei_are_unique_too() -> None:
    """They are no devices, and never called repeated."""
    items = added((b'{"n":1}', None), (b'{"n": 1}', None), (b'{"n":2}', None))
    assert items.items == [b'{"n":1}', b'{"n":2}']
    assert items.devices() == 0
    assert not items.repeated


def test_devices_are_distinct_imeis() -> None:
    """Items without one do not count."""
    items = added((b"1", "a"), (b"2", "b"), (b"3", None), (b"4", "a"))
    assert items.devices() == 2
    assert len(items) == 4


def test_an_item_that_came_after_the_first_meeting_is_known_as_well() -> None:
    """Digests, built when two items of one IMEI meet, are kept up from then on."""
    items = added((b'{"imei":"a"}', "a"), (b'{"imei":"a","n":1}', "a"), (b'{"imei":"b"}', "b"))
    assert not items.add(b'{ "imei":"b"}', "b")
    assert not items.add(b'{ "imei":"a"}', "a")


@pytest.mark.parametrize("count", [1, 10, 1_000])
def test_many_devices_are_kept_apart_like_few(count: int) -> None:
    """However many there are, each is found again in whatever spelling."""
    items = ItemSet()
    raws = [b'{"imei":"%d"}' % number for number in range(count)]
    for number, raw in enumerate(raws):
        assert items.add(raw, str(number))
    for number, raw in enumerate(raws):
        assert not items.add(raw.replace(b":", b" : "), str(number))
    assert items.items == raws
    assert list(items.imeis) == [str(number) for number in range(count)]
    assert items.devices() == count


@pytest.mark.parametrize("again", [b'{"imei":"a"}', b'{"imei": "a"}', b'{"imei":"a","n":1}'])
def test_what_is_new_since_a_count(again: bytes) -> None:
    """The state log asks for the items behind those that it holds, in either form."""
    items = added((b'{"imei":"a"}', "a"), (b'{"imei":"b"}', "b"))
    items.add(again, "a")
    items.add(b'{"imei":"c"}', "c")
    assert items.since(0) == items.items
    assert items.since(1) == items.items[1:]
    assert items.since(len(items)) == []


def test_a_respelled_item_is_not_worth_the_general_form() -> None:
    """It takes no memory, and later items take no more than before."""
    items = added((b'{"imei":"a"}', "a"))
    assert items.add(b'{ "imei":"a" }', "a") == 0
    assert items.add(b'{"imei":"b"}', "b") == FIRST_BYTES + 12 + 1


def test_the_memory_of_items_follows_from_them() -> None:
    """An IMEI costs more than a further item of it, and that brings digests for all."""
    items = ItemSet()
    assert items.add(b"1234", "a") == FIRST_BYTES + 4 + 1
    assert items.add(b"12345", None) == FIRST_BYTES + 5
    assert items.add(b"123456", "a") == FURTHER_BYTES + 6 + 3 * DIGEST_BYTES
    assert items.add(b"1234567", "b") == FIRST_BYTES + 7 + 1 + DIGEST_BYTES
    assert items.add(b"12345678", "b") == FURTHER_BYTES + 8 + DIGEST_BYTES
    assert items.add(b"12345678", "b") == 0
