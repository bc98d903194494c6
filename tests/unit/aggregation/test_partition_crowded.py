"""A full share of the memory: who gives way, and that nothing is lost (DESIGN 2.3.2)."""

from __future__ import annotations

import pytest

from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED
from consumer.aggregation.partition import PartitionAggregator
from consumer.aggregation.policy import Policy
from consumer.aggregation.txid import MARKED_BYTES
from consumer.wire import report
from consumer.wire.canonical import DIGEST_BYTES
from tests.unit.aggregation.feed import (
    DEAD_LETTER,
    POLICY,
    WALL_MS,
    Batch,
    Feed,
    callback,
    changed,
    known,
    usage,
)
from tests.unit.aggregation.test_partition import totals


def phases(feed: Feed) -> dict[str, str]:
    """All that is known."""
    return {state.txid: state.phase for state in feed.aggregator.table.states()}


def shrink(feed: Feed, by: int) -> None:
    """Leave the partition so much less memory than it uses."""
    feed.aggregator.share_bytes = feed.aggregator.table.memory_bytes - by


def crowded(policy: Policy = POLICY) -> Feed:
    """Two txids remembered, two open, the first of each with large items."""
    feed = Feed(policy, inactivity_ms=1_000, max_age_ms=10_000, remember_ms=10_000)
    feed.send(callback("done1", *(usage(imei, note="x" * 500) for imei in "123")), 1_000)
    feed.send(callback("done2", *(usage(imei) for imei in "123")), 1_010)
    feed.send(callback("open1", usage("1", note="x" * 500)), 1_020)
    feed.send(callback("open2", usage("1")), 1_030)
    feed.aggregator.take()
    return feed


def test_bodies_give_way_first_the_longest_emitted_first() -> None:
    """A mark stays, so that what comes again is still told from what comes late."""
    feed = crowded()
    shrink(feed, 1)
    feed.tick(1_040)
    assert phases(feed) == {
        "done1": MARKED,
        "done2": REMEMBERED,
        "open1": OPEN,
        "open2": OPEN,
    }
    assert feed.reports == []
    assert changed(feed.delta) == ["done1"]
    assert feed.delta.tallies.forgotten_early == 0
    feed.send(callback("done1", usage("1", note="x" * 500)), 1_050)
    feed.devices("done1", "4", at=1_050)
    assert feed.reasons == [(6, "late")]
    assert totals(feed)["duplicates"] == 1


def test_then_marks_are_forgotten_early() -> None:
    """Which is counted: a part that comes now opens a new report."""
    feed = crowded()
    shrink(feed, known(feed.aggregator.table, "done1").memory + 1)
    feed.tick(1_040)
    assert phases(feed) == {"done2": MARKED, "open1": OPEN, "open2": OPEN}
    assert feed.delta.tallies.forgotten_early == 1
    assert [state.txid for state in feed.delta.forgotten] == ["done1"]
    assert feed.reports == []


def test_then_the_earliest_opened_is_emitted() -> None:
    """As it is, at the clock; and its memory gives way in turn."""
    feed = crowded()
    mark_bytes = MARKED_BYTES + len("open1") + DIGEST_BYTES
    feed.aggregator.share_bytes = known(feed.aggregator.table, "open2").memory + mark_bytes
    feed.tick(1_040)
    assert feed.closed == [("open1", "capacity", "01.030")]
    assert feed.reports[0].summary.outcome == "unconfirmed"
    assert phases(feed) == {"open1": MARKED, "open2": OPEN}
    assert feed.delta.tallies.forgotten_early == 2
    assert feed.delta.tallies.reports == {("unconfirmed", "capacity"): 1}


def test_with_dead_letters_there_are_no_bodies() -> None:
    """Marks come first then."""
    feed = crowded(DEAD_LETTER)
    shrink(feed, 1)
    feed.tick(1_040)
    assert phases(feed) == {"done2": MARKED, "open1": OPEN, "open2": OPEN}


def test_a_reopened_txid_is_the_earliest_opened() -> None:
    """It counts from its first record, as its report does."""
    feed = crowded()
    feed.devices("done1", "7", at=1_040)
    shrink(feed, known(feed.aggregator.table, "done2").memory + 1)
    feed.tick(1_050)
    assert feed.closed == [("done1", "capacity", "01.040")]
    assert feed.reports[0].summary.revision == 1


def test_missing_devices_make_it_partial() -> None:
    """As for inactivity."""
    feed = Feed()
    feed.expect("a", "1", at=1_000)
    feed.aggregator.share_bytes = 0
    feed.tick(1_010)
    assert feed.closed == [("a", "capacity", "01.000")]
    assert feed.reports[0].summary.outcome == "partial"
    assert phases(feed) == {}


def test_a_record_makes_its_own_room() -> None:
    """Right after it was applied, not at the end of a batch."""
    feed = Feed(device_limit=0)
    feed.aggregator.share_bytes = 1_800
    for number in range(50):
        feed.devices(f"t{number}", "1", at=1_000)
        assert feed.aggregator.table.memory_bytes <= 1_800
    assert len(feed.reports) == 48
    assert phases(feed) == {"t48": OPEN, "t49": OPEN}


def test_nothing_is_lost() -> None:
    """Every item is in a report or still open, however small the share is."""
    feed = Feed(device_limit=0)
    feed.aggregator.share_bytes = 3_000
    for number in range(300):
        feed.devices(f"t{number % 40}", str(number), at=1_000 + number)
    feed.aggregator.share_bytes = 0
    feed.tick(1_300)
    reported = sorted(bytes(raw) for found in feed.reports for raw in found.usage)
    assert len(reported) == len(set(reported)) == 300
    assert feed.aggregator.table.memory_bytes == 0


def test_a_txid_larger_than_the_share_is_emitted_too() -> None:
    """Nothing else is left to give way."""
    feed = Feed()
    feed.aggregator.share_bytes = 1_000
    feed.send(callback("a", usage("1", note="x" * 5_000)), 1_000)
    assert feed.closed == [("a", "capacity", "01.000")]
    assert phases(feed) == {"a": MARKED}


def batches(sizes: int, most_reports: int) -> list[bytes]:
    """Reports of one crowded input, in batches of that size and commits of so many reports."""
    records = [(1_000 + number, callback(f"t{number}", usage("1"))) for number in range(40)]
    records += [(1_050, callback(f"t{number}", usage("2"))) for number in range(0, 40, 3)]
    aggregator = PartitionAggregator(0, POLICY)
    aggregator.share_bytes = 8_000
    values: list[bytes] = []
    for start in range(0, len(records), sizes):
        part = records[start : start + sizes]
        batch = Batch(
            range(start, start + len(part)),
            [at for at, _ in part],
            [None] * len(part),
            [value for _, value in part],
        )
        index = 0
        while index < len(part):
            index = aggregator.apply(batch, index, WALL_MS, most_reports)
            delta = aggregator.take()
            assert len(delta.reports) <= most_reports
            values += [value for _, value in delta.reports]
    while delta.reports:  # more room may have to be made
        aggregator.apply(Batch([], [], [], []), 0, WALL_MS, most_reports)
        delta = aggregator.take()
        values += [value for _, value in delta.reports]
    return values


@pytest.mark.parametrize("most_reports", [1, 2, 5, 1_000])
@pytest.mark.parametrize("sizes", [1, 7, 1_000])
def test_batches_and_commits_do_not_show(sizes: int, most_reports: int) -> None:
    """Room is made by the same txids, in the same order, at the same time."""
    whole = batches(1_000, 1_000)
    assert len(whole) > 30
    assert batches(sizes, most_reports) == whole


def test_a_smaller_share_holds_from_the_next_record_on() -> None:
    """Or from when time goes on without one: a rebalance may have brought more partitions."""
    feed = crowded()
    feed.aggregator.share_bytes = 2_500
    feed.tick(1_040)
    assert feed.aggregator.table.memory_bytes <= 2_500

    feed = crowded()
    feed.aggregator.share_bytes = 2_500
    feed.aggregator.advance(WALL_MS + 1, 10)
    assert feed.aggregator.table.memory_bytes <= 2_500
    assert feed.delta.touched


def test_room_that_was_left_to_be_made_belongs_to_the_time_of_the_record() -> None:
    """An idle clock goes on when the transaction has room for it, and not over it."""
    aggregator = PartitionAggregator(0, POLICY)
    aggregator.share_bytes = 2_500
    values = [callback(f"t{number}", *map(usage, "12")) for number in range(4)]
    batch = Batch(range(4), [1_000] * 4, [None] * 4, values)
    assert aggregator.apply(batch, 0, WALL_MS, 2) == 4
    assert len(aggregator.take().reports) == 2
    aggregator.share_bytes = 1_500
    aggregator.advance(WALL_MS + 5_000, 1)
    first = aggregator.take()
    aggregator.advance(WALL_MS + 5_000, 10)
    rest = aggregator.take()
    closings = [
        (found.txid, found.summary.completed_by, found.summary.closed_at[-7:-1])
        for delta in (first, rest)
        for found in map(report.decode, (value for _, value in delta.reports))
    ]
    assert closings == [("t2", "capacity", "01.000"), ("t3", "inactivity", "01.100")]


def test_the_limit_of_a_transaction_holds_for_crowded_ones_too() -> None:
    """The partition waits for the next one, and takes no record meanwhile."""
    aggregator = PartitionAggregator(0, POLICY)
    values = [callback(f"t{number}", usage("1")) for number in range(6)]
    batch = Batch(range(6), [1_000] * 6, [None] * 6, values)
    assert aggregator.apply(batch, 0, WALL_MS, 10) == 6
    aggregator.share_bytes = 0
    after = Batch([6], [1_010], [None], [callback("last", usage("1"))])
    commits = []
    while aggregator.apply(after, 0, WALL_MS, 2) == 0:
        commits.append(len(aggregator.take().reports))
    assert commits == [2, 2, 2]
    assert len(aggregator.take().reports) == 1


def test_parts_make_their_own_room_in_the_middle_of_a_batch() -> None:
    """Txids that only grow give way when the share is full, not when the batch is over."""
    values = [callback(f"t{n % 5}", usage(f"{n:020}", text="x" * 100)) for n in range(100)]

    def closed(batch: int) -> list[tuple[str, int]]:
        feed = Feed(device_limit=0)
        feed.aggregator.share_bytes = 5_000
        for start in range(0, len(values), batch):
            part = values[start : start + batch]
            offsets = range(start, start + len(part))
            times = [1_000 + offset // 10 for offset in offsets]
            records = Batch(offsets, times, [None] * len(part), part)
            assert feed.aggregator.apply(records, 0, WALL_MS, 1_000_000) == len(part)
        return [(found.txid, found.summary.source.last_offset) for found in feed.reports]

    assert len(closed(1)) > 5
    assert closed(100) == closed(3) == closed(1)
