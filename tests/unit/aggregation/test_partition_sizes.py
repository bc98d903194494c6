"""What is large: reports in parts, items that fit into none, txids that outgrow their limit."""

from __future__ import annotations

import pytest

from consumer.aggregation.lifecycle import MARKED
from consumer.wire import report
from consumer.wire.report import FRAME_BYTES, part_key
from tests.unit.aggregation.feed import DEAD_LETTER, Feed, callback, changed, encode, error, usage
from tests.unit.aggregation.test_partition import totals

LIMIT = 10_000
ROOM = LIMIT - FRAME_BYTES
"""The largest item that a report takes."""


def sized(imei: str, size: int) -> dict[str, object]:
    """A usage item of exactly so many bytes."""
    item = usage(imei, 1, note="")
    item["note"] = "x" * (size - len(encode(item)))
    assert len(encode(item)) == size
    return item


# ----------------------------------------------------------------------------- split reports


def test_a_large_report_is_split() -> None:
    """Parts of one revision, each below the limit; the first has the key of the txid."""
    feed = Feed(report_bytes=LIMIT, device_limit=0)
    for number in range(20):
        feed.send(callback("a", sized(str(number), 1_000), error(str(number))), 1_000)
    feed.tick(1_100)
    keys = [key for key, _ in feed.delta.reports]
    values = [value for _, value in feed.delta.reports]
    assert keys == [b"a", *(b"a\0%d" % index for index in range(2, len(keys) + 1))]
    assert keys == [part_key("a", index) for index in range(1, len(keys) + 1)]
    assert max(map(len, values)) <= LIMIT
    parts = feed.reports
    assert [(part.summary.part.index, part.summary.part.count) for part in parts] == [
        (index, len(parts)) for index in range(1, len(parts) + 1)
    ]
    items = [bytes(raw) for part in parts for raw in part.usage]
    assert items == [encode(sized(str(number), 1_000)) for number in range(20)]
    assert sum(len(part.errors) for part in parts) == 20
    assert {part.summary.number_of_sessions for part in parts} == {20}
    assert {part.summary.closed_at for part in parts} == {parts[0].summary.closed_at}


def test_a_split_report_is_one_emission() -> None:
    """For counters and metrics; a transaction counts its records."""
    feed = Feed(report_bytes=LIMIT, device_limit=0)
    feed.devices("a", *map(str, range(400)), at=1_000)
    feed.tick(1_100)
    assert len(feed.delta.reports) > 2
    assert feed.delta.tallies.reports == {("unconfirmed", "inactivity"): 1}
    assert feed.aggregator.windows.open.unconfirmed == 1
    assert feed.aggregator.windows.open.reported == 400
    assert feed.delta.tallies.completion_ms == [100]


def test_a_revision_may_have_more_parts_than_the_report_before() -> None:
    """Whole again: what is downstream replaces part by part."""
    feed = Feed(report_bytes=LIMIT, device_limit=0)
    feed.send(callback("a", sized("1", 5_000)), 1_000)
    feed.tick(1_100)
    feed.send(callback("a", sized("2", 5_000)), 1_110)
    feed.tick(1_210)
    assert [key for key, _ in feed.delta.reports] == [b"a", b"a", b"a\x002"]
    assert [found.summary.revision for found in feed.reports] == [0, 1, 1]


# --------------------------------------------------------------------------- oversized items


def test_an_item_that_just_fits_is_reported() -> None:
    """In a part of its own if need be."""
    feed = Feed(report_bytes=LIMIT, device_limit=0)
    feed.send(callback("a", sized("1", 5_000), sized("2", ROOM), usage("3")), 1_000)
    feed.tick(1_100)
    assert feed.reasons == []
    assert all(len(value) <= LIMIT for _, value in feed.delta.reports)
    assert [len(found.usage) for found in feed.reports] == [1, 1, 1]


def test_an_item_that_fits_into_no_report_makes_a_dead_letter() -> None:
    """Of the whole record; an open txid names the device, and its report does."""
    feed = Feed(report_bytes=LIMIT)
    feed.devices("a", "1", at=1_000)
    feed.send(callback("a", usage("2"), sized("9", ROOM + 1), sized("8", ROOM + 1)), 1_050)
    assert feed.reasons == [(1, "oversized_item")]
    assert totals(feed) == {"callbacks": 1, "dead_letters": 1, "usage": 1}
    assert "2 of the items do not fit" in feed.delta.dead_letters[0].message
    feed.tick(1_100)
    assert feed.closed == [("a", "inactivity", "01.100")]
    summary = feed.reports[0].summary
    assert summary.devices.oversized == ["8", "9"]
    assert (summary.devices.reported, summary.callbacks) == (1, 1)
    assert summary.source.last_offset == 0


def test_an_oversized_item_opens_nothing_and_completes_nothing() -> None:
    """The device counts as missing where it was expected."""
    feed = Feed(report_bytes=LIMIT)
    feed.send(callback("unknown", sized("9", ROOM + 1)), 1_000)
    assert feed.known("unknown") is None
    feed.expect("a", "1", "9", at=1_000)
    feed.send(callback("a", {**error("9"), "note": "x" * LIMIT}), 1_000)
    feed.devices("a", "1", at=1_000)
    feed.tick(1_100)
    (found,) = feed.reports
    assert found.summary.outcome == "partial"
    assert found.summary.devices.missing == ["9"]
    assert found.summary.devices.oversized == ["9"]


def test_an_oversized_item_without_imei_is_named_as_such() -> None:
    """There is no other name for it."""
    feed = Feed(report_bytes=LIMIT)
    feed.devices("a", "1", at=1_000)
    feed.send(callback("a", usage(None, note="x" * LIMIT)), 1_000)
    feed.tick(1_100)
    assert feed.reports[0].summary.devices.oversized == ["(no imei)"]


def test_a_large_record_of_small_items_is_no_dead_letter() -> None:
    """It is items that are too large, not records."""
    feed = Feed(report_bytes=LIMIT, device_limit=0)
    feed.devices("a", *map(str, range(1_000)), at=1_000)
    assert feed.reasons == []
    assert totals(feed) == {"callbacks": 1, "usage": 1_000}


def test_after_the_report_an_oversized_item_reopens_nothing() -> None:
    """The next revision names it, if there is one; a mark has no next."""
    feed = Feed(report_bytes=LIMIT)
    large = callback("a", sized("9", ROOM + 1))
    feed.devices("a", "1", "2", "3", at=1_000)
    feed.send(large, 1_010)
    assert len(feed.reports) == 1
    assert changed(feed.delta) == ["a"]
    feed.devices("a", "4", at=1_020)
    feed.tick(1_120)
    assert feed.reports[1].summary.devices.oversized == ["9"]

    feed = Feed(DEAD_LETTER, report_bytes=LIMIT)
    feed.devices("a", "1", "2", "3", at=1_000)
    feed.send(large, 1_010)
    assert feed.reasons == [(1, "oversized_item")]


def test_without_oversized_items_the_summary_does_not_speak_of_them() -> None:
    """The list is there only when there is something in it."""
    feed = Feed()
    feed.devices("a", "1", "2", "3", at=1_000)
    assert b"oversized" not in feed.delta.reports[0][1]


# ------------------------------------------------------------------------- limits.txid_bytes


@pytest.mark.parametrize("policy", ["revise", "dead-letter"])
def test_a_txid_that_outgrows_its_limit_is_emitted(policy: str) -> None:
    """With the part that makes it so large; and only marked, whatever the policy."""
    feed = Feed(device_limit=0, txid_bytes=20_000, revise=policy == "revise")
    sent = 0
    while not feed.reports:
        feed.send(callback("a", usage(str(sent), note="x" * 1_000)), 1_000)
        sent += 1
    assert feed.closed == [("a", "capacity", "01.000")]
    (found,) = feed.reports
    assert found.summary.outcome == "unconfirmed"
    assert len(found.usage) == sent
    assert 14 < sent < 18
    state = feed.known("a")
    assert state is not None
    assert state.phase is MARKED
    feed.devices("a", "new", at=1_010)
    assert feed.reasons == [(sent, "late")]
    assert feed.delta.tallies.forgotten_early == 0


def test_a_txid_that_outgrows_its_limit_is_partial_where_devices_are_missing() -> None:
    """An expectation alone may be that large."""
    feed = Feed(txid_bytes=20_000)
    feed.expect("a", *map(str, range(1_000)), at=1_000)
    assert feed.closed == [("a", "capacity", "01.000")]
    assert feed.reports[0].summary.outcome == "partial"


def test_a_part_that_completes_is_not_crowded_out() -> None:
    """The better rule names the ending, and the txid is remembered; the next part crowds it."""
    feed = Feed(txid_bytes=10_000)
    feed.devices("a", "1", "2", at=1_000)
    feed.send(callback("a", usage("3", note="x" * 10_000)), 1_010)
    assert [rule for _, rule, _ in feed.closed] == ["device_limit"]
    feed.devices("a", "1", at=1_020)
    feed.devices("a", "4", at=1_020)
    assert [rule for _, rule, _ in feed.closed] == ["device_limit", "capacity"]
    assert [found.summary.revision for found in feed.reports] == [0, 1]
    feed.devices("a", "5", at=1_030)
    assert feed.reasons == [(4, "late")]


def test_parts_have_keys_that_no_txid_has() -> None:
    """A control character stands between txid and number, which is refused in a txid."""
    feed = Feed()
    key = report.part_key("a", 2).decode()
    feed.send(encode({"txid": key, "usage": []}), 1_000)
    assert feed.reasons == [(0, "invalid_txid")]
