"""Timers: none too late, and not many more than needed."""

from __future__ import annotations

import random

from consumer.aggregation.lifecycle import OPEN
from consumer.aggregation.policy import Policy
from consumer.aggregation.table import TxidTable
from consumer.aggregation.timers import LEAST_SWEEP
from consumer.aggregation.txid import Numbers, Txid
from tests.unit.aggregation.feed import POLICY, drain, opened


def test_stale_timers_are_swept() -> None:
    """They never outnumber the valid ones by much, however txids come and go before their time."""
    policy = Policy(app="app", topic="t", inactivity_ms=10**6, remember_ms=10**6)
    table = TxidTable(policy)
    known: list[Txid] = []
    for number in range(20_000):
        known.append(table.open(str(number), number, number))
        if len(known) > 100:
            state = known.pop(0)
            table.emitted(state, number)
            table.forget(state)
        assert len(table.timers) <= len(table) * 5 // 4 + LEAST_SWEEP + 1
    assert list(table.timers.line)[-100:] == known


def test_two_equal_timers_of_one_txid_lie_beside_each_other() -> None:
    """One of them is stale; which of the two does not matter."""
    policy = Policy(app="app", topic="t", inactivity_ms=1_000, remember_ms=10)
    table = TxidTable(policy)
    (state,) = opened(table, 0)
    table.emitted(state, 0)
    table.reopen(state, 0, Numbers())
    assert table.timers.due(999) is None
    table.emitted(state, 980)
    table.reopen(state, 0, Numbers())
    assert table.timers.due(999) is None
    assert [deadline_ms for deadline_ms, _, _ in table.timers.heap] == [1_000, 1_000]
    assert table.timers.due(1_000) is state
    table.emitted(state, 1_000)
    assert table.timers.due(1_010) is state
    table.forget(state)
    assert table.timers.due(2_000) is None


def test_a_sweep_leaves_one_timer_for_each_txid() -> None:
    """Also where an old timer has come to be right again, as the deadline moved back to it."""
    policy = Policy(app="app", topic="t", inactivity_ms=1_000, remember_ms=10)
    table = TxidTable(policy)
    states = opened(table, *[0] * (2 * LEAST_SWEEP))
    for state in states:
        table.emitted(state, 0)
        table.reopen(state, 0, Numbers())
    assert table.timers.due(999) is None
    assert table.timers.due(1_000) is states[0]
    assert len(table.timers) <= len(states) * 5 // 4 + LEAST_SWEEP
    table.timers.load(table.states())
    assert len(table.timers) == len(states)


def test_a_long_random_life_fires_as_a_plain_list_would() -> None:
    """Openings, parts, early completions and jumps: always all that is due, in order."""
    rng = random.Random(7)  # noqa: S311 - the same life every time
    table = TxidTable(POLICY)
    now_ms = 0
    for number in range(4_000):
        now_ms += rng.choice((0, 0, 1, 7, 40, 90))
        expected = sorted(
            (state.deadline_ms(POLICY), state.first_offset)
            for state in table.states()
            if state.deadline_ms(POLICY) <= now_ms
        )
        known = {state.txid: state.first_offset for state in table.states()}
        fired = drain(table, now_ms)
        assert fired == sorted(fired, key=lambda entry: entry[0])
        assert {(due_ms, known[txid]) for due_ms, txid, _ in fired} >= set(expected)
        assert all(state.deadline_ms(POLICY) > now_ms for state in table.states())
        table.open(f"t{number}", number, now_ms)
        for state in rng.sample(list(table.states()), min(3, len(table))):
            if state.phase is OPEN:
                state.touched_ms = now_ms
                if rng.random() < 0.1:
                    table.emitted(state, now_ms)
        assert table.open_count == sum(state.phase is OPEN for state in table.states())
        assert len(table.timers) <= 3 * len(table) + 8
