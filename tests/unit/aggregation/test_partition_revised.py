"""Revisions: a part that comes after the report of its txid (DESIGN 2.3.1, 2.5)."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any

import pytest

from consumer.aggregation.lifecycle import OPEN, REMEMBERED
from consumer.wire.report import Report
from tests.unit.aggregation.feed import Feed, callback, changed, encode, error, expectation, usage
from tests.unit.aggregation.test_partition import totals


def completed(feed: Feed, txid: str = "a", at: int = 1_000) -> None:
    """Complete `txid` with devices 1 and 2 in `usage`, and 3 in `errors`."""
    feed.send(callback(txid, usage("1"), usage("2"), error("3")), at)
    assert feed.reports[-1].txid == txid


def raws(items: Iterable[Any]) -> list[bytes]:
    """Items as they stand in a report."""
    return list(map(bytes, items))


# ------------------------------------------------------------------------------ duplicates


@pytest.mark.parametrize(
    "again",
    [
        callback("a", usage("2")),
        callback("a", error("3")),
        callback("a"),
        expectation("a"),
        expectation("a", "1"),
    ],
)
def test_what_changes_nothing_leaves_the_items_packed(again: bytes) -> None:
    """To look for equal ones they are spread out; two commits later they are packed again."""
    feed = Feed()
    feed.expect("a", "1", "2", "3", at=1_000)
    completed(feed)
    for _ in range(2):
        feed.aggregator.take()
        feed.aggregator.take()
        state = feed.known("a")
        assert state is not None
        assert state.errors is not None
        assert (state.phase, state.usage.several, state.errors.several) == (REMEMBERED, None, None)
        assert feed.aggregator.table.memory_bytes == state.memory
        feed.send(again, 1_010)


def test_a_duplicate_after_the_report_changes_nothing() -> None:
    """It is counted as what it is; no report comes of it, and no dead letter."""
    feed = Feed()
    completed(feed)
    feed.aggregator.take()
    feed.send(callback("a", usage("2"), error("3")), 1_010)
    feed.send(callback("a"), 1_020)
    feed.send(b'{"txid":"a","errors":[{"imei":"3", "errorResponse":{"errorCode":"E1"}}]}', 1_030)
    assert totals(feed) == {"callbacks": 3, "duplicates": 3}
    assert feed.reasons == []
    state = feed.known("a")
    assert state is not None
    assert (state.phase, state.revision) == (REMEMBERED, 0)
    feed.tick(1_500)
    assert feed.reports == []
    assert feed.known("a") is None


def test_the_next_report_covers_the_duplicates_that_came_in_between() -> None:
    """Callbacks, duplicates and offsets are those of all records of the txid up to then."""
    feed = Feed(device_limit=3, partition=7)
    feed.tick(1_000)
    completed(feed)
    feed.devices("a", "1", "2", at=1_010)
    feed.devices("other", "1", at=1_010)
    feed.devices("a", "1", at=1_020)
    feed.devices("a", "4", at=1_030)
    feed.devices("a", "4", at=1_040)
    feed.tick(1_130)
    first, _, second = feed.reports
    assert (first.summary.callbacks, first.summary.duplicates) == (1, 0)
    assert (second.summary.callbacks, second.summary.duplicates) == (5, 4)
    assert (first.summary.source.first_offset, first.summary.source.last_offset) == (1, 1)
    assert (second.summary.source.first_offset, second.summary.source.last_offset) == (1, 6)


# ------------------------------------------------------------------------------- revisions


def test_a_new_part_reopens_and_the_new_report_is_whole() -> None:
    """All items of the txid in the order of their offsets, and the next revision."""
    feed = Feed()
    completed(feed)
    feed.send(callback("a", usage("1"), usage("1", 5), error("4", "E2")), 1_050)
    state = feed.known("a")
    assert state is not None
    assert state.phase is OPEN
    assert len(feed.reports) == 1
    feed.tick(1_150)
    assert feed.closed == [("a", "device_limit", "01.000"), ("a", "inactivity", "01.150")]
    first, second = feed.reports
    assert (first.summary.revision, second.summary.revision) == (0, 1)
    assert raws(second.usage) == [*raws(first.usage), encode(usage("1", 5))]
    assert raws(second.errors) == [*raws(first.errors), encode(error("4", "E2"))]
    assert second.summary.number_of_sessions == 7
    assert second.summary.bytes_transferred == 70
    assert second.summary.error_codes == {"E1": 1, "E2": 1}
    assert (second.summary.devices.reported, second.summary.devices.failed) == (2, 2)
    assert second.summary.devices.repeated == ["1"]
    assert first.summary.opened_at == second.summary.opened_at
    assert feed.delta.tallies.revisions == 1
    assert feed.reasons == []


def test_revisions_go_on() -> None:
    """As long as parts come before the txid is forgotten."""
    feed = Feed(device_limit=1)
    for number in range(4):
        feed.devices("a", str(number), at=1_000 + 400 * number)
    feed.tick(2_300)
    assert [report.summary.revision for report in feed.reports] == [0, 1, 2, 3]
    assert [len(report.usage) for report in feed.reports] == [1, 2, 3, 4]


def test_a_revision_completes_by_the_same_rules() -> None:
    """By the device limit where that was not reached before, and by expected devices."""
    feed = Feed()
    feed.devices("limit", "1", at=1_000)
    feed.expect("asked", "1", "2", at=1_000)
    feed.tick(1_100)
    feed.devices("limit", "2", "3", at=1_110)
    feed.devices("asked", "1", at=1_120)
    feed.devices("asked", "2", at=1_130)
    assert feed.closed == [
        ("limit", "inactivity", "01.100"),
        ("asked", "inactivity", "01.100"),
        ("limit", "device_limit", "01.110"),
        ("asked", "expected_devices", "01.130"),
    ]
    assert [report.summary.outcome for report in feed.reports] == [
        "unconfirmed",
        "partial",
        "complete",
        "complete",
    ]


def test_the_device_limit_cannot_fire_twice() -> None:
    """A further item of a device leaves their number, and a further device voids the limit."""
    feed = Feed()
    feed.devices("a", "1", "2", "3", at=1_000)
    feed.send(callback("a", usage("1", 7)), 1_010)
    assert len(feed.reports) == 1
    feed.devices("a", "4", at=1_020)
    feed.tick(1_120)
    assert [rule for _, rule, _ in feed.closed] == ["device_limit", "inactivity"]
    assert feed.reports[1].summary.outcome == "unconfirmed"


def test_the_eleventh_device_comes_after_ten_have_completed() -> None:
    """The request was larger: the new report does not claim to be complete."""
    feed = Feed(device_limit=10)
    for number in range(12):
        feed.devices("a", str(number), at=1_000 + number)
    feed.tick(1_200)
    assert feed.closed == [("a", "device_limit", "01.009"), ("a", "inactivity", "01.111")]
    assert feed.reports[1].summary.devices.reported == 12


def test_max_age_counts_from_the_reopening() -> None:
    """However old the txid is."""
    feed = Feed(device_limit=1, remember_ms=5_000)
    feed.devices("a", "0", at=1_000)
    for step in range(12):
        feed.devices("a", f"x{step}", at=4_000 + 90 * step)
    feed.tick(4_999)
    assert len(feed.reports) == 1
    feed.tick(5_000)
    assert feed.closed[1:] == [("a", "max_age", "05.000")]


def test_inactivity_counts_from_the_part_that_reopened() -> None:
    """A duplicate prolongs nothing."""
    feed = Feed()
    completed(feed)
    feed.devices("a", "4", at=1_200)
    feed.devices("a", "4", at=1_250)
    feed.tick(1_299)
    assert len(feed.reports) == 1
    feed.tick(1_300)
    assert feed.closed[1:] == [("a", "inactivity", "01.300")]


def test_memory_counts_from_the_last_emission() -> None:
    """Duplicates do not prolong it, a revision does."""
    feed = Feed()
    completed(feed)
    feed.devices("a", "1", at=1_400)
    feed.devices("a", "4", at=1_450)
    feed.tick(1_550)
    assert len(feed.reports) == 2
    feed.tick(2_049)
    assert feed.known("a") is not None
    feed.tick(2_050)
    assert feed.known("a") is None


def test_what_closed_by_time_is_remembered_from_its_deadline_on() -> None:
    """Not from when a later record told the time."""
    feed = Feed()
    feed.devices("a", "1", at=1_000)
    feed.tick(1_599)
    assert feed.known("a") is not None
    feed.tick(1_600)
    assert feed.known("a") is None


def test_a_forgotten_txid_is_born_again() -> None:
    """One more part, even one that was there before, opens a new report, revision 0."""
    feed = Feed()
    completed(feed)
    feed.devices("a", "1", at=1_500)
    feed.tick(1_600)
    first, second = feed.reports
    assert (first.summary.revision, second.summary.revision) == (0, 0)
    assert second.summary.opened_at.endswith("01.500Z")
    assert second.summary.source.first_offset == 1
    assert (len(second.usage), second.errors) == (1, [])
    assert second.summary.callbacks == 1


def test_a_bare_txid_reopens_nothing() -> None:
    """It adds nothing."""
    feed = Feed()
    completed(feed)
    feed.send(callback("a"), 1_010)
    feed.tick(1_400)
    assert len(feed.reports) == 1


def test_the_delta_names_what_was_reopened_or_only_counted() -> None:
    """The state log has to know of either."""
    feed = Feed()
    completed(feed)
    feed.aggregator.take()
    feed.devices("a", "1", at=1_010)
    assert changed(feed.aggregator.take()) == ["a"]
    feed.devices("a", "4", at=1_020)
    assert changed(feed.aggregator.take()) == ["a"]
    feed.tick(1_120)
    assert changed(feed.aggregator.take()) == ["a"]


# --------------------------------------------------------------------------------- metrics


def windows(feed: Feed, until: int) -> list[dict[str, Any]]:
    """Metrics records of all windows until then."""
    feed.tick(until)
    return feed.metrics


def test_metrics_of_a_revision_are_signed_differences() -> None:
    """To the revision before; every emission counts, first ones have a time."""
    feed = Feed(window_ms=1_000, inactivity_ms=400, remember_ms=1_000)
    feed.expect("a", "1", "2", "3", at=1_000)
    feed.send(callback("a", usage("1", 5), error("4", "E1")), 1_100)
    feed.send(callback("a", usage("2", 2), error("4", "E2"), usage("1", 1)), 1_700)
    feed.devices("a", "3", at=3_050)
    first, second, third = windows(feed, 4_000)
    assert first["reports"] == {"complete": 0, "partial": 1, "unconfirmed": 0, "revised": 0}
    assert first["devices"] == {"reported": 1, "failed": 1, "missing": 2}
    assert (first["numberOfSessions"], first["bytesTransferred"]) == (5, 50)
    assert first["errorCodes"] == {"E1": 1}
    assert first["timeToCompleteMs"] == {"count": 1, "sum": 500, "min": 500, "max": 500}
    assert second["reports"] == {"complete": 0, "partial": 1, "unconfirmed": 0, "revised": 1}
    assert second["devices"] == {"reported": 1, "failed": 0, "missing": -1}
    assert (second["numberOfSessions"], second["bytesTransferred"]) == (3, 30)
    assert second["errorCodes"] == {"E2": 1}
    assert second["timeToCompleteMs"]["count"] == 0
    assert third["reports"] == {"complete": 1, "partial": 0, "unconfirmed": 0, "revised": 1}
    assert third["devices"] == {"reported": 1, "failed": 0, "missing": -1}
    assert third["errorCodes"] == {}


def test_a_window_may_hold_a_report_and_its_revisions() -> None:
    """Its sums are those of the last one."""
    feed = Feed(device_limit=1, inactivity_ms=100)
    feed.devices("a", "1", at=1_000)
    feed.expect("a", "1", "2", at=1_010)
    feed.tick(1_200)
    feed.send(callback("a", error("2")), 1_210)
    (record,) = windows(feed, 10_000)
    assert record["reports"] == {"complete": 2, "partial": 1, "unconfirmed": 0, "revised": 2}
    assert record["devices"] == {"reported": 1, "failed": 1, "missing": 0}
    assert record["items"] == {"usage": 1, "errors": 1, "duplicates": 0, "late": 0}
    assert record["timeToCompleteMs"]["count"] == 1


# ---------------------------------------------------------------------------- conservation


def last_revisions(reports: list[Report]) -> list[Report]:
    """Of each life of a txid."""
    last: dict[tuple[str, int], Report] = {}
    for report in reports:
        last[report.txid, report.summary.source.first_offset] = report
    return list(last.values())


@pytest.mark.parametrize("seed", range(3))
def test_conservation(seed: int) -> None:
    """No record and no item is lost or counted twice, over a long random life.

    Records are the sum of their kinds; merged items are those of the last revisions and those
    that came since; and the windows add up to the truth of the last revisions.
    """
    rng = random.Random(seed)  # noqa: S311 - the same life every time
    feed = Feed(window_ms=170, remember_ms=260)
    now_ms = 0
    for _ in range(3_000):
        now_ms += rng.choice((0, 0, 0, 1, 5, 30, 300)) - rng.choice((0, 0, 3))
        txid = f"t{rng.randrange(8)}"
        imeis = rng.choices("12345", k=rng.randrange(3))
        items = [rng.choice((usage, error))(imei) for imei in imeis]
        values = (None, b"{}", expectation(txid, *imeis), *[callback(txid, *items)] * 8)
        feed.send(rng.choice(values), now_ms)
    feed.tick(now_ms + 170)
    tallies, reports = feed.delta.tallies, feed.reports
    assert tallies.records == feed.offset
    assert min(tallies.duplicates, tallies.revisions, tallies.expectations) > 50
    last = last_revisions(reports)
    assert len(last) + tallies.revisions == len(reports)
    merged = sum(len(report.usage) + len(report.errors) for report in last)
    for state in feed.aggregator.table.states():
        if state.phase is OPEN:
            emitted = (0, 0) if state.previous is None else state.previous.counts
            merged += len(state.usage) - emitted[0] + len(state.errors or ()) - emitted[1]
    assert tallies.usage + tallies.errors == merged
    check_windows(feed, last)


def check_windows(feed: Feed, last: list[Report]) -> None:
    """All windows together show what the last revisions hold."""
    feed.aggregator.windows.move(10**9)
    found = feed.metrics
    assert sum(sum(record["records"].values()) for record in found) == feed.offset
    totals_of = {
        name: sum(record["devices"][name] for record in found)
        for name in ("reported", "failed", "missing")
    }
    assert totals_of == {
        "reported": sum(report.summary.devices.reported for report in last),
        "failed": sum(report.summary.devices.failed for report in last),
        "missing": sum(len(report.summary.devices.missing) for report in last),
    }
    sessions = sum(report.summary.number_of_sessions for report in last)
    assert sum(record["numberOfSessions"] for record in found) == sessions
    codes = sum(report.summary.error_codes.get("E1", 0) for report in last)
    assert sum(record["errorCodes"].get("E1", 0) for record in found) == codes
    assert sum(record["reports"]["revised"] for record in found) == feed.delta.tallies.revisions
    assert sum(record["timeToCompleteMs"]["count"] for record in found) == len(last)


def test_metrics_are_json_that_may_be_negative() -> None:
    """A difference below nothing is one: devices were missing and are no more."""
    feed = Feed(window_ms=100)
    feed.expect("a", "1", at=1_000)
    feed.tick(1_150)
    feed.devices("a", "1", at=1_210)
    feed.tick(1_300)
    values = [value for _, value in feed.aggregator.windows.closed]
    assert [json.loads(value)["devices"]["missing"] for value in values] == [0, 1, -1]
