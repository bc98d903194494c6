from __future__ import annotations

import pytest
from msgspec import json

from consumer.aggregation.items import (
    DIGEST_BYTES,
    FIRST_BYTES,
    FURTHER_BYTES,
    ItemSet,
    spread_bytes,
)

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
    items = added(item("a"), item("b"), item(None), item("a", 2))
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


def item(imei: str | None, number: int = 1) -> tuple[bytes, str | None]:
    """Bytes and IMEI of an item."""
    return json.encode({"imei": imei, "n": number} if imei else {"n": number}), imei


def test_the_memory_of_items_follows_from_them() -> None:
    """An IMEI costs more than a further item of it, and that brings digests for all."""
    items = ItemSet()
    assert items.add(b'{"imei":"a"}', "a") == FIRST_BYTES + 12 + 1
    assert items.add(b"{}", None) == FIRST_BYTES + 2
    assert items.add(b'{"imei":"a","n":1}', "a") == FURTHER_BYTES + 18 + 3 * DIGEST_BYTES
    assert items.add(b'{"imei":"bb"}', "bb") == FIRST_BYTES + 13 + 2 + DIGEST_BYTES
    assert items.add(b'{"imei":"bb","n":1}', "bb") == FURTHER_BYTES + 19 + DIGEST_BYTES
    assert items.add(b'{"imei":"bb","n":1}', "bb") == 0
    assert items.spread_bytes() == (
        3 * FIRST_BYTES + 2 * FURTHER_BYTES + 5 * DIGEST_BYTES + (12 + 2 + 18 + 13 + 19) + (1 + 2)
    )


@pytest.mark.parametrize("imeis", [[], ["a"], ["a", "bbb"], [None], ["a", None, "ä"]])
def test_the_memory_of_packed_items_follows_from_their_bytes(imeis: list[str | None]) -> None:
    """With their commas."""
    items = ItemSet()
    for imei in imeis:
        items.add(*item(imei))
    assert items.packed_bytes() == len(b",".join(item(imei)[0] for imei in imeis))
    assert items.packed_bytes() == items.packed_bytes()


def test_what_packed_items_would_take_is_known_without_spreading_them() -> None:
    """From their bytes and IMEIs, of as many different devices."""
    items = added(item("a"), item("bb"), item("ccc", 77))
    assert spread_bytes(items.joined(), ["a", "bb", "ccc"]) == items.spread_bytes()


@pytest.mark.parametrize("imei", ["a", None])
def test_one_item_is_packed_from_the_start(imei: str | None) -> None:
    """Most txids that are open in great numbers have no other."""
    items = added(item(imei))
    assert (items.packed, items.several) == (item(imei)[0], None)
    assert (len(items), items.devices(), items.items) == (1, imei is not None, [item(imei)[0]])


def test_packed_items_stand_as_in_a_report() -> None:
    """Verbatim, joined by commas, and nothing else of them is held."""
    spelled = b'{ "imei" : "c,\\"}" }'
    items = added(item("a"), item("b"), item("a", 2), item(None), (spelled, 'c,"}'))
    several = items.items
    assert items.pack() == items.packed == b",".join(several)
    assert (items.several, items.by_digest, items.repeated) == (None, None, None)
    assert (items.items, len(items), items.devices()) == (several, 5, 3)
    assert items.since(3) == several[3:]
    assert items.joined(3) == b",".join(several[3:])


def test_packed_items_are_spread_out_by_the_next_one() -> None:
    """What was known of them is known again: devices, repetitions, equal items."""
    items = added(item("a"), item("a", 2), item(None), item("b"))
    items.pack()
    assert items.add(*item("a", 2)) == 0
    assert (items.packed, items.count, items.devices_packed) == (b"", 0, 0)
    assert list(items.imeis) == ["a", None, "b"]
    assert list(items.repeated or ()) == ["a"]
    items.pack()
    assert items.add(*item("c")) == FIRST_BYTES + len(item("c")[0]) + 1 + DIGEST_BYTES
    assert items.devices() == 3
