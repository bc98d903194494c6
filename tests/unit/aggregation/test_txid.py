from __future__ import annotations

import pytest

from consumer.aggregation.lifecycle import OPEN, REMEMBERED
from consumer.aggregation.txid import ERROR, USAGE, Txid
from consumer.wire.callback import decode_error_item, decode_usage_item
from consumer.wire.report import CompletedBy
from tests.unit.aggregation.feed import POLICY, encode, error, usage


def add_usage(state: Txid, item: object) -> bool:
    """Merge an item of `usage` as it comes from a callback."""
    raw = encode(item)
    return state.add_usage(raw, decode_usage_item(raw))


def add_error(state: Txid, item: object) -> bool:
    """The same for `errors`."""
    raw = encode(item)
    return state.add_error(raw, decode_error_item(raw))


def test_totals_are_exact_integers() -> None:
    """Every unique item counts, also beyond 64 bits; what is absent counts as 0."""
    state = Txid("t", 0, 0)
    largest = 2**63 - 1
    for imei in "abc":
        add_usage(state, {"imei": imei, "numberOfSessions": largest, "bytesTransferred": largest})
    add_usage(state, {"imei": "d"})
    add_usage(state, {"imei": "e", "numberOfSessions": None, "bytesTransferred": 5})
    assert state.sessions == 3 * largest
    assert state.transferred == 3 * largest + 5


def test_two_different_items_of_one_device_both_count() -> None:
    """In the totals, while the device counts once."""
    state = Txid("t", 0, 0)
    assert add_usage(state, usage("a", 1))
    assert add_usage(state, usage("a", 2))
    assert not add_usage(state, usage("a", 1))
    assert (state.sessions, state.transferred, state.devices) == (3, 30, 1)


def test_error_codes_are_counted() -> None:
    """By unique item; one without a code has none."""
    state = Txid("t", 0, 0)
    for item in (
        error("a", "E1"),
        error("a", "E1"),
        error("b", "E1"),
        error("c", "E2"),
        {"imei": "d"},
        {"imei": "e", "errorResponse": {}},
        {"imei": "f", "errorResponse": None},
    ):
        add_error(state, item)
    assert state.error_codes == {"E1": 2, "E2": 1}


@pytest.mark.parametrize("usage_first", [True, False])
def test_devices_are_counted_over_both_arrays(usage_first: bool) -> None:
    """A device that is in `usage` and in `errors` is one device, whichever came first."""
    state = Txid("t", 0, 0)
    for is_usage in (usage_first, not usage_first):
        for imei in ("b", "a" if is_usage else "c", None):
            assert add_usage(state, usage(imei)) if is_usage else add_error(state, error(imei))
    assert state.devices == 3


def test_an_equal_item_of_the_other_array_is_another_item() -> None:
    """Uniqueness is per array."""
    state = Txid("t", 0, 0)
    assert add_usage(state, {"imei": "a"})
    assert add_error(state, {"imei": "a"})


def test_the_deadline_of_an_open_txid_is_the_nearer_of_two() -> None:
    """Inactivity since the last part, or age since the opening, which names the rule."""
    state = Txid("t", 0, 5_000)
    assert (state.deadline_ms(POLICY), state.expired_by(POLICY)) == (5_100, CompletedBy.INACTIVITY)
    state.touched_ms = 5_900
    assert (state.deadline_ms(POLICY), state.expired_by(POLICY)) == (6_000, CompletedBy.INACTIVITY)
    state.touched_ms = 5_901
    assert (state.deadline_ms(POLICY), state.expired_by(POLICY)) == (6_000, CompletedBy.MAX_AGE)


def test_a_marker_knows_the_items_in_any_spelling() -> None:
    """The items have given way to digests, one of each item and its array."""
    state = Txid("t", 0, 0)
    add_usage(state, usage("a"))
    add_error(state, error("b"))
    state.remember(700)
    assert state.phase is REMEMBERED
    assert state.deadline_ms(POLICY) == 1_200
    assert state.digests is not None
    assert {len(digest) for digest in state.digests} == {16}
    assert state.knows(USAGE, b' {"bytesTransferred":10, "numberOfSessions":1, "imei":"a"}')
    assert state.knows(ERROR, encode(error("b")))
    assert not state.knows(ERROR, encode(usage("a")))
    assert not state.knows(USAGE, encode(usage("a", 2)))
    assert len(state.usage) == 0
    assert state.errors is None


def test_an_open_txid_knows_nothing_by_digest() -> None:
    """Digests are there only once it is remembered."""
    state = Txid("t", 0, 0)
    add_usage(state, usage("a"))
    assert state.phase is OPEN
    assert not state.knows(USAGE, encode(usage("a")))


def test_size_is_that_of_the_content() -> None:
    """The txid and its items, then the txid and its digests; duplicates are free."""
    state = Txid("txid", 0, 0)
    add_usage(state, usage("a"))
    add_usage(state, usage("a"))
    add_error(state, error("a"))
    assert state.size == 4 + len(encode(usage("a"))) + len(encode(error("a")))
    state.remember(0)
    assert state.size == 4 + 2 * 16
