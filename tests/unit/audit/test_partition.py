"""A partition's history, cut, tampered with, or with parts of it gone."""

from __future__ import annotations

import pytest

from consumer.audit.letters import Record
from consumer.audit.terms import Cover
from consumer.wire import dead_letter
from tests.unit.aggregation.feed import Batch, Feed, callback, usage
from tests.unit.audit.history import History, Input, Writer, busy, lines


@pytest.fixture
def history() -> History:
    """Eight windows."""
    return busy()


def test_without_the_state_log_the_end_is_not_proven(history: History) -> None:
    """And that is said."""
    blind = history.changed(clock_ms=None, window=None)
    verdict = blind.verdict()

    assert verdict.differences == []
    assert verdict.unchecked == [
        "1 partitions: the state log does not tell what their last window holds"
    ]
    assert lines(blind.without("metrics", 3).problems(), "20 records from here on")


def test_reports_of_the_open_window_are_compared_where_nothing_was_written_meanwhile() -> None:
    """Else there may be more of them than the state log knew of."""
    writer = Writer(window_ms=100, device_limit=1)
    writer.devices("a", "1", at=1_000)
    writer.devices("b", "1", at=1_001)
    history = writer.history()
    lacking = history.without("reports", 1)

    assert lines(lacking.problems(), "complete is 2, the reports make it 1")
    verdict = lacking.changed(still=False).verdict()
    assert verdict.unchecked == ["1 open windows' reports: the daemon went on meanwhile"]
    assert not lines([one.problem for one in verdict.differences], "complete is")


def test_what_waits_for_the_next_transaction_is_not_overdue() -> None:
    """The clock has moved to where all is due, but a transaction takes only so many reports."""
    feed = Feed(window_ms=100)
    for number in range(10):
        feed.devices(f"t{number}", "1", at=1_000)
    values = [callback(f"t{number}", usage("1")) for number in range(10)]
    assert feed.aggregator.apply(Batch([10], [1_500], [None], [b"x"]), 0, feed.wall_ms, 3) == 0
    history = History.of(
        feed.aggregator.policy,
        [Input(offset, 1_000, None, value) for offset, value in enumerate(values)],
        reports=feed.delta.reports,
        metrics=feed.aggregator.windows.closed,
        dead_letters=[],
        clock_ms=feed.aggregator.clock.now_ms,
        window=feed.aggregator.windows.open,
    )
    (result,) = history.verdict().partitions.values()

    assert history.problems() == []
    assert (history.clock_ms, len(history.reports), result.open.txids) == (1_500, 3, 7)


def test_no_report_is_ahead_of_what_was_consumed(history: History) -> None:
    """Unless the daemon has gone on meanwhile."""
    ahead = history.rewritten("reports", -1, b'"lastOffset":159', b'"lastOffset":161')

    assert lines(ahead.problems(), "txid 't79'", "nothing beyond offset 160 was consumed")
    assert not lines(ahead.changed(still=False).problems(), "beyond")


def test_a_range_is_cut_out(history: History) -> None:
    """Windows that lie within it are proven; of the rest nothing is said."""
    span = {"begin": 40, "end": 101, "from_start": False, "to_end": False}
    part = history.changed(since_ms=1_200, until_ms=1_500, span=span, cover=late(1_150))
    verdict = part.verdict()

    assert verdict.differences == []
    (result,) = verdict.partitions.values()
    assert (result.records, result.windows, result.whole) == (61, 3, False)
    assert result.counted["reports"] == 30

    assert lines(part.without("metrics", 3).problems(), "01.300Z/0", "no metrics record")
    assert lines(part.without("metrics", 3).problems(), "callbacks[0]@60: 20 records")
    assert lines(part.without("metrics", 6).problems(), "callbacks[0]@100: 20 records")
    assert lines(part.without("reports", 34).problems(), "txid 't34'")
    assert not lines(part.without("reports", 64).problems(), "txid")


def test_a_window_ends_where_the_setting_says(history: History) -> None:
    """Or the setting was another one, and that is said."""
    wrong = history.rewritten("metrics", 3, b'01.400Z"}', b'01.390Z"}')
    verdict = history.rewritten("metrics", 0, b'01.100Z"}', b'01.099Z"}').verdict()

    assert lines(wrong.problems(), "window 1970-01-01T00:00:01.300Z/0: it ends at")
    assert verdict.differences == []
    why = "they do not fit metrics.window, which may have been another one then"
    assert verdict.unchecked == [f"1 windows' bounds: {why}"]


EARLY = [
    Input(0, 900, None, callback("old", usage("1"))),
    Input(1, 901, None, b"garbage"),
    Input(3, 902, None, callback("t0", usage("1"))),
]
"""What lay there before the daemon first began, with `app.start_at = "latest"`."""


@pytest.fixture
def late_start() -> History:
    """Eight windows, of which these records are not part."""
    history = busy(first=5)
    return history.changed(inputs=EARLY + history.inputs, starts_late=True)


def test_what_lay_there_before_the_daemon_began_is_not_missed(late_start: History) -> None:
    """Windows tell how many records were consumed; everything else is proven."""
    verdict = late_start.verdict()
    (result,) = verdict.partitions.values()

    assert verdict.differences == []
    note = "3 records: the daemon began after them, as app.start_at=latest has it"
    assert verdict.unchecked == [note]
    assert (result.begin, result.records, result.windows, result.whole) == (5, 161, 8, True)
    part = {"end": 100, "to_end": False}
    assert late_start.changed(span=part, until_ms=1_400).problems() == []
    for topic, place in (("reports", 0), ("reports", 79), ("metrics", 0), ("metrics", 7)):
        assert late_start.without(topic, place).problems() != []


def test_a_late_beginning_is_believed_only_where_nothing_speaks_against_it(
    late_start: History,
) -> None:
    """Not without the setting, and not where an earlier record came out again."""
    gap = "callbacks[0]@0: 3 records from here on are in no window"
    early = late_start.rewritten("reports", 0, b'"firstOffset":5', b'"firstOffset":3')
    headers = dead_letter.headers((), "callbacks", 0, 1, dead_letter.Reason.SCHEMA, "x")
    letter = Record("letters", 0, 0, 0, None, b"garbage", headers)
    problems = late_start.changed(dead_letters=[letter]).problems()

    assert lines(late_start.changed(starts_late=False).problems(), gap, "first began after them")
    assert lines(early.problems(), "txid 't0'", "nothing before offset 5 was consumed")
    assert lines(problems, gap)


def late(written_ms: float) -> Cover:
    """Outputs that are read from the first that was written then (they count up from 0)."""
    return Cover(reports_since_ms=written_ms - 1_145, metrics_since_ms=1)


def test_reports_that_are_gone_are_not_held_against_anybody(history: History) -> None:
    """Retention took the first ones; windows from then on are compared."""
    gone = history.changed(
        reports=history.reports[15:], cover=Cover(reports_since_ms=15), report_begin=15
    )
    verdict = gone.verdict()

    assert verdict.differences == []
    assert "2 windows' reports: some may be older than what is read of them" in verdict.unchecked
    assert lines(gone.without("reports", 40).problems(), "txid 't55'")


def test_a_compacted_topic_proves_its_last_revisions_only() -> None:
    """Nothing else is there any more."""
    writer = Writer(window_ms=100, device_limit=1)
    for imei in "123":
        writer.devices("t", imei, at=1_000 + 200 * int(imei))
    writer.tick(at=3_000)
    history = writer.history()
    left = history.changed(reports=history.reports[-1:], cover=Cover(reports_compacted=True))
    verdict = left.verdict()

    assert len(history.reports) == 3
    assert verdict.differences == []
    assert lines(verdict.unchecked, "windows' reports: the topic is compacted")
    assert lines(left.changed(reports=[]).problems(), "txid 't'", "no report holds")


@pytest.mark.parametrize("again_at", [1_250, 5_000])
def test_compaction_tears_split_reports_that_a_later_one_replaces(again_at: int) -> None:
    """Of which there are fewer parts, be it a revision or a report of its own."""
    writer = Writer(window_ms=100, device_limit=0, report_bytes=6_596)
    imeis = [digit * 256 for digit in "abcdefghijkl"]
    writer.expect("t", "x", at=1_000)
    writer.devices("t", *imeis, at=1_000)
    writer.tick(at=1_150)
    writer.expect("t", *imeis, at=again_at)
    writer.tick(at=9_000)
    history = writer.history().changed(cover=Cover(reports_compacted=True))
    last = {record.key: record for record in history.reports}
    left = history.changed(reports=list(last.values()))
    verdict = left.verdict()

    assert 1 < len(last) < len(history.reports)
    assert verdict.differences == []
    assert "1 split reports: the topic is compacted, and a later one there" in verdict.unchecked
    assert lines(left.without("reports", 0).problems(), "txid 't'", "are missing")


def test_an_empty_partition_is_in_order() -> None:
    """Nothing was consumed, nothing came out, and nothing is said of its state."""
    history = History(busy().policy, [])
    verdict = history.verdict()

    assert (verdict.differences, verdict.unchecked, verdict.records) == ([], [], 0)
