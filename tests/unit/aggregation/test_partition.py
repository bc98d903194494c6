"""What a record does: kinds, unique items, the device limit."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from consumer.aggregation.delta import Delta
from consumer.aggregation.policy import Policy
from tests.unit.aggregation.feed import (
    POLICY,
    WALL_MS,
    Batch,
    Feed,
    callback,
    changed,
    encode,
    error,
    known,
    usage,
)


def policy(**changes: Any) -> Policy:
    """The usual one, but for `changes`."""
    return msgspec.structs.replace(POLICY, **changes)


def totals(feed: Feed) -> dict[str, int]:
    """Records and items counted, from the tallies, which are what counters will show."""
    tallies = feed.delta.tallies
    names = ("callbacks", "expectations", "acknowledgements", "dead_letters")
    items = ("usage", "errors", "duplicates", "late")
    return {name: count for name in (*names, *items) if (count := getattr(tallies, name))}


# ------------------------------------------------------------------------------- records


def test_every_record_counts_in_exactly_one_kind() -> None:
    """In the tallies and in the window; dead letters also by reason."""
    feed = Feed()
    values: list[bytes | None] = [
        callback("a", usage("1")),
        callback("a"),
        encode({"txid": "a", "imei": ["1"]}),
        encode({"txid": "a", "status": "QUEUED"}),
        None,
        b"\x00framed",
        b"{",
        encode({"usage": []}),
    ]
    for value in values:
        feed.send(value, 10)
    assert totals(feed) == {
        "callbacks": 2,
        "expectations": 1,
        "acknowledgements": 1,
        "dead_letters": 4,
        "usage": 1,
    }
    assert feed.delta.tallies.records == len(values)
    assert feed.delta.tallies.reasons == {
        "empty_value": 1,
        "framed_value": 1,
        "malformed_json": 1,
        "missing_txid": 1,
    }
    window = feed.aggregator.windows.open
    assert (window.callbacks, window.expectations, window.acknowledgements) == (2, 1, 1)
    assert window.dead_letters == 4


def test_a_dead_letter_names_its_record() -> None:
    """By offset, with the reason and a line about it, in the order of the records."""
    feed = Feed()
    feed.devices("a", "1", at=10)
    feed.send(None, 10)
    feed.send(b"[]", 10)
    assert feed.reasons == [(1, "empty_value"), (2, "schema")]
    assert all(found.message for found in feed.delta.dead_letters)


def test_items_of_a_dead_letter_are_not_counted() -> None:
    """One bad item makes the whole record a dead letter; the good ones leave no trace."""
    feed = Feed()
    feed.send(callback("a", usage("1"), usage("2", -1)), 10)
    assert totals(feed) == {"dead_letters": 1}
    assert len(feed.aggregator.table) == 0


def test_a_record_of_any_kind_moves_the_clock() -> None:
    """A dead letter and an acknowledgement tell the time like a callback."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.send(b"?", 1_100)
    assert feed.closed == [("a", "inactivity", "01.100")]


@pytest.mark.parametrize(
    ("value", "key", "count"),
    [
        (callback("ä", usage("1")), "ä".encode(), 0),
        (callback("ä", usage("1")), b"b", 1),
        (callback("ä", usage("1")), None, 1),
        (encode({"txid": "a", "status": "QUEUED"}), b"x", 1),
        (encode({"txid": "a", "imei": []}), b"a", 0),
        (b"{}", b"x", 0),
    ],
)
def test_a_key_that_is_not_the_txid_is_counted(value: bytes, key: bytes | None, count: int) -> None:
    """The record is accepted all the same; one without a txid cannot mismatch."""
    feed = Feed()
    feed.send(value, 10, key)
    assert feed.delta.tallies.key_mismatches == count
    assert not [reason for _, reason in feed.reasons if reason != "missing_txid"]


def test_acknowledgements_open_nothing() -> None:
    """They are counted, nothing else."""
    feed = Feed()
    feed.send(encode({"txid": "a", "status": "COMPLETED"}), 10)
    assert len(feed.aggregator.table) == 0
    feed.devices("b", "1", at=20)
    feed.aggregator.take()
    feed.send(encode({"txid": "b", "status": "QUEUED"}), 30)
    assert not feed.delta.changed
    feed.tick(119)
    assert feed.reports == []
    feed.tick(120)
    assert [report.summary.callbacks for report in feed.reports] == [1]


def test_a_bare_txid_only_opens_it() -> None:
    """Its report comes by time, empty; a second one is no part."""
    feed = Feed()
    feed.send(callback("a"), 1_000)
    feed.send(callback("a"), 1_099)
    feed.tick(1_100)
    (report,) = feed.reports
    assert feed.closed == [("a", "inactivity", "01.100")]
    assert (report.usage, report.errors, report.summary.callbacks) == ([], [], 2)
    assert report.summary.opened_at.endswith("01.000Z")


def test_callbacks_with_empty_arrays_open_a_txid() -> None:
    """An array, even an empty one, makes a callback."""
    feed = Feed()
    feed.send(encode({"txid": "a", "usage": [], "errors": []}), 10)
    assert feed.aggregator.table.open_count == 1


def test_the_source_covers_the_records_of_the_txid() -> None:
    """Duplicates too, but not what came between."""
    feed = Feed(policy(device_limit=2), partition=4)
    feed.tick(1)
    feed.devices("a", "1", at=2)
    feed.devices("b", "1", at=3)
    feed.devices("a", "1", at=4)
    feed.devices("a", "2", at=5)
    summary = feed.reports[0].summary
    assert (summary.source.first_offset, summary.source.last_offset) == (1, 4)
    assert (summary.source.topic, summary.source.partition) == ("callbacks", 4)
    assert (summary.callbacks, summary.duplicates) == (3, 1)


# --------------------------------------------------------------------------------- items


def test_duplicates_are_counted_not_added() -> None:
    """Within one record and across records, in another spelling too: the first one stays."""
    feed = Feed()
    respelled = b'{"txid":"a","usage":[{"bytesTransferred":10, "numberOfSessions":1,"imei":"1"}]}'
    feed.send(callback("a", usage("1"), usage("1"), error("2"), error("2")), 10)
    feed.send(respelled, 11)
    feed.send(callback("a", error("2")), 12)
    assert totals(feed) == {"callbacks": 3, "usage": 1, "errors": 1, "duplicates": 4}
    feed.tick(200)
    (report,) = feed.reports
    assert list(map(bytes, report.usage)) == [encode(usage("1"))]
    assert list(map(bytes, report.errors)) == [encode(error("2"))]
    assert report.summary.duplicates == 4
    assert report.summary.number_of_sessions == 1


def test_two_different_items_of_one_device_both_stay() -> None:
    """Usage is per day: both count in the totals, the device once."""
    feed = Feed()
    feed.send(callback("a", usage("1", 1)), 10)
    feed.send(callback("a", usage("1", 2), error("1")), 10)
    feed.tick(200)
    (report,) = feed.reports
    assert len(report.usage) == 2
    assert report.summary.number_of_sessions == 3
    assert report.summary.bytes_transferred == 30
    assert report.summary.devices.reported == 1
    assert report.summary.devices.repeated == ["1"]
    assert report.summary.devices.conflicting == ["1"]


def test_any_order_and_repetition_gives_the_same_items_and_totals() -> None:
    """Merging is commutative and idempotent."""
    records = [
        callback("a", usage("1", 1), usage("1", 2)),
        callback("a", usage("1", 2), error("2")),
        callback("a", error("2", "E2"), usage(None, 7)),
    ]
    found = set()
    for order in itertools.permutations([*records, records[0]]):
        feed = Feed()
        for value in order:
            feed.send(value, 10)
        feed.tick(200)
        (report,) = feed.reports
        summary = report.summary
        found.add(
            (
                frozenset(map(bytes, report.usage)),
                frozenset(map(bytes, report.errors)),
                (summary.number_of_sessions, summary.bytes_transferred),
                frozenset(summary.error_codes.items()),
                (summary.devices.reported, summary.devices.failed),
                (len(report.usage), len(report.errors)),
            )
        )
    assert len(found) == 1


# -------------------------------------------------------------------------- device limit


def test_the_device_that_reaches_the_limit_completes_the_txid() -> None:
    """At once, at the clock, and proven."""
    feed = Feed()
    feed.devices("a", "1", "2", at=1_000)
    assert feed.reports == []
    feed.devices("a", "3", at=1_050)
    assert feed.closed == [("a", "device_limit", "01.050")]
    assert feed.reports[0].summary.outcome == "complete"


def test_the_default_limit_is_ten() -> None:
    """As many devices as one request may name."""
    feed = Feed(Policy(app="app", topic="callbacks"))
    for number in range(9):
        feed.devices("a", str(number), at=1_000)
    assert feed.reports == []
    feed.devices("a", "9", at=1_000)
    assert len(feed.reports) == 1


def test_devices_are_counted_over_usage_and_errors() -> None:
    """A device that answered both ways is one."""
    feed = Feed()
    feed.send(callback("a", usage("1"), error("1"), error("2")), 10)
    assert feed.reports == []
    feed.send(callback("a", error("3")), 10)
    assert [rule for _, rule, _ in feed.closed] == ["device_limit"]


def test_more_devices_than_the_limit_void_it() -> None:
    """A whole record is looked at: past the limit, the request was larger than assumed."""
    feed = Feed()
    feed.devices("a", "1", "2", at=1_000)
    feed.devices("a", "3", "4", at=1_000)
    feed.devices("a", "5", at=1_000)
    assert feed.reports == []
    assert known(feed.aggregator.table, "a").unlimited
    feed.tick(1_100)
    assert feed.closed == [("a", "inactivity", "01.100")]
    assert feed.reports[0].summary.outcome == "unconfirmed"
    assert feed.reports[0].summary.devices.reported == 5


def test_the_eleventh_device_voids_the_default_limit() -> None:
    """Nine, then two in one record: never exactly ten."""
    feed = Feed(Policy(app="app", topic="callbacks"))
    feed.devices("a", *map(str, range(9)), at=1_000)
    feed.devices("a", "9", "10", at=1_000)
    assert feed.reports == []


def test_the_limit_may_be_off() -> None:
    """With 0 only time closes a report."""
    feed = Feed(policy(device_limit=0))
    feed.send(callback("a"), 1_000)
    feed.devices("a", *map(str, range(10)), at=1_000)
    assert feed.reports == []
    feed.tick(1_100)
    assert [rule for _, rule, _ in feed.closed] == ["inactivity"]


def test_items_without_imei_do_not_count_as_devices() -> None:
    """Only in the totals."""
    feed = Feed()
    feed.send(callback("a", usage(None, 1), usage(None, 2), usage("1"), usage("2")), 1_000)
    feed.send(callback("a", error()), 1_000)
    assert feed.reports == []
    feed.devices("a", "3", at=1_000)
    assert [rule for _, rule, _ in feed.closed] == ["device_limit"]
    assert feed.reports[0].summary.number_of_sessions == 6
    assert feed.reports[0].summary.devices.reported == 3


def test_duplicates_do_not_complete() -> None:
    """The limit fires on the part that reaches it."""
    feed = Feed(policy(device_limit=2))
    feed.devices("a", "1", at=10)
    feed.devices("a", "1", "1", at=11)
    assert feed.reports == []


# --------------------------------------------------------------------------------- batch


def test_an_empty_batch_changes_nothing() -> None:
    """There is nothing to commit after it."""
    feed = Feed()
    assert feed.aggregator.apply(Batch([], [], [], []), 0, WALL_MS, 10) == 0
    assert not feed.delta.touched


def test_applying_starts_where_it_is_told() -> None:
    """Records before `start` were applied already."""
    feed = Feed()
    values = [callback("a", usage("1")), callback("b", usage("1"))]
    batch = Batch([5, 6], [10, 11], [b"a", b"b"], values)
    assert feed.aggregator.apply(batch, 1, WALL_MS, 10) == 2
    assert [state.txid for state in feed.aggregator.table.states()] == ["b"]
    assert feed.aggregator.table.growing["b"].first_offset == 6
    assert feed.delta.tallies.key_mismatches == 0


def test_taking_leaves_an_empty_delta() -> None:
    """A commit takes what has happened; the next one starts from nothing."""
    feed = Feed()
    feed.devices("a", "1", "2", "3", at=10)
    feed.tick(10_010)
    delta = feed.aggregator.take()
    assert delta.touched
    assert (len(delta.reports), len(delta.metrics)) == (1, 1)
    again = feed.aggregator.take()
    assert again == Delta()


def test_the_delta_tells_what_changed() -> None:
    """Known txids whose state is new, and forgotten ones, which then are not among them."""
    feed = Feed()
    feed.devices("a", "1", at=10)
    feed.devices("b", "1", "2", "3", at=20)
    assert changed(feed.aggregator.take()) == ["a", "b"]
    feed.devices("c", at=30)
    feed.tick(30)
    assert changed(feed.delta) == ["c"]
    feed.devices("b", "1", at=40)
    assert changed(feed.delta) == ["c", "b"]
    feed.tick(5_000)
    assert changed(feed.delta) == []
    assert [state.txid for state in feed.delta.forgotten] == ["b", "a", "c"]


def test_completion_times_are_those_of_first_emissions() -> None:
    """From opening to closing, with the rule that closed it."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.devices("b", "1", "2", "3", at=1_010)
    feed.tick(1_500)
    assert feed.delta.tallies.completion_ms == [0, 100]
    assert feed.delta.tallies.reports == {
        ("complete", "device_limit"): 1,
        ("unconfirmed", "inactivity"): 1,
    }
