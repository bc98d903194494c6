"""Who gives way when the memory is full."""

from __future__ import annotations

import random

import msgspec
import pytest

from consumer.aggregation import capacity
from consumer.aggregation.capacity import Victims
from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED, UNKNOWN
from consumer.aggregation.table import TxidTable
from consumer.aggregation.txid import Numbers, Txid
from tests.unit.aggregation.feed import POLICY


def give_way(table: TxidTable, state: Txid, now_ms: int) -> None:
    """What the aggregator does to one whose turn it is."""
    if state.phase is OPEN:
        table.emitted(state, now_ms)
    elif state.phase is REMEMBERED:
        table.mark(state)
    else:
        table.forget(state)


def order(table: TxidTable, now_ms: int) -> list[tuple[str, str]]:
    """All victims until nothing is left: phase and txid."""
    victims = Victims(table)
    found = []
    while (state := victims.next()) is not None:
        found.append((state.phase, state.txid))
        give_way(table, state, now_ms)
        if state.phase is not UNKNOWN:
            victims.came(state)
    return found


def test_bodies_go_before_marks_and_marks_before_open_txids() -> None:
    """Those emitted longest ago first, ties by opening, and the earliest opened first."""
    table = TxidTable(POLICY)
    states = [table.open(name, number, 0) for number, name in enumerate("abcdefgh")]
    for name, closed_ms in (("h", 10), ("b", 20), ("a", 20), ("d", 30), ("c", 40)):
        table.emitted(states["abcdefgh".index(name)], closed_ms)
    for name in "bh":
        table.mark(states["abcdefgh".index(name)])
    assert order(table, 50) == [
        (REMEMBERED, "a"),
        (REMEMBERED, "d"),
        (REMEMBERED, "c"),
        (MARKED, "h"),
        (MARKED, "a"),
        (MARKED, "b"),
        (MARKED, "d"),
        (MARKED, "c"),
        (OPEN, "e"),
        (REMEMBERED, "e"),
        (MARKED, "e"),
        (OPEN, "f"),
        (REMEMBERED, "f"),
        (MARKED, "f"),
        (OPEN, "g"),
        (REMEMBERED, "g"),
        (MARKED, "g"),
    ]


def test_nobody_gives_way_in_an_empty_table() -> None:
    """There is nothing to gain."""
    assert Victims(TxidTable(POLICY)).next() is None


def test_a_reopened_txid_is_as_old_as_its_opening() -> None:
    """Also where it was reopened after the order was made."""
    table = TxidTable(POLICY)
    first, second, third = (table.open(name, number, 0) for number, name in enumerate("abc"))
    table.emitted(first, 10)
    victims = Victims(table)
    assert victims.next() is first
    table.mark(first)
    table.forget(first)
    assert victims.next() is second
    table.emitted(second, 10)
    victims.came(second)
    table.reopen(second, 20, Numbers())
    victims.came(second)
    assert victims.next() is second
    table.emitted(second, 20)
    assert victims.next() is second
    table.mark(second)
    table.forget(second)
    assert victims.next() is third


def test_a_life_after_the_forgotten_one_does_not_inherit_its_place() -> None:
    """The name is the same, the opening is not."""
    table = TxidTable(POLICY)
    states = {name: table.open(name, number, 0) for number, name in enumerate("abc")}
    victims = Victims(table)
    assert victims.next() is states["a"]
    for name in "ab":
        table.emitted(states[name], 10)
        table.forget(states[name])
    table.open("b", 9, 20)
    assert victims.next() is states["c"]


def truth(table: TxidTable) -> Txid | None:
    """The one whose turn it is, found by looking at all of them."""
    states = list(table.states())
    bodies = [state for state in states if state.phase is REMEMBERED]
    marks = [state for state in states if state.phase is MARKED]
    if bodies or marks:
        return min(bodies or marks, key=lambda state: (state.closed_ms, state.first_offset))
    return min(states, key=lambda state: state.first_offset, default=None)


@pytest.mark.parametrize("least", [1, 3, 1_000])
def test_in_a_long_random_life_it_is_always_the_oldest(
    least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever looks were made, and whatever came in between: the state alone decides.

    So a restored partition gives way in the same order as one that never stopped.
    """
    monkeypatch.setattr(capacity, "LEAST_LOOK", least)
    rng = random.Random(9)  # noqa: S311 - the same life every time
    policy = msgspec.structs.replace(POLICY, inactivity_ms=10**9, remember_ms=10**9)
    table = TxidTable(policy)
    victims = Victims(table)
    now_ms = taken = 0
    for number in range(6_000):
        now_ms += rng.choice((0, 0, 0, 1))
        table.open(str(number), number, now_ms)
        for state in rng.sample(list(table.states()), min(2, len(table))):
            if state.phase is OPEN and rng.random() < 0.5:
                table.emitted(state, now_ms)
                victims.came(state)
            elif state.phase is REMEMBERED and rng.random() < 0.5:
                table.reopen(state, now_ms, Numbers())
                victims.came(state)
        while len(table) > 40 or rng.random() < 0.3:
            expected = truth(table)
            if rng.random() < 0.02:
                victims = Victims(table)
            victim = victims.next()
            assert victim is expected
            if victim is None:
                break
            taken += 1
            give_way(table, victim, now_ms)
            if victim.txid in table:
                victims.came(victim)
    assert taken > 6_000


def test_names_wait_in_line_and_not_items() -> None:
    """A txid that is forgotten before its turn is not held on to."""
    table = TxidTable(POLICY)
    states = [table.open(str(number), number, 0) for number in range(5)]
    for state in states:
        table.emitted(state, 0)
    victims = Victims(table)
    assert victims.next() is states[0]
    assert {name for _, _, name in victims._lines[REMEMBERED]} == {"1", "2", "3", "4"}
