from __future__ import annotations

from typing import Any

from tests.oracle.model import DeadLetter, Settings, run
from tests.oracle.record import Record
from tests.unit.oracle.histories import SETTINGS, closed, history, usage


def test_a_report_in_full() -> None:
    """All fields of a report, worked out by hand."""
    one = '{"imei":"1","numberOfSessions":2,"bytesTransferred":30,"x":1.0}'
    two = '{"imei":"1","numberOfSessions":3,"bytesTransferred":40}'
    error = '{"imei":"1","errorResponse":{"errorCode":"E"}}'
    bare = '{"errorMessage":"no device"}'
    model = history(
        (1_000, f'{{"txid":"t","usage":[{one}]}}'),
        (1_010, f'{{"txid":"t","usage":[{two}, {one}],"errors":[{error},{bare}]}}'),
        (
            1_020,
            '{"txid":"t","usage":[{"x":1.0,"imei":"1","bytesTransferred":30,"numberOfSessions":2}]}',
        ),
        (1_030, usage("t", "2")),
    )
    assert model.reports == [
        {
            "txid": "t",
            "usage": [one, two, '{"imei":"2","numberOfSessions":1}'],
            "errors": [error, bare],
            "summary": {
                "outcome": "complete",
                "completedBy": "device_limit",
                "revision": 0,
                "part": {"index": 1, "count": 1},
                "devices": {
                    "expected": None,
                    "reported": 2,
                    "failed": 1,
                    "missing": [],
                    "unexpected": [],
                    "repeated": ["1"],
                    "conflicting": ["1"],
                },
                "numberOfSessions": 6,
                "bytesTransferred": 70,
                "errorCodes": {"E": 1},
                "callbacks": 4,
                "duplicates": 2,
                "openedAt": "1970-01-01T00:00:01.000Z",
                "closedAt": "1970-01-01T00:00:01.030Z",
                "source": {"topic": "in", "partition": 3, "firstOffset": 10, "lastOffset": 13},
            },
        }
    ]


def test_inactivity_counts_from_the_last_part() -> None:
    """A duplicate prolongs nothing; a part does; the report closes at its deadline."""
    model = history(
        (1_000, usage("t", "1")), (1_050, usage("t", "1")), (1_099, "{}"), (1_200, "{}")
    )
    assert closed(model) == [("t", "inactivity", "01.100")]
    model = history((1_000, usage("t", "1")), (1_099, '{"txid":"t","usage":[{}]}'), (1_199, "{}"))
    assert closed(model) == [("t", "inactivity", "01.199")]


def test_a_bare_txid_opens_and_later_prolongs_nothing() -> None:
    """The first callback of a txid is a part even without items, another bare one is not."""
    model = history((1_000, '{"txid":"t"}'), (1_090, '{"txid":"t"}'), (1_100, "{}"))
    assert closed(model) == [("t", "inactivity", "01.100")]
    assert model.reports[0]["summary"]["callbacks"] == 2


def test_max_age_counts_from_the_opening() -> None:
    """However busy, a txid is emitted when it is old."""
    parts = [(at, f'{{"txid":"t","usage":[{{"n":{at}}}]}}') for at in range(1_000, 1_300, 60)]
    assert closed(history(*parts, (1_249, "{}"))) == []
    assert closed(history(*parts, (1_250, "{}"))) == [("t", "max_age", "01.250")]


def test_the_device_limit_wants_exactly_so_many() -> None:
    """A record that jumps over the limit proves the request larger; 0 is off."""
    assert closed(history((1, usage("t", "1", "2")))) == [("t", "device_limit", "00.001")]
    assert closed(history((1, usage("t", "1")), (2, usage("t", "2", "3", "4")))) == []
    assert closed(history((1, '{"txid":"t","usage":[{},{"n":1}]}'))) == []
    assert closed(history((1, usage("t", "1", "2")), settings=Settings(device_limit=0))) == []


def test_due_reports_fire_by_deadline_then_opening() -> None:
    """Before a record applies, everything due fires in order."""
    model = history(
        (1_000, usage("b", "1")),
        (1_000, usage("a", "1")),
        (1_010, usage("c", "1")),
        (1_050, usage("b", "1", sessions=2)),
        (2_000, usage("a", "2")),
    )
    assert [txid for txid, *_ in closed(model)] == ["a", "c", "b"]
    assert set(model.open) == {"a"}


def test_a_closed_txid_is_remembered() -> None:
    """A duplicate changes nothing, something new is late, a bare callback is neither."""
    model = history(
        (1_000, usage("t", "1", "2")),
        (1_001, usage("t", "2")),
        (1_002, usage("t", "2", "3")),
        (1_003, '{"txid":"t"}'),
        (1_004, usage("t", "3")),
    )
    assert len(model.reports) == 1
    assert model.dead_letters == [DeadLetter(3, 12, "late"), DeadLetter(3, 14, "late")]
    window = model.windows[1_000]
    assert window["records"]["callbacks"] == 3
    assert window["records"]["deadLetters"] == 2
    assert window["items"] == {"usage": 2, "errors": 0, "duplicates": 2, "late": 2}


def test_an_error_equal_to_a_usage_item_is_not_its_duplicate() -> None:
    """Items are unique within their array."""
    model = history((1_000, '{"txid":"t","usage":[{"imei":"1"}],"errors":[{"imei":"1"}]}'))
    assert model.open["t"].duplicates == 0


def test_a_txid_is_forgotten_after_a_while() -> None:
    """From then on the same callback opens a new report."""
    parts = usage("t", "1", "2")
    assert closed(history((1_000, parts), (1_299, parts))) == [("t", "device_limit", "01.000")]
    assert closed(history((1_000, parts), (1_300, parts))) == [
        ("t", "device_limit", "01.000"),
        ("t", "device_limit", "01.300"),
    ]


def test_a_jump_of_the_clock_closes_and_forgets_at_once() -> None:
    """Times are deadlines, not the moment of the jump."""
    model = history((1_000, usage("t", "1")), (9_000, usage("t", "1")))
    assert closed(model) == [("t", "inactivity", "01.100")]
    assert model.open["t"].opened_at == 9_000


def test_the_clock_never_goes_back() -> None:
    """An older timestamp, or none, leaves the clock where it stands."""
    model = history((1_000, usage("a", "1")), (500, usage("b", "1")), (-1, usage("c", "1")))
    assert {entry.opened_at for entry in model.open.values()} == {1_000}


def test_a_metrics_window_in_full() -> None:
    """Records count when consumed, reports when closed; worked out by hand."""
    model = history(
        (1_900, usage("t", "1", sessions=4)),
        (1_910, '{"txid":"u","errors":[{"imei":"1","errorResponse":{"errorCode":"E"}}]}'),
        (1_920, '{"txid":"t","status":"QUEUED"}'),
        (1_930, '{"txid":"e","imei":["1"]}'),
        (1_940, "?"),
        (1_950, usage("t", "2", sessions=3)),
        (3_500, usage("v", "1")),
        (4_000, ""),
    )
    first, second, third = model.metrics
    assert first == {
        "window": {"start": "1970-01-01T00:00:01.000Z", "end": "1970-01-01T00:00:02.000Z"},
        "app": "session-reports",
        "partition": 3,
        "records": {"callbacks": 3, "expectations": 1, "acknowledgements": 1, "deadLetters": 1},
        "items": {"usage": 2, "errors": 1, "duplicates": 0, "late": 0},
        "reports": {"complete": 1, "partial": 0, "unconfirmed": 0, "revised": 0},
        "devices": {"reported": 2, "failed": 0, "missing": 0},
        "numberOfSessions": 7,
        "bytesTransferred": 0,
        "errorCodes": {},
        "timeToCompleteMs": {"count": 1, "sum": 50, "min": 50, "max": 50},
    }
    assert second["window"]["start"] == "1970-01-01T00:00:02.000Z"
    assert second["records"] == dict.fromkeys(first["records"], 0)
    assert second["reports"] == {"complete": 0, "partial": 1, "unconfirmed": 1, "revised": 0}
    assert second["devices"] == {"reported": 0, "failed": 1, "missing": 1}
    assert second["errorCodes"] == {"E": 1}
    assert third["window"]["start"] == "1970-01-01T00:00:03.000Z"
    assert third["reports"]["unconfirmed"] == 1
    assert third["timeToCompleteMs"] == {"count": 1, "sum": 100, "min": 100, "max": 100}
    assert list(model.windows) == [4_000]


def test_conservation() -> None:
    """Whatever happens, items merged are items reported plus items still open."""
    model = history(
        *((1_000 + 37 * n, usage(f"t{n % 7}", str(n % 3), str(n % 5))) for n in range(200)),
    )
    windows: list[dict[str, Any]] = [*model.metrics, *model.windows.values()]
    assert sum(sum(window["records"].values()) for window in windows) == 200
    merged = sum(window["items"]["usage"] for window in windows)
    reported = sum(len(report["usage"]) for report in model.reports)
    still_open = sum(len(entry.items) for entry in model.open.values())
    assert reported > 100
    assert merged == reported + still_open


def test_partitions_are_on_their_own() -> None:
    """One txid in two partitions is two reports: nothing is shared."""
    value = usage("t", "1", "2").encode()
    models = run([Record("in", p, 0, 1_000 + p, None, value) for p in (0, 1)], SETTINGS)
    assert [len(model.reports) for model in models.values()] == [1, 1]
