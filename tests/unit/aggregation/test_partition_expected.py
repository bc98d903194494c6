"""Expectations: the devices that a txid was asked for (DESIGN 2.2, 2.3)."""

from __future__ import annotations

import pytest

from consumer.wire.report import Devices
from tests.unit.aggregation.feed import (
    DEAD_LETTER,
    POLICY,
    Feed,
    callback,
    error,
    expectation,
    usage,
)
from tests.unit.aggregation.test_partition import totals


def devices(feed: Feed) -> Devices:
    """Of the last report."""
    return feed.reports[-1].summary.devices


# ------------------------------------------------------------------ before, between, after


@pytest.mark.parametrize("place", range(4))
def test_an_expectation_may_come_before_between_or_after_the_callbacks(place: int) -> None:
    """The report is complete once all is there, the expectation and each of its devices."""
    feed = Feed(device_limit=0)
    records = [callback("a", usage(imei)) for imei in "123"]
    records.insert(place, expectation("a", "3", "1", "2"))
    for number, value in enumerate(records):
        assert feed.reports == []
        feed.send(value, 1_000 + number)
    assert feed.closed == [("a", "expected_devices", "01.003")]
    (report,) = feed.reports
    assert report.summary.outcome == "complete"
    assert (devices(feed).expected, devices(feed).missing, devices(feed).unexpected) == (3, [], [])
    assert (report.summary.callbacks, report.summary.duplicates) == (3, 0)
    assert (report.summary.source.first_offset, report.summary.source.last_offset) == (0, 3)


def test_a_device_is_present_in_either_array() -> None:
    """One that answered with an error has answered."""
    feed = Feed()
    feed.expect("a", "1", "2", at=1_000)
    feed.send(callback("a", error("2")), 1_010)
    feed.send(callback("a", error("1"), usage("1")), 1_020)
    assert feed.closed == [("a", "expected_devices", "01.020")]
    assert devices(feed).conflicting == ["1"]


def test_devices_that_nobody_asked_for_do_not_complete() -> None:
    """They are named, sorted, like those that are missing."""
    feed = Feed()
    feed.expect("a", "2", "1", "3", at=1_000)
    feed.devices("a", "9", "1", "8", at=1_000)
    feed.send(callback("a", error("7"), usage(None)), 1_000)
    feed.tick(1_100)
    assert feed.closed == [("a", "inactivity", "01.100")]
    assert feed.reports[0].summary.outcome == "partial"
    assert devices(feed) == Devices(3, 3, 1, ["2", "3"], ["7", "8", "9"], [], [])


def test_repeated_and_conflicting_devices_are_named() -> None:
    """Sorted, whether or not anybody asked for them."""
    feed = Feed()
    feed.expect("a", "1", at=1_000)
    feed.send(callback("a", usage("5", 1), usage("5", 2), usage("4", 1), usage("4", 2)), 1_000)
    feed.send(callback("a", error("5"), error("5", "E2"), error("4"), error("6")), 1_000)
    feed.tick(1_100)
    assert devices(feed) == Devices(1, 2, 3, ["1"], ["4", "5", "6"], ["4", "5"], ["4", "5"])


def test_without_an_expectation_nothing_is_missing_or_unexpected() -> None:
    """And how many were expected is null."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.tick(1_100)
    assert devices(feed) == Devices(None, 1, 0, [], [], [], [])


# ----------------------------------------------------------------------------- it is a part


def test_an_expectation_opens_its_txid() -> None:
    """With no callback at all, all of its devices are missing."""
    feed = Feed()
    feed.expect("a", "2", "1", at=1_000)
    feed.tick(1_099)
    assert feed.reports == []
    feed.tick(1_100)
    assert feed.closed == [("a", "inactivity", "01.100")]
    (report,) = feed.reports
    assert (report.usage, report.errors) == ([], [])
    assert report.summary.outcome == "partial"
    assert report.summary.callbacks == 0
    assert devices(feed).missing == ["1", "2"]
    assert feed.delta.tallies.completion_ms == [100]
    assert totals(feed) == {"expectations": 1, "acknowledgements": 2}


def test_an_expectation_prolongs() -> None:
    """Where it names new devices."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.expect("a", "1", "2", at=1_060)
    feed.expect("a", "3", at=1_120)
    feed.tick(1_219)
    assert feed.reports == []
    feed.tick(1_220)
    assert feed.closed == [("a", "inactivity", "01.220")]
    assert devices(feed).missing == ["2", "3"]


@pytest.mark.parametrize("again", [("1", "2"), ("2", "1", "2"), ("2",), ()])
def test_an_expectation_of_nobody_new_prolongs_nothing(again: tuple[str, ...]) -> None:
    """An equal one is a duplicate, and so is a part of it; no item, so none is counted."""
    feed = Feed()
    feed.expect("a", "1", "2", at=1_000)
    feed.expect("a", *again, at=1_060)
    feed.tick(1_100)
    assert feed.closed == [("a", "inactivity", "01.100")]
    assert devices(feed).expected == 2
    assert feed.reports[0].summary.duplicates == 0
    assert feed.reports[0].summary.source.last_offset == 1
    assert totals(feed) == {"expectations": 2, "acknowledgements": 1}


def test_a_further_expectation_widens_the_set() -> None:
    """Union: the report waits for the devices of both."""
    feed = Feed()
    feed.expect("a", "1", "2", at=1_000)
    feed.devices("a", "1", at=1_000)
    feed.expect("a", "2", "3", at=1_010)
    feed.devices("a", "2", at=1_020)
    assert feed.reports == []
    feed.devices("a", "3", at=1_030)
    assert feed.closed == [("a", "expected_devices", "01.030")]
    assert devices(feed).expected == 3


def test_an_expectation_that_finds_all_its_devices_completes() -> None:
    """It is the part that makes the rule true."""
    feed = Feed(device_limit=0)
    feed.devices("a", "1", "2", "3", at=1_000)
    feed.expect("a", "1", "2", at=1_050)
    assert feed.closed == [("a", "expected_devices", "01.050")]
    assert devices(feed).unexpected == ["3"]


def test_the_rule_fires_on_the_part_that_makes_it_true() -> None:
    """Not while it is true: what comes besides waits for a rule of its own."""
    feed = Feed()
    feed.expect("a", "1", at=1_000)
    feed.devices("a", "1", at=1_000)
    assert len(feed.reports) == 1
    feed.devices("a", "2", at=1_010)
    feed.devices("a", "3", at=1_020)
    assert len(feed.reports) == 1
    feed.tick(1_120)
    assert feed.closed[1:] == [("a", "inactivity", "01.120")]
    assert feed.reports[1].summary.outcome == "unconfirmed"


# -------------------------------------------------------------------------- device limit


def test_with_an_expectation_the_device_limit_does_not_hold() -> None:
    """It is known how many there are."""
    feed = Feed()
    feed.expect("a", "1", "2", "3", "4", at=1_000)
    feed.devices("a", "1", "2", "3", at=1_000)
    assert feed.reports == []
    feed.devices("a", "4", at=1_010)
    assert feed.closed == [("a", "expected_devices", "01.010")]


def test_fewer_devices_than_the_limit_complete_where_no_more_were_asked_for() -> None:
    """The limit is for requests about which nothing is known."""
    feed = Feed()
    feed.expect("a", "1", at=1_000)
    feed.devices("a", "1", at=1_000)
    assert [rule for _, rule, _ in feed.closed] == ["expected_devices"]


@pytest.mark.parametrize("place", [0, 1])
def test_the_whole_account_voids_the_device_limit(place: int) -> None:
    """An empty array: nobody knows how many devices that is; it sets no expectation."""
    feed = Feed()
    records = [callback("a", usage("1"), usage("2")), callback("a", usage("3"))]
    records.insert(place, expectation("a"))
    for value in records:
        feed.send(value, 1_000)
    assert feed.reports == []
    feed.tick(1_100)
    assert feed.closed == [("a", "inactivity", "01.100")]
    assert feed.reports[0].summary.outcome == "unconfirmed"
    assert devices(feed).expected is None


def test_the_whole_account_opens_a_txid() -> None:
    """Its report is empty and proves nothing."""
    feed = Feed()
    feed.expect("a", at=1_000)
    feed.tick(1_100)
    assert feed.closed == [("a", "inactivity", "01.100")]
    assert feed.reports[0].summary.outcome == "unconfirmed"
    assert devices(feed) == Devices(None, 0, 0, [], [], [], [])


def test_the_whole_account_takes_no_expectation_away() -> None:
    """Neither one that was there nor one that comes."""
    feed = Feed()
    feed.expect("a", "1", at=1_000)
    feed.expect("a", at=1_000)
    feed.expect("b", at=1_000)
    feed.expect("b", "1", at=1_000)
    feed.devices("a", "1", at=1_010)
    feed.devices("b", "1", at=1_010)
    assert [rule for _, rule, _ in feed.closed] == ["expected_devices", "expected_devices"]


# ------------------------------------------------------------------------ after the report


def test_an_expectation_after_the_report_is_a_part_like_any_other() -> None:
    """The txid is reopened; where all its devices are in, that completes it again, at once."""
    feed = Feed()
    feed.devices("a", "1", "2", "3", at=1_000)
    feed.expect("a", "2", "3", at=1_050)
    assert feed.closed == [("a", "device_limit", "01.000"), ("a", "expected_devices", "01.050")]
    first, second = feed.reports
    assert (first.summary.revision, second.summary.revision) == (0, 1)
    assert (first.usage, first.errors) == (second.usage, second.errors)
    assert second.summary.devices.unexpected == ["1"]
    assert second.summary.source.last_offset == 1


def test_an_expectation_after_the_report_may_show_that_it_was_partial() -> None:
    """Then the new report waits for the devices, and names them if they do not come."""
    feed = Feed()
    feed.devices("a", "1", "2", "3", at=1_000)
    feed.expect("a", "1", "2", "3", "4", "5", at=1_050)
    feed.devices("a", "4", at=1_100)
    feed.tick(1_200)
    assert [rule for _, rule, _ in feed.closed] == ["device_limit", "inactivity"]
    assert feed.reports[1].summary.outcome == "partial"
    assert devices(feed).missing == ["5"]


def test_a_known_expectation_after_the_report_changes_nothing() -> None:
    """And the whole account only voids the limit."""
    feed = Feed(device_limit=2)
    feed.expect("a", "1", at=1_000)
    feed.devices("a", "1", at=1_000)
    feed.devices("b", "1", at=1_000)
    feed.tick(1_100)
    feed.expect("a", "1", at=1_110)
    feed.expect("a", at=1_110)
    feed.expect("b", at=1_110)
    assert [rule for _, rule, _ in feed.closed] == ["expected_devices", "inactivity"]
    feed.devices("b", "2", at=1_120)
    assert len(feed.reports) == 2
    feed.tick(1_220)
    assert feed.closed[2:] == [("b", "inactivity", "01.220")]


def test_with_dead_letters_a_widened_expectation_is_late() -> None:
    """A record in one kind only; one that names nobody new changes nothing."""
    feed = Feed(DEAD_LETTER)
    feed.expect("a", "1", "2", at=1_000)
    feed.devices("a", "1", "2", at=1_000)
    feed.aggregator.take()
    feed.expect("a", "2", at=1_010)
    feed.expect("a", at=1_010)
    feed.expect("a", "2", "3", at=1_010)
    assert feed.reasons == [(4, "late")]
    assert totals(feed) == {"expectations": 2, "dead_letters": 1}
    assert feed.aggregator.windows.open.expectations == 3
    feed.tick(1_510)
    assert feed.reports == []
    assert feed.known("a") is None


# ------------------------------------------------------------------------------------ size


def test_ten_thousand_devices_may_be_expected() -> None:
    """All of them are waited for, and the last one completes."""
    feed = Feed(POLICY, report_bytes=10_000_000)
    imeis = [f"{number:015}" for number in range(10_000)]
    feed.expect("a", *imeis, at=1_000)
    for start in range(0, 10_000, 100):
        assert feed.reports == []
        feed.devices("a", *imeis[start : start + 100], at=1_000)
    assert feed.closed == [("a", "expected_devices", "01.000")]
    assert devices(feed).expected == devices(feed).reported == 10_000


def test_ten_thousand_devices_may_be_missing() -> None:
    """And are all named, over as many records as that takes."""
    feed = Feed(report_bytes=100_000)
    imeis = [f"{number:015}" for number in range(10_000)]
    feed.expect("a", *reversed(imeis), at=1_000)
    feed.tick(1_100)
    assert len(feed.reports) == 2
    missing = [imei for report in feed.reports for imei in report.summary.devices.missing]
    assert missing == imeis
