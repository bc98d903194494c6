"""Medians, ratios within a round, percentiles and slopes."""

from __future__ import annotations

import pytest

from benchmarks.figures import figures, percentile, slope, times_as_fast
from benchmarks.race import Run


def run(contender: str, number: int, seconds: float, **more: object) -> Run:
    """A run of 1,000 callbacks."""
    fields = {"cpu_s": seconds / 2, "peak_bytes": 1_000_000, "problems": [], **more}
    return Run(contender=contender, round=number, callbacks=1_000, seconds=seconds, **fields)  # type: ignore[arg-type]


def test_a_ratio_is_taken_within_its_round() -> None:
    """A machine that is slow for one round slows both, and the ratio stays."""
    runs = [
        *(run("bare", number, seconds) for number, seconds in ((1, 1.0), (2, 4.0), (3, 2.0))),
        *(run("ours", number, seconds) for number, seconds in ((1, 2.0), (2, 8.0), (3, 4.0))),
    ]
    bare, ours = figures(runs)
    assert (bare.ratio, ours.ratio) == (1.0, 0.5)
    assert (ours.rate, ours.slowest, ours.fastest) == (250.0, 125.0, 500.0)
    assert ours.cpu_us == pytest.approx(2_000)


def test_how_much_faster_is_told_of_rounds_that_both_ran() -> None:
    """The median of their factors."""
    runs = [run("a", 1, 1.0), run("a", 2, 1.0), run("b", 1, 3.0), run("b", 2, 5.0)]
    assert times_as_fast([*runs, run("a", 3, 9.0)], "a", "b") == pytest.approx(4.0)


def test_without_the_bare_loop_there_is_no_ratio() -> None:
    """Rates are there all the same."""
    (only,) = figures([run("ours", 1, 2.0)])
    assert (only.ratio, only.rate, only.rounds) == (None, 500.0, 1)


def test_the_worst_of_all_rounds_is_told() -> None:
    """Peak memory, and whatever was wrong in any of them."""
    (only,) = figures([run("a", 1, 1.0, problems=["x"]), run("a", 2, 1.0, peak_bytes=5_000_000)])
    assert (only.peak_bytes, list(only.problems)) == (5_000_000, ["x"])


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    """The nearest rank."""
    assert percentile(range(100, 0, -1), share) == value


def test_the_slope_of_a_line() -> None:
    """Exact where the points lie on one."""
    assert slope([(0, 5), (1, 7), (3, 11)]) == pytest.approx(2)
