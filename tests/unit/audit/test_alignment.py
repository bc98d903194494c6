"""Placing windows among records."""

from __future__ import annotations

import pytest

from consumer.audit.alignment import align
from consumer.audit.windows import Sums, Window


def window(records: int, *anchors: int) -> Window:
    """A window that counts so many records, and what reports place into it."""
    made = Window(0, 1, (records, 0, 0, 0), (0, 0, 0, 0), Sums())
    for index in anchors:
        made.anchor(index)
    return made


def placed(windows: list[Window], records: int, begin: int | None, *, ends: bool) -> list[object]:
    """How many windows each run has, and where it begins."""
    return [
        (len(run.windows), run.begin) for run in align(windows, records, begin=begin, ends=ends)
    ]


@pytest.mark.parametrize(
    ("begin", "ends", "expected"),
    [
        (0, True, [(3, 0)]),
        (0, False, [(3, 0)]),
        (None, True, [(3, 0)]),
        (None, False, [(3, None)]),
    ],
)
def test_one_known_end_places_all(begin: int | None, expected: list[object], *, ends: bool) -> None:
    """From the beginning, or back from the last record; with neither, nothing tells."""
    windows = [window(3), window(2), window(5)]

    assert placed(windows, 10, begin, ends=ends) == expected


def test_windows_may_begin_before_the_range() -> None:
    """Then the first ones count records that are not looked at."""
    assert placed([window(3), window(2)], 4, None, ends=True) == [(2, -1)]


def test_anchors_place_where_they_leave_no_choice() -> None:
    """The last record of a window, and the first of the next."""
    assert placed([window(3, 6), window(2, 7)], 10, None, ends=False) == [(2, 4)]


@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_a_missing_window_ends_a_run(lost: int) -> None:
    """What comes after it is placed from the end."""
    whole = [window(3, 0, 2), window(2, 3), window(4, 6), window(1, 9)]
    windows = whole[:lost] + whole[lost + 1 :]
    runs = align(windows, 10, begin=0, ends=True)

    assert sum(run.records for run in runs) == 10 - sum(whole[lost].records)
    at = 0
    for run in runs:
        gap, at = (run.begin or 0) - at, (run.begin or 0) + run.records
        if gap:
            assert gap == sum(whole[lost].records)
            break
    else:
        assert 10 - at == sum(whole[lost].records)


def test_between_two_gaps_nothing_tells() -> None:
    """Where reports leave a choice."""
    windows = [window(3, 2), window(4, 8), window(2, 19)]

    assert placed(windows, 20, 0, ends=True) == [(1, 0), (1, None), (1, 18)]
