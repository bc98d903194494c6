from __future__ import annotations

import json

from consumer.aggregation.emission import NAMELESS, encode_report, oversized_imeis
from consumer.aggregation.txid import Txid
from consumer.wire.callback import (
    Callback,
    ErrorItem,
    UsageItem,
    decode_error_item,
    decode_usage_item,
)
from consumer.wire.report import CompletedBy, Outcome
from tests.unit.aggregation.feed import POLICY, encode, error, usage


def encoded(state: Txid) -> bytes:
    """The report of `state`."""
    ((key, value),) = encode_report(
        state, Outcome.COMPLETE, CompletedBy.DEVICE_LIMIT, 9_876, POLICY, partition=3
    )
    assert key == state.txid.encode()
    return value


def test_the_report_shows_the_txid_as_it_stands() -> None:
    """Items verbatim in their order, totals, devices, times and source, byte by byte."""
    state = Txid("ä", 17, 1_234)
    state.last_offset, state.callbacks, state.duplicates = 44, 5, 2
    spelled = b'{ "numberOfSessions": 3, "imei" :"b" }'
    for raw in (spelled, encode(usage("a")), encode(usage("b", 4)), encode(usage())):
        state.add_usage(raw, decode_usage_item(raw))
    for item in (error("c", "Z"), error("b", "A"), error("a", "Z"), error()):
        raw = encode(item)
        state.add_error(raw, decode_error_item(raw))
    summary = {
        "outcome": "complete",
        "completedBy": "device_limit",
        "revision": 0,
        "part": {"index": 1, "count": 1},
        "devices": {
            "expected": None,
            "reported": 2,
            "failed": 3,
            "missing": [],
            "unexpected": [],
            "repeated": ["b"],
            "conflicting": ["a", "b"],
        },
        "numberOfSessions": 9,
        "bytesTransferred": 60,
        "errorCodes": {"A": 1, "E1": 1, "Z": 2},
        "callbacks": 5,
        "duplicates": 2,
        "openedAt": "1970-01-01T00:00:01.234Z",
        "closedAt": "1970-01-01T00:00:09.876Z",
        "source": {"topic": "callbacks", "partition": 3, "firstOffset": 17, "lastOffset": 44},
    }
    assert encoded(state) == (
        '{"txid":"ä","usage":['.encode()
        + b",".join((spelled, encode(usage("a")), encode(usage("b", 4)), encode(usage())))
        + b'],"errors":['
        + b",".join(map(encode, (error("c", "Z"), error("b", "A"), error("a", "Z"), error())))
        + b'],"summary":'
        + encode(summary)
        + b"}"
    )


def test_a_txid_without_items_has_both_arrays() -> None:
    """They are always present."""
    found = json.loads(encoded(Txid("t", 0, 0)))
    assert (found["usage"], found["errors"]) == ([], [])
    assert found["summary"]["errorCodes"] == {}
    assert found["summary"]["devices"]["reported"] == 0
    assert found["summary"]["devices"]["failed"] == 0


def test_many_devices_repeated_and_conflicting_are_sorted() -> None:
    """Also where the IMEIs of an array are too many for a list."""
    state = Txid("t", 0, 0)
    for number in reversed(range(40)):
        for item in (usage(f"{number:02}", 1), usage(f"{number:02}", 2)):
            raw = encode(item)
            state.add_usage(raw, decode_usage_item(raw))
        raw = encode(error(f"{number + 20:02}"))
        state.add_error(raw, decode_error_item(raw))
    devices = json.loads(encoded(state))["summary"]["devices"]
    assert devices["reported"] == devices["failed"] == 40
    assert devices["repeated"] == [f"{number:02}" for number in range(40)]
    assert devices["conflicting"] == [f"{number:02}" for number in range(20, 40)]


def test_expected_devices_are_compared_with_what_came() -> None:
    """Those in neither array are missing, those not asked for unexpected; both are sorted."""
    state = Txid("t", 0, 0)
    state.expect(["d", "a", "c"])
    for item in (usage("z"), usage("a"), usage()):
        raw = encode(item)
        state.add_usage(raw, decode_usage_item(raw))
    for item in (error("y"), error("a"), error()):
        raw = encode(item)
        state.add_error(raw, decode_error_item(raw))
    state.name_oversized(["d", "b"])
    assert json.loads(encoded(state))["summary"]["devices"] == {
        "expected": 3,
        "reported": 2,
        "failed": 2,
        "missing": ["c", "d"],
        "unexpected": ["y", "z"],
        "repeated": [],
        "conflicting": ["a"],
        "oversized": ["b", "d"],
    }


def test_oversized_items_are_those_that_fit_into_no_report() -> None:
    """Of either array, by their own bytes."""
    record = Callback(
        "t",
        [(b"1234", UsageItem("a")), (b"12345", UsageItem("b")), (b"12345", UsageItem())],
        [(b"12345", ErrorItem("c")), (b"1234", ErrorItem("d"))],
    )
    assert oversized_imeis(record, 4) == ["b", NAMELESS, "c"]
    assert oversized_imeis(record, 5) == []
