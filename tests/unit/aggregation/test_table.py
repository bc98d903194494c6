from __future__ import annotations

from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED
from consumer.aggregation.policy import Policy
from consumer.aggregation.table import TxidTable
from consumer.aggregation.txid import USAGE, Numbers
from consumer.wire.callback import UsageItem
from tests.unit.aggregation.feed import DEAD_LETTER, POLICY, drain, opened


def test_nothing_is_due_before_its_deadline() -> None:
    """And all of it is at the deadline, not one millisecond later."""
    table = TxidTable(POLICY)
    (state,) = opened(table, 1_000)
    assert table.timers.next_ms() == 1_100
    assert table.timers.due(1_099) is None
    assert table.timers.due(1_100) is state


def test_an_empty_table_has_nothing_due() -> None:
    """No timer, no oldest."""
    table = TxidTable(POLICY)
    assert table.timers.due(2**63) is None
    assert table.timers.next_ms() is None
    assert table.oldest_open_ms() is None


def test_what_is_due_comes_in_the_order_of_deadline_and_opening() -> None:
    """However the parts that moved the deadlines were mixed."""
    table = TxidTable(POLICY)
    first, second, third, fourth = opened(table, 10, 10, 20, 30)
    first.touched_ms = 50
    third.touched_ms = 50
    assert [txid for _, txid, phase in drain(table, 200) if phase is OPEN] == ["1", "3", "0", "2"]
    assert (second.closed_ms, fourth.closed_ms, first.closed_ms, third.closed_ms) == (
        110,
        130,
        150,
        150,
    )


def test_a_part_moves_the_deadline_without_a_new_timer() -> None:
    """The old timer comes up too early, and is put back with the true deadline."""
    table = TxidTable(POLICY)
    (state,) = opened(table, 0)
    state.touched_ms = 60
    assert table.timers.due(159) is None
    assert table.timers.next_ms() == 160
    assert len(table.timers) == 1
    assert table.timers.due(160) is state


def test_a_nearer_deadline_gets_a_second_timer() -> None:
    """Being forgotten may be due before the old deadline; the old timer is dropped unseen."""
    table = TxidTable(
        Policy(app="app", topic="t", inactivity_ms=1_000, max_age_ms=1_000, remember_ms=10)
    )
    (state,) = opened(table, 0)
    table.emitted(state, 5)
    assert table.timers.next_ms() == 15
    assert table.timers.due(14) is None
    assert table.timers.due(15) is state
    table.forget(state)
    assert table.timers.due(2_000) is None
    assert len(table.timers) == 0


def test_a_stale_timer_does_not_touch_the_next_life() -> None:
    """A forgotten txid that is opened again has the deadline of its new life."""
    policy = Policy(app="app", topic="t", inactivity_ms=1_000, remember_ms=10)
    table = TxidTable(policy)
    (state,) = opened(table, 0)
    table.emitted(state, 5)
    assert table.timers.due(15) is state
    table.forget(state)
    again = table.open("0", 7, 20)
    assert table.timers.due(1_019) is None
    assert table.timers.due(1_020) is again


def test_forgotten_is_unknown() -> None:
    """Nothing of it stays in the table."""
    table = TxidTable(POLICY)
    opened(table, 0)
    drain(table, 599)
    assert len(table) == 1
    drain(table, 600)
    assert (len(table), table.memory_bytes, len(table.timers)) == (0, 0, 0)


def test_counts_and_memory_follow_every_change() -> None:
    """Opening, growing, emission, reopening, marking, forgetting; equal to what a load finds."""
    table = TxidTable(POLICY)
    first, second = opened(table, 0, 50)
    checked(table, openings=2, bodies=0)
    memory = first.memory
    first.add_usage(b'{"imei":"a"}', UsageItem("a"))
    first.expect(["a", "b"])
    table.memory_bytes += first.memory - memory
    checked(table, openings=2, bodies=0)
    table.emitted(first, 60)
    checked(table, openings=1, bodies=1)
    table.reopen(first, 70, Numbers())
    checked(table, openings=2, bodies=0)
    table.emitted(first, 70)
    table.emitted(second, 70)
    checked(table, openings=0, bodies=2)
    table.mark(first)
    checked(table, openings=0, bodies=1)
    table.forget(second)
    checked(table, openings=0, bodies=0)
    table.forget(first)
    assert table.memory_bytes == 0


def checked(table: TxidTable, openings: int, bodies: int) -> None:
    """What is kept up is what one look at all of it gives."""
    assert (table.open_count, table.body_count) == (openings, bodies)
    fresh = TxidTable(POLICY)
    fresh.load(table.states())
    assert (table.open_count, table.body_count, table.memory_bytes) == (
        fresh.open_count,
        fresh.body_count,
        fresh.memory_bytes,
    )


def test_a_forgotten_txid_holds_no_items() -> None:
    """A stale timer, or the log, may hold on to the object for long."""
    table = TxidTable(POLICY)
    (state,) = opened(table, 0)
    state.add_usage(b"1234", UsageItem("a"))
    table.emitted(state, 10)
    table.forget(state)
    assert (state.usage.items, state.errors, state.expected) == ([], None, {})


def test_a_reopened_txid_may_be_due_before_its_memory_ends() -> None:
    """The nearer deadline gets a timer of its own."""
    table = TxidTable(POLICY)
    (state,) = opened(table, 0)
    table.emitted(state, 10)
    assert table.timers.due(509) is None
    assert table.timers.next_ms() == 510
    table.reopen(state, 300, Numbers())
    assert table.timers.next_ms() == 400
    assert drain(table, 900) == [(400, "0", OPEN), (900, "0", REMEMBERED)]
    assert table.timers.due(2_000) is None
    assert len(table.timers) == 0


def test_oldest_open_is_the_earliest_opening() -> None:
    """Remembered txids do not count, and a reopened one is as old as its reopening."""
    table = TxidTable(POLICY)
    first, *_ = opened(table, 10, 40, 70)
    drain(table, 110)
    assert table.oldest_open_ms() == 40
    table.reopen(first, 120, Numbers())
    assert table.oldest_open_ms() == 40
    drain(table, 140)
    assert table.oldest_open_ms() == 70


def test_a_loaded_table_goes_on_like_the_one_before() -> None:
    """Timers and counts follow from the states alone, in whatever order they are given."""
    table = TxidTable(POLICY)
    states = opened(table, 10, 10, 20, 30, 140)
    states[2].touched_ms = 60
    drain(table, 110)
    copy = TxidTable(POLICY)
    copy.load(reversed(list(table.states())))
    assert (copy.open_count, copy.memory_bytes) == (table.open_count, table.memory_bytes)
    assert copy.timers.due(129) is None
    assert copy.timers.next_ms() == 130
    assert [entry[:2] for entry in drain(copy, 2_000)] == [
        (130, "3"),
        (160, "2"),
        (240, "4"),
        (610, "0"),
        (610, "1"),
        (630, "3"),
        (660, "2"),
        (740, "4"),
    ]


def test_a_load_marks_what_is_remembered_where_the_policy_is_dead_letter() -> None:
    """It was emitted under the other one; the open ones stay open."""
    table = TxidTable(POLICY)
    first, second, third = opened(table, 0, 0, 50)
    first.add_usage(b"{}", UsageItem("a"))
    drain(table, 100)
    table.mark(second)
    copy = TxidTable(DEAD_LETTER)
    copy.load(list(table.states()))
    assert [state.phase for state in (first, second, third)] == [MARKED, MARKED, OPEN]
    assert first.knows(USAGE, b"{}")
    assert (copy.open_count, copy.body_count) == (1, 0)
    assert copy.memory_bytes == sum(state.memory for state in (first, second, third))


def test_the_next_closing_is_the_earliest_deadline_of_an_open_txid() -> None:
    """Neither of a remembered one, nor what a timer says that a part has outdated."""
    table = TxidTable(POLICY)
    assert table.next_closing_ms() is None
    first, second, third = opened(table, 0, 10, 20)
    first.touched_ms = 60
    assert (table.timers.next_ms(), table.next_closing_ms()) == (100, 110)

    table.emitted(second, 30)
    assert table.next_closing_ms() == 120
    table.emitted(third, 30)
    assert table.next_closing_ms() == 160
    table.emitted(first, 60)
    assert table.timers.next_ms() is not None
    assert table.next_closing_ms() is None
