from __future__ import annotations

import pytest

from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED
from consumer.aggregation.txid import (
    ERROR,
    EXPECTED,
    EXPECTED_BYTES,
    MARKED_BYTES,
    USAGE,
    Numbers,
    Txid,
)
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


def test_a_single_item_of_an_array_is_packed() -> None:
    """Although it was looked for in both arrays first."""
    state = Txid("t", 0, 0)
    add_error(state, error("a"))
    assert (state.usage.several, state.errors and state.errors.several) == (None, None)
    add_usage(state, usage("b"))
    assert state.usage.packed == encode(usage("b"))


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


def lived() -> Txid:
    """A txid with two items, a device expected that is there, and one that is not."""
    state = Txid("txid", 0, 0)
    add_usage(state, usage("a"))
    add_error(state, error("b"))
    state.expect(["a", "c"])
    return state


def test_expected_devices_are_missing_until_they_are_in() -> None:
    """In either array, whether they came before the expectation or after."""
    state = lived()
    assert (list(state.expected), state.missing) == (["a", "c"], 1)
    assert state.expect(["b", "d", "d"])
    assert state.missing == 2
    add_error(state, error("c"))
    assert state.missing == 1
    add_usage(state, usage("c"))
    add_usage(state, usage("x"))
    assert state.missing == 1
    add_usage(state, usage("d"))
    assert state.missing == 0


def test_an_expectation_that_names_nobody_new_changes_nothing() -> None:
    """Equal, a part of it, or empty."""
    state = lived()
    memory = state.memory
    assert not state.expect(["a", "c"])
    assert not state.expect(["c"])
    assert not state.expect([])
    assert (len(state.expected), state.missing) == (2, 1)
    assert state.memory == memory


def test_txids_without_an_expectation_do_not_share_one() -> None:
    """What one of them expects is nothing to the others."""
    first, second = Txid("1", 0, 0), Txid("2", 0, 0)
    first.expect(["a"])
    assert (list(first.expected), list(second.expected)) == (["a"], [])


def test_numbers_are_those_of_this_moment() -> None:
    """What comes later does not change what was added up."""
    state = lived()
    numbers = state.numbers()
    add_error(state, error("c"))
    assert numbers == Numbers(
        reported=1,
        failed=1,
        missing=1,
        sessions=1,
        transferred=10,
        error_codes={"E1": 1},
        counts=(1, 1, 2),
    )
    assert Txid("t", 0, 0).numbers() == Numbers()


def test_a_remembered_txid_has_all_it_had() -> None:
    """Its deadline is the end of the memory, counted from the emission."""
    state = lived()
    state.remember(700)
    assert state.phase is REMEMBERED
    assert state.deadline_ms(POLICY) == 1_200
    assert (len(state.usage), len(state.errors or ()), len(state.expected)) == (1, 1, 2)


def test_a_reopened_txid_is_as_old_as_its_reopening() -> None:
    """It has the deadlines of a new one, and the next revision."""
    state = lived()
    state.remember(700)
    state.reopen(5_000, Numbers(reported=1))
    assert (state.phase, state.revision, state.previous) == (OPEN, 1, Numbers(reported=1))
    assert (state.deadline_ms(POLICY), state.expired_by(POLICY)) == (5_100, CompletedBy.INACTIVITY)
    state.touched_ms = 5_950
    assert (state.deadline_ms(POLICY), state.expired_by(POLICY)) == (6_000, CompletedBy.MAX_AGE)
    assert state.opened_ms == 0
    state.remember(6_000)
    assert (state.revision, state.previous) == (1, None)


def test_a_mark_knows_the_items_in_any_spelling() -> None:
    """The items have given way to digests, one of each item and its array."""
    state = lived()
    state.remember(700)
    state.mark()
    assert state.phase is MARKED
    assert state.deadline_ms(POLICY) == 1_200
    assert state.digests is not None
    assert len(state.digests) == 4 * 16
    assert state.knows(USAGE, b' {"bytesTransferred":10, "numberOfSessions":1, "imei":"a"}')
    assert state.knows(ERROR, encode(error("b")))
    assert not state.knows(ERROR, encode(usage("a")))
    assert not state.knows(USAGE, encode(usage("a", 2)))
    assert len(state.usage) == 0
    assert (state.errors, state.expected) == (None, {})


def test_a_mark_knows_whom_it_was_asked_for() -> None:
    """All of them, or the expectation is another one; the whole account is nobody more."""
    state = lived()
    state.remember(700)
    state.mark()
    assert state.knows_expected(["c", "a"])
    assert state.knows_expected([])
    assert not state.knows_expected(["a", "b"])
    assert not state.knows(USAGE, b'"a"')
    assert state.knows(EXPECTED, b'"\\u0061"')


def test_imeis_that_look_like_numbers_are_no_numbers() -> None:
    """`1e2` was not expected where `100` was."""
    state = Txid("t", 0, 0)
    state.expect(["100", "7"])
    state.mark()
    assert state.knows_expected(["100"])
    assert not state.knows_expected(["1e2"])


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_a_mark_of_any_size_finds_each_of_its_digests(count: int) -> None:
    """And nothing else."""
    state = Txid("t", 0, 0)
    for number in range(count):
        add_usage(state, usage(str(number)))
    state.mark()
    assert all(state.knows(USAGE, encode(usage(str(number)))) for number in range(count))
    assert not any(state.knows(USAGE, encode(usage(f"{number}x"))) for number in range(100))


def test_a_txid_that_is_not_marked_knows_nothing_by_digest() -> None:
    """Digests are there only then."""
    state = lived()
    assert not state.knows(USAGE, encode(usage("a")))


def test_devices_with_oversized_items_are_noted_once() -> None:
    """They count into the memory, and a mark has no use for them."""
    state = Txid("txid", 0, 0)
    memory = state.memory
    state.name_oversized(["a", "b"])
    state.name_oversized(["b"])
    assert list(state.oversized or ()) == ["a", "b"]
    assert state.memory == memory + 2 * (EXPECTED_BYTES + 1)
    state.mark()
    assert (state.oversized, state.memory) == (None, MARKED_BYTES + 4)
