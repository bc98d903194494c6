"""After the report, where `late.policy` is `dead-letter`: only a mark stays of a txid."""

from __future__ import annotations

import random

from consumer.wire import report
from tests.unit.aggregation.feed import DEAD_LETTER, Feed, callback, error, known, usage
from tests.unit.aggregation.test_partition import totals


def emitted(feed: Feed, txid: str, at: int) -> None:
    """Complete `txid` with devices 1 and 2 in `usage`, and 3 in `errors`."""
    feed.send(callback(txid, usage("1"), usage("2"), error("3")), at)
    assert feed.reports[-1].txid == txid


def test_a_duplicate_after_the_report_changes_nothing() -> None:
    """It is counted as what it is, and no dead letter."""
    feed = Feed(DEAD_LETTER)
    emitted(feed, "a", 1_000)
    feed.aggregator.take()
    feed.send(callback("a", usage("2"), error("3")), 1_010)
    feed.send(callback("a"), 1_020)
    feed.send(b'{"txid":"a","errors":[{"imei":"3", "errorResponse":{"errorCode":"E1"}}]}', 1_030)
    assert totals(feed) == {"callbacks": 3, "duplicates": 3}
    assert feed.reasons == []
    assert not feed.delta.changed
    feed.tick(5_000)
    assert feed.reports == []


def test_a_late_part_becomes_a_dead_letter() -> None:
    """Its new items count as late, the others as duplicates; the report stays as it was."""
    feed = Feed(DEAD_LETTER)
    emitted(feed, "a", 1_000)
    feed.aggregator.take()
    feed.send(callback("a", usage("1"), usage("4"), error("3"), error("4")), 1_010)
    assert totals(feed) == {"dead_letters": 1, "duplicates": 2, "late": 2}
    assert feed.reasons == [(1, "late")]
    assert "2 of the items" in feed.delta.dead_letters[0].message
    window = feed.aggregator.windows.open
    assert (window.callbacks, window.dead_letters, window.late, window.duplicates) == (1, 1, 2, 2)
    feed.tick(1_499)
    assert feed.reports == []


def test_late_parts_stay_late() -> None:
    """A marker learns nothing from what it refused."""
    feed = Feed(DEAD_LETTER)
    emitted(feed, "a", 1_000)
    feed.devices("a", "9", at=1_010)
    feed.devices("a", "9", at=1_020)
    assert feed.reasons == [(1, "late"), (2, "late")]


def test_an_item_of_the_other_array_is_late() -> None:
    """`usage` and `errors` are told apart after the report, too."""
    feed = Feed(DEAD_LETTER)
    feed.send(callback("a", {"imei": "1"}, usage("2"), usage("3")), 1_000)
    feed.send(b'{"txid":"a","errors":[{"imei":"1"}]}', 1_010)
    assert feed.reasons == [(1, "late")]


def test_neither_duplicates_nor_late_parts_prolong_the_memory() -> None:
    """It ends `late.remember` after the emission."""
    feed = Feed(DEAD_LETTER)
    emitted(feed, "a", 1_000)
    feed.devices("a", "1", at=1_400)
    feed.devices("a", "9", at=1_450)
    feed.tick(1_499)
    assert "a" in feed.aggregator.table
    feed.tick(1_500)
    assert "a" not in feed.aggregator.table


def test_memory_counts_from_closed_at() -> None:
    """What closed by time is remembered from its deadline on, not from when it was found."""
    feed = Feed(DEAD_LETTER)
    feed.devices("a", "1", at=1_000)
    feed.tick(1_599)
    assert "a" in feed.aggregator.table
    feed.tick(1_600)
    assert "a" not in feed.aggregator.table


def test_a_forgotten_txid_is_born_again() -> None:
    """One more part, even one that was there before, opens a new report, revision 0."""
    feed = Feed(DEAD_LETTER)
    emitted(feed, "a", 1_000)
    feed.devices("a", "1", at=1_500)
    assert feed.reasons == []
    feed.tick(1_600)
    first, second = feed.reports
    assert (first.summary.revision, second.summary.revision) == (0, 0)
    assert second.summary.opened_at.endswith("01.500Z")
    assert second.summary.source.first_offset == 1
    assert len(second.usage) == 1
    assert second.errors == []


def test_a_jump_closes_and_forgets_at_once() -> None:
    """Expiry and forgetting are two deadlines, each at its time."""
    feed = Feed(DEAD_LETTER)
    feed.devices("a", "1", at=1_000)
    feed.devices("a", "2", at=9_000)
    assert feed.closed == [("a", "inactivity", "01.100")]
    assert feed.reasons == []
    assert known(feed.aggregator.table, "a").opened_ms == 9_000


def test_an_expired_report_has_a_marker_like_a_completed_one() -> None:
    """Duplicates change nothing, a new part is late."""
    feed = Feed(DEAD_LETTER)
    feed.devices("a", "1", at=1_000)
    feed.devices("a", "1", at=1_100)
    feed.devices("a", "2", at=1_150)
    assert feed.closed == [("a", "inactivity", "01.100")]
    assert feed.reasons == [(2, "late")]


def test_conservation() -> None:
    """No record and no item is lost or counted twice, over a long random life.

    Records are the sum of their kinds; merged items are those in reports and those still
    open; windows add up to the tallies.
    """
    rng = random.Random(3)  # noqa: S311 - the same life every time
    feed = Feed(DEAD_LETTER, window_ms=170, remember_ms=60)
    now_ms = 0
    for _ in range(5_000):
        now_ms += rng.choice((0, 0, 0, 1, 5, 30, 400)) - rng.choice((0, 0, 3))
        txid = f"t{rng.randrange(6)}"
        items = [
            rng.choice((usage, error))(rng.choice("12345") + "0" * rng.randrange(2))
            for _ in range(rng.randrange(3))
        ]
        feed.send(rng.choice((None, b"{}", *[callback(txid, *items)] * 8)), now_ms)
    feed.tick(now_ms + 170)
    tallies = feed.delta.tallies
    assert tallies.records == feed.offset
    assert min(tallies.late, tallies.duplicates, tallies.dead_letters) > 100
    reported = [report.decode(value) for _, value in feed.delta.reports]
    still_open = feed.aggregator.table.states()
    in_reports = sum(len(found.usage) + len(found.errors) for found in reported)
    in_table = sum(len(state.usage) + len(state.errors or ()) for state in still_open)
    assert tallies.usage + tallies.errors == in_reports + in_table
    windows = feed.metrics
    open_window = feed.aggregator.windows.open
    for name in ("usage", "errors", "duplicates", "late"):
        closed = sum(record["items"][name] for record in windows)
        assert closed + getattr(open_window, name) == getattr(tallies, name)
    emitted_in_windows = sum(sum(record["reports"].values()) for record in windows)
    assert emitted_in_windows + open_window.complete + open_window.unconfirmed == len(reported)
    sessions = sum(found.summary.number_of_sessions for found in reported)
    assert sum(record["numberOfSessions"] for record in windows) + open_window.sessions == sessions
