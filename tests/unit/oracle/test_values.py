from __future__ import annotations

import pytest

from tests.oracle.values import Acknowledgement, Bad, Callback, Expectation, classify


def test_reads_the_example_of_the_specification() -> None:
    """Usage and errors come out with their texts and the properties that are used."""
    usage = '{ "imei":"1", "numberOfSessions":2, "bytesTransferred":3, "example":{"k":1.0} }'
    error = '{"imei":"4","errorMessage":"no","errorResponse":{"errorCode":"INVALID_ACCESS"}}'
    value = classify(f' {{"usage":[{usage}],"errors":[ {error} ],"txid":"t"}}\n'.encode())
    assert isinstance(value, Callback)
    assert value.txid == "t"
    (item,) = value.usage
    assert (item.text, item.imei, item.sessions, item.bytes_transferred, item.error_code) == (
        usage,
        "1",
        2,
        3,
        None,
    )
    (item,) = value.errors
    assert (item.text, item.imei, item.sessions, item.bytes_transferred, item.error_code) == (
        error,
        "4",
        0,
        0,
        "INVALID_ACCESS",
    )


@pytest.mark.parametrize(
    "value",
    [
        b'{"txid":"t"}',
        b'{"txid":"t","usage":null,"status":null}',
        b'{"txid":"t","usage":[]}',
        b'{"txid":"t","errors":[],"imei":["1"],"status":"QUEUED"}',
        b'{"txid":"t","callbackCount":2,"other":[[]]}',
        b'{"txid":"u","txid":"t"}',
    ],
)
def test_callbacks_need_no_items(value: bytes) -> None:
    """A bare txid opens a report, and usage or errors decide over all other properties."""
    assert classify(value) == Callback("t", (), ())


def test_expectations_and_acknowledgements() -> None:
    """An array of IMEIs is an expectation, a known status an acknowledgement."""
    assert classify(b'{"txid":"t","imei":["1","x"]}') == Expectation("t", ("1", "x"))
    assert classify(b'{"txid":"t","imei":[],"status":"QUEUED"}') == Expectation("t", ())
    assert classify(b'{"txid":"t","status":"QUEUED"}') == Acknowledgement("t")
    assert classify(b'{"txid":"t","status":"COMPLETED","imei":"1"}') == Acknowledgement("t")


@pytest.mark.parametrize(
    ("reason", "value"),
    [
        ("empty_value", None),
        ("empty_value", b""),
        ("framed_value", b'\x00\x00\x00\x00\x01{"txid":"t"}'),
        ("invalid_utf8", b'{"txid":"\xff"}'),
        ("malformed_json", b" "),
        ("malformed_json", b'{"txid":"t"'),
        ("malformed_json", b'{"txid":"t"}{}'),
        ("malformed_json", b'{"txid":"t","usage":[{"x":NaN}]}'),
        ("malformed_json", b'{"txid":"t","usage":[{"x":"\\ud800"}]}'),
        ("malformed_json", b"\xef\xbb\xbf{}"),
        ("too_deep", b'{"txid":"t","x":' + b"[" * 500 + b"]" * 500 + b"}"),
        ("too_deep", b"[" * 1_000_000),
        ("schema", b"[]"),
        ("schema", b'"t"'),
        ("schema", b'{"txid":"t","usage":{}}'),
        ("schema", b'{"txid":"t","errors":"none"}'),
        ("schema", b'{"txid":"t","usage":[1]}'),
        ("schema", b'{"txid":"t","usage":[null]}'),
        ("schema", b'{"txid":"t","usage":[{"imei":1}]}'),
        ("schema", b'{"txid":"t","usage":[{"imei":"%s"}]}' % (b"1" * 257)),
        ("schema", b'{"txid":"t","usage":[{"numberOfSessions":true}]}'),
        ("schema", b'{"txid":"t","usage":[{"numberOfSessions":1.0}]}'),
        ("schema", b'{"txid":"t","usage":[{"bytesTransferred":-1}]}'),
        ("schema", b'{"txid":"t","usage":[{"bytesTransferred":9223372036854775808}]}'),
        ("schema", b'{"txid":"t","usage":[{"bytesTransferred":%s}]}' % (b"1" * 5_000)),
        ("schema", b'{"txid":"t","usage":[{"imei":1,"imei":"1"}]}'),
        ("schema", b'{"txid":"t","errors":[{"errorMessage":1}]}'),
        ("schema", b'{"txid":"t","errors":[{"errorResponse":[]}]}'),
        ("schema", b'{"txid":"t","errors":[{"errorResponse":{"errorCode":1}}]}'),
        ("schema", b'{"txid":"t","imei":[1]}'),
        ("missing_txid", b"{}"),
        ("missing_txid", b'{"txid":null,"usage":[]}'),
        ("invalid_txid", b'{"txid":1,"usage":[]}'),
        ("invalid_txid", b'{"txid":""}'),
        ("invalid_txid", b'{"txid":"a\\u0000"}'),
        ("invalid_txid", b'{"txid":"a\xc2\x85"}'),
        ("invalid_txid", b'{"txid":"%s"}' % (b"x" * 257)),
        ("unknown_kind", b'{"txid":"t","status":"FAILED"}'),
        ("unknown_kind", b'{"txid":"t","imei":"1"}'),
    ],
)
def test_reasons(reason: str, value: bytes | None) -> None:
    """Everything else is a dead letter, with the reason that comes first."""
    assert classify(value) == Bad(reason)


@pytest.mark.parametrize(
    "value",
    [
        b'{"txid":"t","usage":[{"x":%s}]}' % (b"[" * 497 + b"]" * 497),
        b'{"txid":"t","usage":[{"x":"%s"}]}' % (b"[" * 1_000),
        b'{"txid":"t","usage":[{"x":"\\"%s"}]}' % (b"[" * 1_000),
        b'{"txid":"t","usage":[{"x":1e999}]}',
        b'{"txid":"t","usage":[{"x":%s}]}' % (b"1" * 5_000),
        b'{"txid":"t","usage":[{"imei":null,"bytesTransferred":9223372036854775807}]}',
        b'{"txid":"t","usage":[{"errorResponse":7}]}',
        b'{"txid":"t","errors":[{"numberOfSessions":"many"}]}',
        b'{"txid":"t","usage":[{"imei":"\\ud83d\\ude00"}]}',
    ],
)
def test_what_looks_bad_but_is_not(value: bytes) -> None:
    """Limits hold where the contract puts them and nowhere else."""
    assert isinstance(classify(value), Callback)
