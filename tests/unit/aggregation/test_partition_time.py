"""What time does: the clock, the order of firing, windows, room in the delta, idleness."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from consumer.aggregation.clock import PartitionClock
from consumer.aggregation.partition import PartitionAggregator
from tests.unit.aggregation.feed import (
    POLICY,
    WALL_MS,
    Batch,
    Feed,
    callback,
    encode,
    known,
    usage,
)

TICK = encode({"txid": "tick", "status": "QUEUED"})


def metrics_times(feed: Feed) -> list[str]:
    """Starts of the windows that have closed: seconds and milliseconds."""
    return [record["window"]["start"][-7:-1] for record in feed.metrics]


def feed_with(**changes: Any) -> Feed:
    """A feed whose policy differs by `changes`."""
    return Feed(**changes)


# -------------------------------------------------------------------- inactivity, max_age


def test_inactivity_counts_from_the_last_part() -> None:
    """A new item prolongs; a duplicate and a bare txid do not."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.devices("a", "2", at=1_060)
    feed.devices("a", "2", at=1_100)
    feed.send(callback("a"), 1_150)
    feed.tick(1_159)
    assert feed.closed == []
    feed.tick(1_160)
    assert feed.closed == [("a", "inactivity", "01.160")]
    assert feed.reports[0].summary.outcome == "unconfirmed"
    assert feed.reports[0].summary.callbacks == 4


def test_a_part_at_the_deadline_comes_too_late() -> None:
    """The record moves the clock, what is due fires, and only then is it applied."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.devices("a", "2", at=1_100)
    assert feed.closed == [("a", "inactivity", "01.100")]
    assert len(feed.reports[0].usage) == 1


def test_what_closes_by_time_closes_at_its_deadline() -> None:
    """Not when a later record happened to tell the time."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.tick(9_000)
    assert feed.closed == [("a", "inactivity", "01.100")]
    assert feed.delta.tallies.completion_ms == [100]


def test_max_age_bounds_a_txid_that_never_rests() -> None:
    """Counted from its opening."""
    feed = feed_with(device_limit=0)
    for step in range(12):
        feed.devices("a", str(step), at=1_000 + 90 * step)
    feed.tick(1_999)
    assert feed.closed == []
    feed.tick(2_000)
    assert feed.closed == [("a", "max_age", "02.000")]
    assert feed.reports[0].summary.outcome == "unconfirmed"


def test_what_is_due_fires_by_deadline_and_opening() -> None:
    """Whatever the order of parts was."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.devices("b", "1", at=1_000)
    feed.devices("c", "1", at=1_010)
    feed.devices("d", "1", at=1_010)
    feed.devices("b", "2", at=1_050)
    feed.devices("a", "2", at=1_050)
    feed.tick(5_000)
    assert feed.closed == [
        ("c", "inactivity", "01.110"),
        ("d", "inactivity", "01.110"),
        ("a", "inactivity", "01.150"),
        ("b", "inactivity", "01.150"),
    ]


def test_a_changed_setting_holds_for_what_is_open() -> None:
    """Deadlines follow from the policy of now: a restart with another one moves them."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    changed = PartitionAggregator(0, msgspec.structs.replace(POLICY, inactivity_ms=300))
    changed.clock = feed.aggregator.clock
    changed.table.load(feed.aggregator.table.states())
    changed.apply(Batch([1], [1_299], [None], [TICK]), 0, WALL_MS, 10)
    assert changed.delta.reports == []
    changed.apply(Batch([2], [1_300], [None], [TICK]), 0, WALL_MS, 10)
    assert len(changed.delta.reports) == 1


# --------------------------------------------------------------------------------- clock


def test_a_timestamp_of_2100_is_bounded() -> None:
    """It moves the clock to the wall clock plus skew, so nothing expires for a century."""
    feed = Feed()
    feed.devices("a", "1", at=WALL_MS)
    feed.tick(4_102_444_800_000)
    assert feed.aggregator.clock.now_ms == WALL_MS + 50
    assert feed.closed == []
    feed.devices("b", "1", at=WALL_MS)
    assert known(feed.aggregator.table, "b").opened_ms == WALL_MS + 50


def test_an_old_timestamp_does_not_take_the_clock_back() -> None:
    """What comes with it happens at the clock."""
    feed = Feed()
    feed.tick(1_000)
    feed.devices("a", "1", at=300)
    feed.devices("a", "2", at=0)
    feed.devices("a", "2", at=-1)
    assert known(feed.aggregator.table, "a").opened_ms == 1_000
    feed.tick(1_100)
    assert feed.closed == [("a", "inactivity", "01.100")]


def test_records_without_timestamps_stand_at_the_epoch() -> None:
    """A topic without any timestamp still gets its reports, once it is idle."""
    feed = Feed()
    feed.devices("a", "1", at=-1)
    assert feed.aggregator.clock.now_ms == 0
    feed.aggregator.advance(WALL_MS + 99, 10)
    assert feed.closed == []
    feed.aggregator.advance(WALL_MS + 100, 10)
    assert feed.closed == [("a", "inactivity", "00.100")]


# ------------------------------------------------------------------------------ idleness


def test_an_idle_partition_goes_on_from_where_its_clock_stood() -> None:
    """At the speed of the wall clock, with the lag of the last record: no jump to now."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.aggregator.advance(WALL_MS + 99, 10)
    assert feed.closed == []
    assert not feed.aggregator.take().metrics
    feed.aggregator.advance(WALL_MS + 150, 10)
    assert feed.closed == [("a", "inactivity", "01.100")]
    assert feed.aggregator.clock.now_ms == 1_150


def test_the_lag_is_that_of_the_last_record() -> None:
    """A record that does not move the clock changes how far it lies behind."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.wall_ms = WALL_MS + 80
    feed.devices("a", "1", at=900)
    feed.aggregator.advance(WALL_MS + 179, 10)
    assert feed.closed == []
    feed.aggregator.advance(WALL_MS + 180, 10)
    assert len(feed.closed) == 1


def test_downtime_counts_as_idle_time() -> None:
    """A restored clock has its lag: at the end of the partition, time went on all along."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    clock = feed.aggregator.clock
    feed.aggregator.clock = PartitionClock(clock.now_ms, clock.lag_ms)
    feed.aggregator.advance(WALL_MS + 3_600_000, 10)
    assert feed.closed == [("a", "inactivity", "01.100")]


def test_windows_close_when_idle() -> None:
    """A metrics window does not hang on the next record either."""
    feed = Feed()
    feed.tick(9_990)
    feed.aggregator.take()
    feed.aggregator.advance(WALL_MS + 9, 10)
    assert feed.metrics == []
    assert not feed.delta.touched
    feed.aggregator.advance(WALL_MS + 10, 10)
    assert metrics_times(feed) == ["00.000"]
    assert feed.delta.touched


def test_time_alone_is_nothing_to_commit() -> None:
    """As long as nothing falls due."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.aggregator.take()
    feed.aggregator.advance(WALL_MS + 50, 10)
    assert not feed.delta.touched


def test_next_due_is_the_nearest_of_timers_and_window() -> None:
    """So that an idle partition with nothing due is left alone."""
    feed = Feed()
    assert feed.aggregator.next_due_ms() is None
    feed.tick(1_000)
    assert feed.aggregator.next_due_ms() == 10_000
    feed.devices("a", "1", at=1_000)
    assert feed.aggregator.next_due_ms() == 1_100
    feed.tick(9_700)
    assert feed.aggregator.next_due_ms() == 10_000


def test_an_untouched_window_is_never_due() -> None:
    """Only the timer counts where nothing was counted yet."""
    feed = Feed()
    feed.devices("a", "1", at=9_950)
    feed.aggregator.advance(WALL_MS + 60, 10)
    assert metrics_times(feed) == ["00.000"]
    assert not feed.aggregator.windows.is_touched()
    assert feed.aggregator.next_due_ms() == 10_050


# ------------------------------------------------------------------------------- windows


def test_windows_close_in_time_order_in_between_firing() -> None:
    """A report counts in the window of its closedAt, though a later record fired it."""
    feed = feed_with(window_ms=100)
    feed.devices("a", "1", at=1_010)
    feed.devices("b", "1", "2", at=1_060)
    feed.tick(1_350)
    assert metrics_times(feed) == ["01.000", "01.100"]
    first, second = feed.metrics
    assert first["records"]["callbacks"] == 2
    assert first["items"]["usage"] == 3
    assert first["reports"]["unconfirmed"] == 0
    assert second["records"]["callbacks"] == 0
    assert second["reports"]["unconfirmed"] == 2
    assert second["devices"]["reported"] == 3
    assert feed.aggregator.windows.open.acknowledgements == 1


def test_a_deadline_at_the_end_of_a_window_counts_in_the_next() -> None:
    """Windows do not hold their end."""
    feed = feed_with(window_ms=100)
    feed.devices("a", "1", at=1_000)
    feed.tick(1_250)
    assert metrics_times(feed) == ["01.000", "01.100"]
    assert feed.metrics[1]["reports"]["unconfirmed"] == 1


def test_a_record_counts_in_the_window_in_which_it_is_consumed() -> None:
    """At the clock, whatever its own timestamp says."""
    feed = feed_with(window_ms=100)
    feed.tick(1_000)
    feed.tick(1_150)
    feed.tick(1_020)
    feed.tick(1_200)
    assert [record["records"]["acknowledgements"] for record in feed.metrics] == [1, 2]


def test_empty_windows_emit_nothing() -> None:
    """Also not where a txid was forgotten in one."""
    feed = feed_with(window_ms=100, device_limit=1)
    feed.devices("a", "1", at=1_000)
    feed.tick(9_000)
    assert metrics_times(feed) == ["01.000"]


# -------------------------------------------------------------------------- most_reports


def interrupted(batch: Batch, most_reports: int, **changes: Any) -> list[list[bytes]]:
    """Reports by commit, where a commit takes place whenever the delta is full."""
    aggregator = feed_with(**changes).aggregator
    commits = []
    index = 0
    while True:
        index = aggregator.apply(batch, index, WALL_MS, most_reports)
        delta = aggregator.take()
        assert len(delta.reports) <= most_reports
        commits.append([value for _, value in delta.reports])
        if index == len(batch.offsets):
            return commits


def batch_of(*records: tuple[int, bytes]) -> Batch:
    """Records from (timestamp, value)."""
    times, values = zip(*records, strict=True)
    return Batch(range(len(records)), times, [None] * len(records), values)


CROWD = batch_of(
    *[(1_000 + number, callback(f"t{number}", usage("1"))) for number in range(7)],
    (1_050, callback("now", usage("1"), usage("2"), usage("3"))),
    (1_050, callback("too", usage("1"), usage("2"), usage("3"))),
    (5_000, callback("new", usage("1"), usage("2"), usage("3"))),
    (5_000, callback("t3", usage("2"))),
    (9_000, TICK),
)


@pytest.mark.parametrize("most_reports", range(1, 12))
def test_a_full_delta_interrupts_and_nothing_else_changes(most_reports: int) -> None:
    """Whatever a transaction may hold, the same reports come in the same order."""
    (whole,) = interrupted(CROWD, 1_000)
    commits = interrupted(CROWD, most_reports)
    assert len(whole) == 11
    assert [value for commit in commits for value in commit] == whole
    assert all(len(commit) == most_reports for commit in commits[:-1])


def test_no_record_is_applied_while_the_delta_is_full() -> None:
    """Not even one that would complete a txid: a transaction holds so many and no more."""
    aggregator = Feed().aggregator
    first = batch_of((10, callback("a", usage("1"), usage("2"), usage("3"))))
    assert aggregator.apply(first, 0, WALL_MS, 1) == 1
    second = Batch([1], [10], [None], [callback("b", usage("1"), usage("2"), usage("3"))])
    assert aggregator.apply(second, 0, WALL_MS, 1) == 0
    assert len(aggregator.delta.reports) == 1
    aggregator.take()
    assert aggregator.apply(second, 0, WALL_MS, 1) == 1
    assert len(aggregator.delta.reports) == 1


def test_what_fires_leaves_no_room_for_the_record_that_told_the_time() -> None:
    """The clock may have moved: the record is applied in the next transaction."""
    aggregator = Feed().aggregator
    batch = batch_of(
        (1_000, callback("a", usage("1"))),
        (1_200, callback("b", usage("1"), usage("2"), usage("3"))),
    )
    assert aggregator.apply(batch, 0, WALL_MS, 1) == 1
    assert aggregator.clock.now_ms == 1_200
    assert "b" not in aggregator.table
    aggregator.take()
    assert aggregator.apply(batch, 1, WALL_MS, 1) == 2
    assert len(aggregator.delta.reports) == 1


def test_an_idle_partition_obeys_the_limit_too() -> None:
    """What is left fires with the next advance."""
    feed = Feed()
    for number in range(5):
        feed.devices(f"t{number}", "1", at=1_000)
    counts = []
    for _ in range(4):
        feed.aggregator.advance(WALL_MS + 100, 2)
        counts.append(len(feed.aggregator.take().reports))
    assert counts == [2, 2, 1, 0]
