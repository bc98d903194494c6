"""An oracle that cannot fail is worth nothing: every kind of planted mistake is reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.oracle import model, verify
from tests.oracle.model import Settings
from tests.oracle.outputs import Outputs, read_report
from tests.oracle.record import Record, iso
from tests.oracle.windows import empty_window
from tests.unit.oracle import written
from tests.unit.oracle.written import PREFIX, dump, metrics_record, report

_SETTINGS = Settings(
    device_limit=2,
    inactivity_ms=100,
    max_age_ms=250,
    window_ms=1_000,
    late_policy="dead-letter",
)
_Plant = Callable[[Outputs], Outputs]


def _input(offset: int, at: int, value: str, key: str = "k", partition: int = 0) -> Record:
    header = ("trace", b"\xff")
    return Record("in", partition, offset, at, key.encode(), value.encode(), (header,))


_INPUTS = [
    _input(0, 1_000, '{"txid":"a","usage":[{"imei":"1","numberOfSessions":5, "x":1.0}]}'),
    _input(1, 1_010, '{"txid":"b","usage":[{"imei":"1","bytesTransferred":7}]}'),
    _input(2, 1_020, '{"txid":"a","errors":[{"imei":"2","errorResponse":{"errorCode":"E"}}]}'),
    _input(
        3, 1_030, '{"txid":"a","usage":[{"imei":"3"},{"x":1.0,"imei":"1","numberOfSessions":5}]}'
    ),
    _input(4, 1_040, '{"txid":"b","usage":[{"imei":"1","bytesTransferred":7}]}'),
    _input(5, 1_050, '{"txid":"b","usage":[{"imei":"1"}]}'),
    _input(6, 1_060, '{"txid":"b","status":"QUEUED"}'),
    _input(7, 1_070, '{"txid":"b","usage":1}'),
    _input(8, 2_500, '{"txid":"c"}'),
    _input(9, 9_000, "?"),
    _input(10, 10_000, "!"),
    _input(0, 1_500, '{"txid":"d","usage":[{"imei":"1"},{"imei":"2"}]}', partition=1),
    _input(1, 9_000, "?", partition=1),
]
"""Partition 0: `a` completes (2) and gets something late (3); `b` closes by time after a
duplicate (4) and a second item (5); `c` is bare. Partition 1: `d`. Then time passes."""


def _right() -> Outputs:
    return written.outputs(_INPUTS, _SETTINGS)


def _live() -> Outputs:
    return written.outputs(_INPUTS, _SETTINGS, is_live=True)


def _changed(records: list[Record], index: int, change: Callable[[Any], None]) -> list[Record]:
    """`records` with the JSON of one of them changed in place."""
    record = records[index]
    has_items = b'"usage":[' in (record.value or b"")
    body = read_report(record).body if has_items else json.loads(record.value or b"")
    change(body)
    return [*records[:index], record._replace(value=dump(body)), *records[index + 1 :]]


def _set(*path_and_value: Any) -> Callable[[Any], None]:
    *path, last, value = path_and_value

    def change(body: Any) -> None:
        for name in path:
            body = body[name]
        body[last] = value

    return change


def _in_report(index: int, *path_and_value: Any) -> _Plant:
    change = _set(*path_and_value)
    return lambda outputs: outputs._replace(reports=_changed(outputs.reports, index, change))


def _in_metrics(index: int, *path_and_value: Any) -> _Plant:
    change = _set(*path_and_value)
    return lambda outputs: outputs._replace(metrics=_changed(outputs.metrics, index, change))


def _without(topic: str, index: int) -> _Plant:
    def plant(outputs: Outputs) -> Outputs:
        records = list(getattr(outputs, topic))
        del records[index]
        return outputs._replace(**{topic: records})

    return plant


def _again(topic: str, index: int) -> _Plant:
    def plant(outputs: Outputs) -> Outputs:
        records = getattr(outputs, topic)
        return outputs._replace(**{topic: [*records, records[index]._replace(offset=999)]})

    return plant


def _replaced(topic: str, index: int, **fields: Any) -> _Plant:
    def plant(outputs: Outputs) -> Outputs:
        records = list(getattr(outputs, topic))
        records[index] = records[index]._replace(**fields)
        return outputs._replace(**{topic: records})

    return plant


def _header(index: int, name: str, value: bytes) -> _Plant:
    def plant(outputs: Outputs) -> Outputs:
        letter = outputs.dead_letters[index]
        headers = tuple(
            (other, value if other == PREFIX + name else text) for other, text in letter.headers
        )
        return _replaced("dead_letters", index, headers=headers)(outputs)

    return plant


def test_right_outputs_pass() -> None:
    """Neither mode finds fault with what the contract demands."""
    assert verify.exact(_INPUTS, _right(), _SETTINGS) == []
    assert verify.live(_INPUTS, _live(), _SETTINGS) == []


def test_the_scenario_has_everything() -> None:
    """The planted mistakes have something of every kind to spoil."""
    outputs = _right()
    assert [record.key for record in outputs.reports] == [b"a", b"b", b"c", b"d"]
    reasons = [dict(letter.headers)[PREFIX + "exception"] for letter in outputs.dead_letters]
    assert reasons == [b"late", b"schema", *[b"malformed_json"] * 3]
    assert [record.key for record in outputs.metrics] == [
        f"{iso(start)}/{partition}".encode()
        for start, partition in ((1_000, 0), (2_000, 0), (9_000, 0), (1_000, 1))
    ]


_A, _B = 0, 1
_PLANTED = {
    "report lost": (_without("reports", _A), "missing report 'a'"),
    "report doubled": (_again("reports", _A), "doubled report 'a'"),
    "report invented": (_in_report(2, "txid", "z"), "invented report 'z'"),
    "report in another partition's name": (
        _in_report(_A, "summary", "source", "partition", 1),
        "invented report 'a' of partition 1",
    ),
    "item lost": (_in_report(_A, "usage", []), "wrong report 'a'"),
    "item doubled": (_in_report(_A, "errors", ["{}", "{}"]), "wrong report 'a'"),
    "item respelled": (
        _in_report(_A, "usage", ['{"imei":"1","numberOfSessions":5,"x":1.0}']),
        "wrong report 'a'",
    ),
    "items out of order": (
        _in_report(_B, "usage", ['{"imei":"1"}', '{"imei":"1","bytesTransferred":7}']),
        "wrong report 'b'",
    ),
    "late item merged": (
        _in_report(_A, "usage", ['{"imei":"1","numberOfSessions":5, "x":1.0}', '{"imei":"3"}']),
        "wrong report 'a'",
    ),
    "sessions": (_in_report(_A, "summary", "numberOfSessions", 10), "wrong report 'a'"),
    "sessions as a float": (_in_report(_A, "summary", "numberOfSessions", 5.0), "wrong report"),
    "bytes": (_in_report(_B, "summary", "bytesTransferred", 14), "wrong report 'b'"),
    "error codes": (_in_report(_A, "summary", "errorCodes", {}), "wrong report 'a'"),
    "devices": (_in_report(_A, "summary", "devices", "reported", 2), "wrong report 'a'"),
    "repeated": (_in_report(_B, "summary", "devices", "repeated", []), "wrong report 'b'"),
    "outcome": (_in_report(_B, "summary", "outcome", "complete"), "wrong report 'b'"),
    "cause": (_in_report(_B, "summary", "completedBy", "device_limit"), "wrong report 'b'"),
    "revision": (_in_report(_B, "summary", "revision", 1), "invented report 'b'"),
    "callbacks": (_in_report(_B, "summary", "callbacks", 2), "wrong report 'b'"),
    "duplicates": (_in_report(_B, "summary", "duplicates", 0), "wrong report 'b'"),
    "first offset": (_in_report(_B, "summary", "source", "firstOffset", 0), "wrong report 'b'"),
    "last offset": (_in_report(_B, "summary", "source", "lastOffset", 4), "wrong report 'b'"),
    "foreign offset": (_in_report(_B, "summary", "source", "lastOffset", 6), "wrong report 'b'"),
    "closed before its time": (
        _in_report(_B, "summary", "closedAt", "1970-01-01T00:00:01.060Z"),
        "wrong report 'b'",
    ),
    "closed after its time": (
        _in_report(_B, "summary", "closedAt", "1970-01-01T00:00:01.500Z"),
        "wrong report 'b'",
    ),
    "a clock gone back": (
        _in_report(_B, "summary", "openedAt", "1970-01-01T00:00:00.999Z"),
        "wrong report 'b'",
    ),
    "time misspelled": (
        _in_report(_B, "summary", "closedAt", "1970-01-01T00:00:01Z"),
        "unreadable report",
    ),
    "report key": (_replaced("reports", _A, key=b"k"), "wrong report 'a'"),
    "report torn": (_replaced("reports", _A, value=b'{"txid":"a"'), "unreadable report"),
    "something more": (_in_report(_A, "extra", 1), "wrong report 'a'"),
    "dead letter lost": (_without("dead_letters", 1), "missing dead letter 0@7"),
    "late one lost": (_without("dead_letters", 0), "dead letter 0@3"),
    "dead letter doubled": (_again("dead_letters", 1), "doubled dead letter 0@7"),
    "dead letter invented": (_header(1, "offset", b"0"), "invented dead letter 0@0"),
    "reason": (_header(1, "exception", b"late"), "wrong dead letter 0@7"),
    "good record called late": (_header(2, "offset", b"5"), "invented dead letter 0@5"),
    "source topic": (_header(1, "topic", b"dead"), "wrong dead letter 0@7"),
    "message of two lines": (_header(1, "message", b"a\nb"), "wrong dead letter 0@7"),
    "long message": (_header(1, "message", b"a" * 301), "wrong dead letter 0@7"),
    "no headers": (_replaced("dead_letters", 1, headers=()), "unreadable dead letter"),
    "dead letter's value": (_replaced("dead_letters", 1, value=b""), "wrong dead letter 0@7"),
    "dead letter's key": (_replaced("dead_letters", 1, key=None), "wrong dead letter 0@7"),
    "dead letter's time": (
        _replaced("dead_letters", 1, timestamp_ms=1_071),
        "wrong dead letter 0@7",
    ),
    "metrics lost": (_without("metrics", 0), "missing metrics record"),
    "metrics doubled": (_again("metrics", 0), "doubled metrics record"),
    "metrics of no window": (
        _in_metrics(2, "window", "start", "1970-01-01T00:00:05.500Z"),
        "metrics record 1970-01-01T00:00:05.500Z/0",
    ),
    "metrics key": (_replaced("metrics", 0, key=b"k"), "wrong metrics record"),
    "metrics records": (_in_metrics(0, "records", "callbacks", 6), "metrics"),
    "metrics items": (_in_metrics(0, "items", "usage", 2), "metrics"),
    "metrics reports": (_in_metrics(0, "reports", "complete", 2), "wrong metrics record"),
    "metrics devices": (_in_metrics(0, "devices", "failed", 0), "wrong metrics record"),
    "metrics totals": (_in_metrics(0, "bytesTransferred", 0), "wrong metrics record"),
    "metrics codes": (_in_metrics(0, "errorCodes", {"F": 1}), "wrong metrics record"),
    "metrics times": (_in_metrics(0, "timeToCompleteMs", "max", 1), "wrong metrics record"),
    "metrics torn": (_in_metrics(0, "items", 1), "unreadable metrics record"),
    "metrics of another app": (_in_metrics(0, "app", "x"), "wrong metrics record"),
}


@pytest.mark.parametrize("name", _PLANTED)
def test_every_mistake_is_reported(name: str) -> None:
    """Both modes report a mistake planted into right outputs, in the right words."""
    plant, words = _PLANTED[name]
    exact = verify.exact(_INPUTS, plant(_right()), _SETTINGS)
    assert any(words in problem for problem in exact), exact
    found_live = verify.live(_INPUTS, plant(_live()), _SETTINGS)
    if name != "closed after its time":  # possible, where idleness has a say
        words = words.replace("wrong metrics record", "metrics")
        assert any(words in problem for problem in found_live), found_live


def test_exact_wants_the_order_of_the_deadlines() -> None:
    """Two reports of one partition that changed places are right one by one, yet wrong."""
    outputs = _right()
    swapped = [
        outputs.reports[0]._replace(offset=outputs.reports[1].offset),
        outputs.reports[1]._replace(offset=outputs.reports[0].offset),
        *outputs.reports[2:],
    ]
    problems = verify.exact(_INPUTS, outputs._replace(reports=swapped), _SETTINGS)
    assert [problem.split()[0] for problem in problems] == ["reordered"]


def test_live_takes_other_times_than_the_timestamps_give() -> None:
    """Idleness may close `b` before its duplicate: then `b`'s second item must be late."""
    inputs = [
        _input(0, 1_000, '{"txid":"b","usage":[{"imei":"1"}]}'),
        _input(1, 1_010, '{"txid":"b","usage":[{"imei":"1"}]}'),
        _input(2, 1_020, '{"txid":"b","usage":[{"imei":"2"}]}'),
    ]
    replayed = model.Partition("in", 0, _SETTINGS)
    replayed.take(inputs[0])
    replayed.advance(5_000)
    replayed.take(inputs[1])
    replayed.take(inputs[2])
    replayed.advance(9_000)
    outputs = Outputs(
        [report(body, 0) for body in replayed.reports],
        [],
        [metrics_record(body, 0) for body in replayed.metrics],
    )
    assert "missing dead letter 0@2" in verify.live(inputs, outputs, _SETTINGS)
    assert verify.exact(inputs, outputs, _SETTINGS)


def test_an_empty_window_must_not_be_emitted() -> None:
    """A metrics record that counts nothing is one too many."""
    outputs = _live()
    empty = metrics_record(empty_window("session-reports", 0, 50_000, 51_000), 7)
    spoilt = outputs._replace(metrics=[*outputs.metrics, empty])
    assert [p.split()[0] for p in verify.live(_INPUTS, spoilt, _SETTINGS)] == ["invented"]
    assert [p.split()[0] for p in verify.exact(_INPUTS, _right(), _SETTINGS)] == []


def test_nothing_from_nothing() -> None:
    """No input demands no output, and any output is invented then."""
    nothing = Outputs([], [], [])
    assert verify.exact([], nothing, _SETTINGS) == verify.live([], nothing, _SETTINGS) == []
    for mode in (verify.exact, verify.live):
        kinds = {problem.split()[0] for problem in mode([], _live(), _SETTINGS)}
        assert "invented" in kinds
