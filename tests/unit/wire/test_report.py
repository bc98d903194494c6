"""Report records."""

from __future__ import annotations

import json

import msgspec
import pytest

from consumer.wire import report
from consumer.wire.report import CompletedBy, Devices, Outcome, Part, Source, Summary

EXAMPLE = (
    '{"txid":"té\\"1","usage":[{ "imei":"1", "x":1e999 },{}],"errors":[{"imei":"3"}],'
    '"summary":{"outcome":"complete","completedBy":"expected_devices","revision":0,'
    '"part":{"index":1,"count":1},'
    '"devices":{"expected":3,"reported":2,"failed":1,'
    '"missing":["4"],"unexpected":[],"repeated":["1"],"conflicting":[]},'
    '"numberOfSessions":41,"bytesTransferred":123456789012345678901234567890,'
    '"errorCodes":{"A":2,"INVALID_PARAMETER":1},'
    '"callbacks":3,"duplicates":0,'
    '"openedAt":"2026-11-24T02:31:52.123Z","closedAt":"2026-11-24T02:31:58.001Z",'
    '"source":{"topic":"thingspace.callbacks","partition":0,"firstOffset":17,"lastOffset":44}}}'
).encode()


def _summary(expected: int | None = 3) -> Summary:
    return Summary(
        outcome=Outcome.COMPLETE,
        completed_by=CompletedBy.EXPECTED_DEVICES,
        revision=0,
        part=Part(1, 1),
        devices=Devices(expected, 2, 1, ["4"], [], ["1"], []),
        number_of_sessions=41,
        bytes_transferred=123456789012345678901234567890,
        error_codes={"INVALID_PARAMETER": 1, "A": 2},
        callbacks=3,
        duplicates=0,
        opened_at="2026-11-24T02:31:52.123Z",
        closed_at="2026-11-24T02:31:58.001Z",
        source=Source("thingspace.callbacks", 0, 17, 44),
    )


def test_encode() -> None:
    """Names, order of fields, verbatim items, exact totals: the record byte by byte."""
    usage = b'{ "imei":"1", "x":1e999 },{}'
    assert report.encode('té"1', usage, b'{"imei":"3"}', _summary()) == EXAMPLE


def test_decode() -> None:
    """A report reads back into what it was made of, its items untouched."""
    decoded = report.decode(EXAMPLE)
    assert decoded.txid == 'té"1'
    assert [bytes(raw) for raw in decoded.usage] == [b'{ "imei":"1", "x":1e999 }', b"{}"]
    assert [bytes(raw) for raw in decoded.errors] == [b'{"imei":"3"}']
    assert decoded.summary == _summary()


def test_top_level_is_the_model_of_thingspace() -> None:
    """`txid`, `usage`, `errors` as specified, both arrays always there, and one addition."""
    value = report.encode("txid2", b"", b"", _summary(expected=None))
    record = json.loads(value)
    assert list(record) == ["txid", "usage", "errors", "summary"]
    assert (record["txid"], record["usage"], record["errors"]) == ("txid2", [], [])
    assert record["summary"]["devices"]["expected"] is None


def test_order_of_error_codes_does_not_show() -> None:
    """Codes that arrived in another order make the same bytes."""
    other = _summary()
    other.error_codes = {"A": 2, "INVALID_PARAMETER": 1}
    assert report.encode("t", b"", b"", other) == report.encode("t", b"", b"", _summary())


def test_closed_sets() -> None:
    """Outcomes and rules are those of the contract."""
    assert {str(outcome) for outcome in Outcome} == {"complete", "partial", "unconfirmed"}
    assert {str(rule) for rule in CompletedBy} == {
        "expected_devices",
        "device_limit",
        "inactivity",
        "max_age",
        "capacity",
    }


@pytest.mark.parametrize("value", [b"", b"{}", b'{"txid":"a","usage":[],"errors":[]}', b"[1"])
def test_decode_refuses(value: bytes) -> None:
    """What is not a report is an error of the decoder, a `ValueError`."""
    with pytest.raises(msgspec.DecodeError):
        report.decode(value)
