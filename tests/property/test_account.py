"""The account of memory is kept up through any life, and is a matter of the content alone."""

from __future__ import annotations

import json
from copy import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from consumer.aggregation import items, txid
from consumer.aggregation.items import ItemSet
from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED
from consumer.aggregation.partition import UNBOUNDED
from consumer.aggregation.txid import Txid
from tests.property.driver import small_scale
from tests.unit.aggregation.feed import POLICY, callback, error, expectation, usage
from tests.unit.pipeline.ledger import Ledger, picture

ROOMY = structs.replace(POLICY, report_bytes=6_000, device_limit=4, remember_ms=3_000)

txids = st.sampled_from("abc")
imeis = st.sampled_from([None, "1", "2", "3", "4", "é"])
some = st.lists(
    st.builds(usage, imeis, st.integers(1, 2))
    | st.builds(error, imeis, st.sampled_from(["E1", "E22"]))
    | st.builds(usage, imeis, note=st.just("x" * 3_000)),
    max_size=5,
)
callbacks = st.builds(lambda name, content: callback(name, *content), txids, some)
expected = st.lists(st.sampled_from(["1", "2", "9", "é"]), max_size=3)
expectations = st.builds(lambda name, found: expectation(name, *found), txids, expected)
steps = st.lists(
    st.tuples(callbacks | expectations, st.sampled_from([0, 1, 30, 101]))
    | st.sampled_from(["commit", "crash", "crowd", "again", "again"]),
    max_size=30,
)


def account(state: Txid) -> int:
    """What a txid takes, from what it holds: looked at without a change of its form."""
    size = len(state.txid)
    if state.digests is not None:
        return size + txid.MARKED_BYTES + len(state.digests)
    is_open = state.phase is OPEN
    size += txid.TXID_BYTES
    for array in (state.usage, state.errors):
        if array is not None:
            size += _spread(array) if is_open else len(array.joined())
    if state.errors is not None:
        size += txid.ERRORS_BYTES
    size += sum(txid.CODE_BYTES + len(code) for code in state.error_codes or ())
    named = [*state.expected, *(state.oversized or ())]
    return size + sum(txid.EXPECTED_BYTES + len(imei) for imei in named)


def _spread(array: ItemSet) -> int:
    raws = array.items
    found = {json.loads(raw).get("imei") for raw in raws}
    further = len(raws) - len(found)
    return (
        sum(map(len, raws))
        + sum(items.FIRST_BYTES + len(imei or "") for imei in found)
        + further * items.FURTHER_BYTES
        + (items.DIGEST_BYTES * len(raws) if further else 0)
    )


def emitted(state: Txid) -> int:
    """The most that an open txid would take after its emission."""
    copied = copy(state)
    copied.usage, copied.errors = copy(state.usage), copy(state.errors)
    copied.remember(0)
    remembered = copied.memory
    copied.mark()
    return max(remembered, copied.memory)


def check(ledger: Ledger) -> None:
    """Of each txid and of all; and what is said to be logged is about the first items.

    Time alone must not take memory: emitted, whether remembered or marked at once, an open txid
    takes no more than before.
    """
    table = ledger.aggregator.table
    for state in table.states():
        assert state.memory == account(state)
        if state.phase is OPEN:
            assert emitted(state) <= state.memory
        if state.logged_usage_bytes and state.phase is not MARKED:
            logged = copy(state.usage).items[: state.logged_usage]
            assert state.logged_usage_bytes == len(b",".join(logged))
    assert table.memory_bytes == sum(state.memory for state in table.states())


def check_rest(ledger: Ledger) -> None:
    """What is remembered is packed, once two commits have gone by."""
    for _ in range(2):
        ledger.commit()
    for state in ledger.aggregator.table.states():
        if state.phase is REMEMBERED:
            assert state.usage.several is None
            assert state.errors is None or state.errors.several is None


@given(steps)
def test_the_account_follows_every_change(acts: list[Any]) -> None:
    """Parts, duplicates, emissions, revisions, marks, and restarts at any time."""
    ledger = Ledger(ROOMY)
    now_ms, last = 1_000, callback("a")
    with small_scale():
        for act in acts:
            if isinstance(act, tuple):
                now_ms, last = now_ms + act[1], act[0]
                ledger.send(last, now_ms)
            elif act == "again":
                ledger.send(last, now_ms + 101)
            elif act == "crowd":
                ledger.aggregator.share_bytes = ledger.aggregator.table.memory_bytes - 1
                ledger.tick(now_ms)
                ledger.aggregator.share_bytes = UNBOUNDED
            else:
                ledger.commit()
                if act == "crash":
                    before = picture(ledger.aggregator)
                    ledger.crash()
                    assert picture(ledger.aggregator) == before
            check(ledger)
    check_rest(ledger)
    for state in ledger.aggregator.table.states():
        if state.phase is not MARKED:
            for _ in range(2):
                memory = state.memory
                state.weigh()
                assert state.memory == memory
