"""Which records lie in which window: where one is missing or counts wrongly, it is told."""

from __future__ import annotations

import pytest

from tests.unit.audit.history import History, busy, lines


@pytest.fixture
def history() -> History:
    """Eight windows of 20 records."""
    return busy()


def test_a_lost_window_is_told_by_its_records(history: History) -> None:
    """Which ones, and between which windows."""
    problems = history.without("metrics", 3).problems()

    assert lines(problems, "window 1970-01-01T00:00:01.300Z/0", "10 reports closed in it")
    assert lines(problems, "callbacks[0]@60: 20 records from here on are in no window")
    assert lines(problems, "next to window 1970-01-01T00:00:01.200Z/0 and", "01.400Z/0")


@pytest.mark.parametrize("place", [0, 7])
def test_the_first_and_the_last_window_are_missed_as_well(history: History, place: int) -> None:
    """The state log tells how far windows have closed."""
    problems = history.without("metrics", place).problems()

    assert lines(problems, f"callbacks[0]@{20 * place}: 20 records from here on are in no window")


def test_windows_that_make_up_for_each_other_are_found(history: History) -> None:
    """One counts a record too few, the next one too many: all sums are right."""
    changed = history.rewritten("metrics", 2, b'"callbacks":20', b'"callbacks":19')
    changed = changed.rewritten("metrics", 3, b'"callbacks":20', b'"callbacks":21')
    problems = changed.problems()

    assert (
        "window 1970-01-01T00:00:01.200Z/0: reports place more records in it than it counts"
        in problems
    )


def test_the_open_window_counts_as_the_state_log_says(history: History) -> None:
    """To the last record; one of them fewer, and it is told."""
    inputs = history.inputs[:-1]

    assert lines(history.changed(inputs=inputs).problems(), "records from here on are in two")
