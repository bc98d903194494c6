from __future__ import annotations

import pytest

from consumer.aggregation.clock import PartitionClock

NEW_YEAR_2100_MS = 4_102_444_800_000


def test_it_is_the_largest_timestamp_seen() -> None:
    """Timestamps move the clock on and never back."""
    clock = PartitionClock()
    moved = [clock.read(timestamp, 1_000) for timestamp in (5, 3, 5, 7)]
    assert moved == [True, False, False, True]
    assert clock.now_ms == 7


@pytest.mark.parametrize("timestamp_ms", [0, -1, -(2**63)])
def test_timestamps_of_zero_or_less_do_not_move_it(timestamp_ms: int) -> None:
    """Kafka says -1 for none, and nothing came before the epoch."""
    clock = PartitionClock()
    assert not clock.read(timestamp_ms, 1_000)
    assert clock.now_ms == 0


def test_a_timestamp_is_bounded() -> None:
    """A record from the year 2100 moves the clock to the bound, and no further."""
    clock = PartitionClock(now_ms=10)
    assert clock.read(NEW_YEAR_2100_MS, 1_000)
    assert clock.now_ms == 1_000
    assert not clock.read(NEW_YEAR_2100_MS, 1_000)


def test_a_bound_behind_it_does_not_take_it_back() -> None:
    """The wall clock may be set back: the partition's clock is not."""
    clock = PartitionClock(now_ms=500)
    assert not clock.read(600, 400)
    assert clock.now_ms == 500


def test_idle_it_goes_on_at_the_speed_of_the_wall_clock() -> None:
    """It keeps the lag behind the wall clock that it had at the last record."""
    clock = PartitionClock()
    clock.read(300, 10_000)
    clock.settle(1_000)
    assert clock.idle_ms(1_000) == 300
    assert clock.idle_ms(1_250) == 550


def test_idle_it_does_not_go_back_with_the_wall_clock() -> None:
    """A wall clock that was set back stops it, no more."""
    clock = PartitionClock()
    clock.read(300, 10_000)
    clock.settle(1_000)
    assert clock.idle_ms(10) == 300


def test_a_clock_ahead_of_the_wall_clock_stays_ahead() -> None:
    """The lag may be negative, within the skew."""
    clock = PartitionClock()
    clock.read(1_040, 1_050)
    clock.settle(1_000)
    assert clock.idle_ms(1_100) == 1_140


def test_the_lag_goes_through_a_restart() -> None:
    """With `now_ms` and `lag_ms` restored, downtime counts as idle time."""
    before = PartitionClock()
    before.read(300, 10_000)
    before.settle(1_000)
    after = PartitionClock(before.now_ms, before.lag_ms)
    assert after.idle_ms(61_000) == 60_300
