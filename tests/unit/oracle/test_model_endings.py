"""Expectations, revisions, capacity and oversized items, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.oracle.model import DeadLetter, Partition
from tests.oracle.txid import Txid
from tests.unit.oracle.histories import SETTINGS, closed, history, usage

_REVISE = replace(SETTINGS, late_policy="revise")
_EXPECT = '{"txid":"t","imei":["1","2","3"]}'


def _summaries(model: Partition, *names: str) -> list[Any]:
    summaries = [report["summary"] for report in model.reports]
    return [tuple(summary[name] for name in names) for summary in summaries]


def _devices(model: Partition, name: str) -> list[Any]:
    return [report["summary"]["devices"][name] for report in model.reports]


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_an_expectation_may_come_at_any_time(place: int) -> None:
    """Before, between or after the callbacks: complete on the part that makes it true."""
    values = [usage("t", "1"), usage("t", "2"), usage("t", "3")]
    values.insert(place, _EXPECT)
    settings = replace(SETTINGS, device_limit=0)
    model = history(*((1_000 + n, value) for n, value in enumerate(values)), settings=settings)
    assert closed(model) == [("t", "expected_devices", "01.003")]
    assert _summaries(model, "outcome", "callbacks") == [("complete", 3)]
    assert _devices(model, "expected") == [3]


def test_an_expectation_switches_the_device_limit_off() -> None:
    """Two devices of three are not complete, whatever the limit says; errors count as well."""
    error = '{"txid":"t","errors":[{"imei":"3"}]}'
    records = [(1_000, _EXPECT), (1_001, usage("t", "1", "2")), (1_002, error)]
    assert closed(history(*records)) == [("t", "expected_devices", "01.002")]


def test_what_is_missing_and_what_was_not_asked_for() -> None:
    """A report that time closes is partial while devices are missing."""
    model = history((1_000, _EXPECT), (1_010, usage("t", "9", "2")), (2_000, "{}"))
    assert _summaries(model, "outcome", "completedBy") == [("partial", "inactivity")]
    assert _devices(model, "missing") == [["1", "3"]]
    assert _devices(model, "unexpected") == [["9"]]


def test_an_expectation_alone_is_a_report() -> None:
    """All missing, no callbacks; its offsets are those of the expectation."""
    model = history((1_000, _EXPECT), (1_100, "{}"))
    assert closed(model) == [("t", "inactivity", "01.100")]
    assert _devices(model, "missing") == [["1", "2", "3"]]
    assert _summaries(model, "callbacks") == [(0,)]
    assert model.reports[0]["summary"]["source"]["firstOffset"] == 10


def test_expectations_unite_and_repeat() -> None:
    """A wider one is a part; a subset is a duplicate and prolongs nothing."""
    model = history(
        (1_000, '{"txid":"t","imei":["1","2"]}'),
        (1_050, '{"txid":"t","imei":["3","2","3"]}'),
        (1_140, '{"txid":"t","imei":["1","3"]}'),
        (1_150, "{}"),
    )
    assert closed(model) == [("t", "inactivity", "01.150")]
    assert _devices(model, "expected") == [3]
    assert model.reports[0]["summary"]["source"]["lastOffset"] == 12


def test_an_empty_expectation_voids_the_limit_and_is_no_part() -> None:
    """It opens an unknown txid, and prolongs or reopens nothing."""
    empty = '{"txid":"t","imei":[]}'
    records = [(1_000, usage("t", "1")), (1_090, empty), (1_095, usage("t", "2"))]
    assert closed(history(*records, (1_200, "{}"))) == [("t", "inactivity", "01.195")]
    assert closed(history((1_000, usage("t", "1")), (1_090, empty), (1_100, "{}"))) == [
        ("t", "inactivity", "01.100")
    ]
    model = history((1_000, empty), (1_001, usage("t", "1", "2")), (2_000, "{}"))
    assert closed(model) == [("t", "inactivity", "01.101")]
    assert _devices(model, "expected") == [None]
    records = [(1_000, usage("t", "1", "2")), (1_001, empty), (1_002, '{"txid":"t"}')]
    assert not history(*records, settings=_REVISE).open


def test_a_new_part_reopens_what_is_remembered() -> None:
    """The next report is whole, its revision one higher; it opened when the first did."""
    model = history(
        (1_000, usage("t", "1")),
        (1_150, usage("t", "1")),  # a duplicate, after the emission
        (1_200, usage("t", "2", "3", "4")),
        (1_300, '{"txid":"t","errors":[{}]}'),
        settings=_REVISE,
    )
    assert (
        closed(model)
        == [
            ("t", "inactivity", "01.100"),
            ("t", "inactivity", "01.300"),
            ("t", "max_age", "01.550"),
        ][: len(model.reports)]
    )
    assert _summaries(model, "revision", "callbacks", "duplicates") == [(0, 1, 0), (1, 3, 1)]
    assert [len(report["usage"]) for report in model.reports] == [1, 4]
    assert {report["summary"]["openedAt"] for report in model.reports} == {
        "1970-01-01T00:00:01.000Z"
    }
    assert set(model.open) == {"t"}


def test_max_age_of_a_revision_runs_from_its_reopening() -> None:
    """However long ago the txid opened."""
    parts = [(at, f'{{"txid":"t","usage":[{{"n":{at}}}]}}') for at in range(1_200, 1_500, 60)]
    model = history((1_000, usage("t", "1")), *parts, (1_450, "{}"), settings=_REVISE)
    assert closed(model) == [("t", "inactivity", "01.100"), ("t", "max_age", "01.450")]


def test_a_rule_fires_on_the_part_that_makes_it_true() -> None:
    """A revision of what was complete is closed by time; one that completes is at once."""
    more = '{"txid":"t","usage":[{"imei":"1","n":2}]}'
    model = history((1_000, usage("t", "1", "2")), (1_001, more), (2_000, "{}"), settings=_REVISE)
    assert _summaries(model, "completedBy", "outcome") == [
        ("device_limit", "complete"),
        ("inactivity", "unconfirmed"),
    ]
    model = history(
        (1_000, usage("t", "1")),
        (1_200, usage("t", "2")),
        (1_210, '{"txid":"t","imei":["1"]}'),
        settings=_REVISE,
    )
    assert closed(model) == [
        ("t", "inactivity", "01.100"),
        ("t", "device_limit", "01.200"),
        ("t", "expected_devices", "01.210"),
    ]


def test_a_txid_is_remembered_from_its_last_emission() -> None:
    """A revision starts the time anew; then the next part opens a new report."""
    model = history(
        (1_000, usage("t", "1")),
        (1_300, usage("t", "2", "3")),
        (1_690, usage("t", "4")),
        (2_089, usage("t", "4")),
        (2_090, usage("t", "4")),
        (3_000, "{}"),
        settings=_REVISE,
    )
    assert _summaries(model, "revision") == [(0,), (1,), (2,), (0,)]


def test_a_marker_tells_duplicates_from_late_parts() -> None:
    """An expectation is a duplicate where all of it is known, else late with no late items."""
    model = history(
        (1_000, '{"txid":"t","imei":["1","2"]}'),
        (1_001, usage("t", "1", "2")),
        (1_002, '{"txid":"t","imei":["2"]}'),
        (1_003, '{"txid":"t","imei":[]}'),
        (1_004, '{"txid":"t","imei":["2","3"]}'),
        (1_005, usage("t", "1", "3")),
    )
    assert model.dead_letters == [DeadLetter(3, 14, "late"), DeadLetter(3, 15, "late")]
    window = model.windows[1_000]
    assert window["records"]["expectations"] == 3
    assert window["items"] == {"usage": 2, "errors": 0, "duplicates": 1, "late": 1}


def test_a_revision_counts_as_a_signed_difference() -> None:
    """Sums over windows are the truth of the last revisions."""
    error = '{"imei":"2","errorResponse":{"errorCode":"E"}}'
    model = history(
        (2_800, _EXPECT),
        (2_810, f'{{"txid":"t","errors":[{error}]}}'),
        (3_150, usage("t", "2", "3", sessions=5)),
        (4_000, "{}"),
        settings=_REVISE,
    )
    first, second = model.metrics
    assert first["reports"] == {"complete": 0, "partial": 1, "unconfirmed": 0, "revised": 0}
    assert first["devices"] == {"reported": 0, "failed": 1, "missing": 2}
    assert first["errorCodes"] == {"E": 1}
    assert first["timeToCompleteMs"]["count"] == 1
    assert second["reports"] == {"complete": 0, "partial": 1, "unconfirmed": 0, "revised": 1}
    assert second["devices"] == {"reported": 2, "failed": 0, "missing": -1}
    assert second["numberOfSessions"] == 10
    assert second["errorCodes"] == {}
    assert second["timeToCompleteMs"]["count"] == 0


def _memory(entry: Txid) -> int:
    return 1 if entry.is_mark else 10 + len(entry.items)


def test_capacity_takes_bodies_then_markers_then_the_earliest_opened() -> None:
    """In this order, until all is under the share."""
    settings = replace(_REVISE, memory=_memory, share_bytes=34, remember_ms=100_000)
    model = history(
        (1_000, usage("a", "1", "2")),
        (1_001, usage("b", "1", "2")),
        (1_002, usage("c", "1")),
        settings=settings,
    )
    assert {name: entry.is_mark for name, entry in model.table.items()} == {
        "a": True,
        "b": False,
        "c": False,
    }
    model = history(
        (1_000, usage("a", "1", "2")),
        (1_001, usage("b", "1")),
        (1_002, usage("c", "1")),
        (1_003, usage("d", "1")),
        (1_004, usage("e", "1")),
        settings=settings,
    )
    assert (
        closed(model)
        == [
            ("a", "device_limit", "01.000"),
            ("b", "capacity", "01.004"),
        ][: len(model.reports)]
    )
    assert model.forgotten_early == 1


def test_a_txid_that_is_too_large_is_emitted_and_marked() -> None:
    """What comes then is late under either policy; a rule that is true goes first."""
    settings = replace(_REVISE, memory=_memory, txid_bytes=12)
    model = history((1_000, '{"txid":"t","usage":[{},{"n":1}]}'), settings=settings)
    assert closed(model) == [("t", "capacity", "01.000")]
    assert model.table["t"].is_mark
    model = history((1_000, usage("t", "1", "2")), (1_001, usage("t", "3")), settings=settings)
    assert closed(model) == [("t", "device_limit", "01.000"), ("t", "capacity", "01.001")]


def test_an_oversized_item_is_named_by_the_reports_to_come() -> None:
    """Its record is a dead letter that opens, prolongs and reopens nothing."""
    settings = replace(_REVISE, report_bytes=4_096 + 50)
    large, nameless = ('{"imei":"7","x":"%s"}' % ("y" * 40), '{"xx":"%s"}' % ("y" * 50))
    at_the_limit = '{"imei":"1","x":"%s"}' % ("y" * 31)
    assert len(at_the_limit) == 50
    record = f'{{"txid":"t","usage":[{{}},{large}],"errors":[{nameless}]}}'
    model = history(
        (1_000, record),
        (1_010, f'{{"txid":"t","usage":[{at_the_limit}]}}'),
        (1_050, record),
        (1_110, record),
        (1_120, usage("t", "2", "3")),
        (1_130, "{}"),
        (2_000, "{}"),
        settings=settings,
    )
    assert [letter.reason for letter in model.dead_letters] == [
        *3 * ["oversized_item"],
        *2 * ["missing_txid"],
    ]
    assert _summaries(model, "revision", "completedBy") == [(0, "inactivity"), (1, "inactivity")]
    assert [devices["oversized"] for devices in map(_of_report, model.reports)] == [
        ["(no imei)", "7"]
    ] * 2


def _of_report(report: dict[str, Any]) -> dict[str, Any]:
    devices: dict[str, Any] = report["summary"]["devices"]
    return devices
