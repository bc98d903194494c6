"""Classification of input records: one table of good ones, one of hostile ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from consumer.wire.callback import (
    MAX_DEPTH,
    Acknowledgement,
    Callback,
    Decoded,
    ErrorItem,
    ErrorResponse,
    Expectation,
    Rejection,
    UsageItem,
    decode,
    decode_error_item,
    decode_usage_item,
)
from consumer.wire.dead_letter import Reason
from tests.unit.wire.spelling import SPELLINGS

TXID = "7b2a4c52-9a1e-4f51-8d43-1a2b3c4d5e6f"
SECRET = "5ecret-5ecret"  # noqa: S105 -- stands for payload that no message may show

USAGE: dict[str, Any] = {
    "imei": "709312034493372",
    "numberOfSessions": 1,
    "bytesTransferred": 2057,
    "example": {"key1": "val1", "key2": [1, 1.0, True, None]},
}
ERROR: dict[str, Any] = {
    "imei": "imei1",
    "errorMessage": "errorMessage3",
    "errorResponse": {
        "errorCode": "SUCCESS",
        "errorMessage": "errorMessage7",
        "httpStatusCode": "304 NOT_MODIFIED",
        "detailErrorMessage": "detailErrorMessage3",
        "unknown": 1,
    },
}
USAGE_ITEM = UsageItem("709312034493372", 1, 2057)
ERROR_ITEM = ErrorItem(
    "imei1",
    "errorMessage3",
    ErrorResponse("SUCCESS", "errorMessage7", "304 NOT_MODIFIED", "detailErrorMessage3"),
)
LARGEST = 2**63 - 1

CALLBACKS: dict[str, tuple[dict[str, Any], list[UsageItem], list[ErrorItem]]] = {
    "usage": ({"txid": TXID, "usage": [USAGE]}, [USAGE_ITEM], []),
    "errors": ({"txid": TXID, "errors": [ERROR]}, [], [ERROR_ITEM]),
    "both": (
        {"txid": TXID, "usage": [USAGE, USAGE], "errors": [ERROR]},
        [USAGE_ITEM, USAGE_ITEM],
        [ERROR_ITEM],
    ),
    "bare": ({"txid": TXID}, [], []),
    "bare, nulls are absent": (
        {"txid": TXID, "usage": None, "errors": None, "imei": None, "status": None},
        [],
        [],
    ),
    "bare, unknown property": ({"txid": TXID, "callbackCount": 3}, [], []),
    "empty arrays": ({"txid": TXID, "usage": [], "errors": []}, [], []),
    "usage empty, errors null": ({"txid": TXID, "usage": [], "errors": None}, [], []),
    "item without properties": ({"txid": TXID, "usage": [{}]}, [UsageItem()], []),
    "item of nulls": (
        {
            "txid": TXID,
            "usage": [{"imei": None, "numberOfSessions": None, "bytesTransferred": None}],
            "errors": [
                {"imei": None, "errorMessage": None, "errorResponse": None},
                {"errorResponse": {"errorCode": None, "detailErrorMessage": None}},
            ],
        },
        [UsageItem()],
        [ErrorItem(), ErrorItem(error_response=ErrorResponse())],
    ),
    "smallest and largest": (
        {
            "txid": TXID,
            "usage": [{"imei": "", "numberOfSessions": 0, "bytesTransferred": LARGEST}],
        },
        [UsageItem("", 0, LARGEST)],
        [],
    ),
    "longest names": (
        {
            "txid": "ü" * 256,
            "usage": [{"imei": "é" * 256}],
            "errors": [{"errorResponse": {"errorCode": "🚚" * 256, "errorMessage": "m" * 999}}],
        },
        [UsageItem("é" * 256)],
        [ErrorItem(error_response=ErrorResponse("🚚" * 256, "m" * 999))],
    ),
    "txid of characters that do not print": (
        {"txid": "\u2028\u200d\ufeff\ud7ff\U0010ffff", "usage": [USAGE]},
        [USAGE_ITEM],
        [],
    ),
    "txid of spaces": ({"txid": " ", "usage": [USAGE]}, [USAGE_ITEM], []),
    "imei array is ignored beside items": (
        {"txid": TXID, "usage": [USAGE], "imei": [1, 2]},
        [USAGE_ITEM],
        [],
    ),
    "status is ignored beside items": (
        {"txid": TXID, "errors": [ERROR], "status": 17, "imei": "x"},
        [],
        [ERROR_ITEM],
    ),
}

OTHERS: dict[str, tuple[dict[str, Any], Expectation | Acknowledgement]] = {
    "expectation": ({"txid": TXID, "imei": ["1", "b"]}, Expectation(TXID, ["1", "b"])),
    "expectation of the whole account": ({"txid": TXID, "imei": []}, Expectation(TXID, [])),
    "expectation, items null": (
        {"txid": TXID, "imei": [""], "usage": None, "errors": None},
        Expectation(TXID, [""]),
    ),
    "expectation before status": (
        {"txid": TXID, "status": "QUEUED", "imei": ["1"]},
        Expectation(TXID, ["1"]),
    ),
    "expectation, longest": ({"txid": TXID, "imei": ["é" * 256]}, Expectation(TXID, ["é" * 256])),
    "queued": ({"txid": TXID, "status": "QUEUED"}, Acknowledgement(TXID)),
    "completed": ({"txid": TXID, "status": "COMPLETED", "x": 1}, Acknowledgement(TXID)),
    "status beside one imei": (
        {"txid": TXID, "imei": "123", "status": "QUEUED"},
        Acknowledgement(TXID),
    ),
}


def _nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """A callback whose unknown property makes it `depth` deep, itself included."""
    return b'{"txid":"a","x":%b1%b}' % (opening * (depth - 1), closing * (depth - 1))


_S = SECRET.encode()
HOSTILE: dict[str, tuple[bytes | None, Reason]] = {
    "no value": (None, Reason.EMPTY_VALUE),
    "empty": (b"", Reason.EMPTY_VALUE),
    "framed": (b'\x00\x00\x00\x00\x07{"txid":"a"}', Reason.FRAMED_VALUE),
    "framed, not UTF-8": (b"\x00\xff\xfe", Reason.FRAMED_VALUE),
    "framed, deep": (b"\x00" + _nested(9999), Reason.FRAMED_VALUE),
    "zero byte alone": (b"\x00", Reason.FRAMED_VALUE),
    "latin-1 in an item": (b'{"txid":"a","usage":[{"x":"\xe9"}]}', Reason.INVALID_UTF8),
    "latin-1 in the txid": (b'{"txid":"\xe9"}', Reason.INVALID_UTF8),
    "latin-1 in a skipped value": (b'{"txid":"a","x":"\xe9"}', Reason.INVALID_UTF8),
    "latin-1 in a skipped key": (b'{"txid":"a","\xe9":1}', Reason.INVALID_UTF8),
    "encoded surrogate": (b'{"txid":"a","x":"\xed\xa0\x80"}', Reason.INVALID_UTF8),
    "overlong": (b'{"txid":"a","x":"\xc0\xaf"}', Reason.INVALID_UTF8),
    "UTF-16": ('{"txid":"a"}'.encode("utf-16"), Reason.INVALID_UTF8),
    "UTF-16 without mark": ('{"txid":"a"}'.encode("utf-16-le"), Reason.MALFORMED_JSON),
    "byte order mark": (b'\xef\xbb\xbf{"txid":"a"}', Reason.MALFORMED_JSON),
    "not UTF-8 and broken": (b"{\xff", Reason.INVALID_UTF8),
    "white space": (b" \n", Reason.MALFORMED_JSON),
    "text": (_S, Reason.MALFORMED_JSON),
    "truncated": (b'{"txid":"a","usage":[{"imei":"1"}', Reason.MALFORMED_JSON),
    "truncated in a string": (b'{"txid":"' + _S, Reason.MALFORMED_JSON),
    "truncated after a backslash": (b'{"txid":"a\\', Reason.MALFORMED_JSON),
    "neighbour's rest": (b'{"imei":"2"}]}', Reason.MALFORMED_JSON),
    "two values": (b'{"txid":"b"},{"txid":"c"}', Reason.MALFORMED_JSON),
    "two lines": (b'{"txid":"b"}\n{"txid":"c"}', Reason.MALFORMED_JSON),
    "trailing comma": (b'{"txid":"a",}', Reason.MALFORMED_JSON),
    "trailing comma in items": (b'{"txid":"a","usage":[{},]}', Reason.MALFORMED_JSON),
    "single quotes": (b"{'txid':'a'}", Reason.MALFORMED_JSON),
    "comment": (b'{"txid":"a"} // x', Reason.MALFORMED_JSON),
    "NaN": (b'{"txid":"a","x":NaN}', Reason.MALFORMED_JSON),
    "Infinity": (b'{"txid":"a","x":-Infinity}', Reason.MALFORMED_JSON),
    "leading zero": (b'{"txid":"a","x":01}', Reason.MALFORMED_JSON),
    "control character": (b'{"txid":"a","x":"\n"}', Reason.MALFORMED_JSON),
    "lone surrogate in the txid": (b'{"txid":"\\ud800"}', Reason.MALFORMED_JSON),
    "lone surrogate skipped": (b'{"txid":"a","x":"\\udc00 "}', Reason.MALFORMED_JSON),
    "unknown escape": (b'{"txid":"a","x":"\\q"}', Reason.MALFORMED_JSON),
    "wrong type, then broken": (b'{"txid":5,"usage":7,"x":', Reason.MALFORMED_JSON),
    "an array, then broken": (b"[1", Reason.MALFORMED_JSON),
    "broken item, broken end": (b'{"txid":"a","usage":[5]', Reason.MALFORMED_JSON),
    "too deep": (_nested(MAX_DEPTH + 1), Reason.TOO_DEEP),
    "too deep, objects": (_nested(MAX_DEPTH + 1, b'{"a":', b"}"), Reason.TOO_DEEP),
    "too deep in an item": (
        b'{"txid":"a","usage":[{"x":%b%b}]}' % (b"[" * MAX_DEPTH, b"]" * MAX_DEPTH),
        Reason.TOO_DEEP,
    ),
    "too deep, far": (_nested(100_000), Reason.TOO_DEEP),
    "too deep, never closed": (b'{"txid":"a","x":' + b"[" * 100_000, Reason.TOO_DEEP),
    "too deep, mixed with strings": (
        _nested(MAX_DEPTH + 1, b'[{"]}":"}]\\\\","\\"]":', b"}]"),
        Reason.TOO_DEEP,
    ),
    "null": (b"null", Reason.SCHEMA),
    "a number": (b"17", Reason.SCHEMA),
    "a string": (b'"%b"' % _S, Reason.SCHEMA),
    "an array": (b'[{"txid":"a"}]', Reason.SCHEMA),
    "usage an object": (b'{"txid":"a","usage":{"imei":"1"}}', Reason.SCHEMA),
    "usage a string": (b'{"txid":"a","usage":"%b"}' % _S, Reason.SCHEMA),
    "usage false": (b'{"txid":"a","usage":false,"status":"QUEUED"}', Reason.SCHEMA),
    "errors a number": (b'{"txid":"a","usage":[],"errors":0}', Reason.SCHEMA),
    "item null": (b'{"txid":"a","usage":[null]}', Reason.SCHEMA),
    "item a string": (b'{"txid":"a","errors":["%b"]}' % _S, Reason.SCHEMA),
    "item an array": (b'{"txid":"a","usage":[[]]}', Reason.SCHEMA),
    "second item bad": (b'{"txid":"a","usage":[{},{"imei":5}]}', Reason.SCHEMA),
    "error bad beside good usage": (
        b'{"txid":"a","usage":[{}],"errors":[{"imei":[]}]}',
        Reason.SCHEMA,
    ),
    "imei a number": (b'{"txid":"a","usage":[{"imei":709312034493372}]}', Reason.SCHEMA),
    "imei too long": (b'{"txid":"a","usage":[{"imei":"%b"}]}' % (b"1" * 257), Reason.SCHEMA),
    "imei bad, then good": (b'{"txid":"a","usage":[{"imei":1,"imei":"1"}]}', Reason.SCHEMA),
    "sessions negative": (b'{"txid":"a","usage":[{"numberOfSessions":-1}]}', Reason.SCHEMA),
    "sessions a float": (b'{"txid":"a","usage":[{"numberOfSessions":1.0}]}', Reason.SCHEMA),
    "sessions with exponent": (b'{"txid":"a","usage":[{"numberOfSessions":1e3}]}', Reason.SCHEMA),
    "sessions true": (b'{"txid":"a","usage":[{"numberOfSessions":true}]}', Reason.SCHEMA),
    "sessions a string": (b'{"txid":"a","usage":[{"numberOfSessions":"1"}]}', Reason.SCHEMA),
    "bytes too large": (
        b'{"txid":"a","usage":[{"bytesTransferred":9223372036854775808}]}',
        Reason.SCHEMA,
    ),
    "bytes beyond 64 bits": (
        b'{"txid":"a","usage":[{"bytesTransferred":18446744073709551617}]}',
        Reason.SCHEMA,
    ),
    "bytes of 5,000 digits": (
        b'{"txid":"a","usage":[{"bytesTransferred":%b}]}' % (b"9" * 5000),
        Reason.SCHEMA,
    ),
    "bytes out of range": (b'{"txid":"a","usage":[{"bytesTransferred":1e999}]}', Reason.SCHEMA),
    "error message a number": (b'{"txid":"a","errors":[{"errorMessage":1}]}', Reason.SCHEMA),
    "error response a string": (
        b'{"txid":"a","errors":[{"errorResponse":"%b"}]}' % _S,
        Reason.SCHEMA,
    ),
    "error code too long": (
        b'{"txid":"a","errors":[{"errorResponse":{"errorCode":"%b"}}]}' % (b"E" * 257),
        Reason.SCHEMA,
    ),
    "http status a number": (
        b'{"txid":"a","errors":[{"errorResponse":{"httpStatusCode":304}}]}',
        Reason.SCHEMA,
    ),
    "expectation of numbers": (b'{"txid":"a","imei":["1",2]}', Reason.SCHEMA),
    "expectation of null": (b'{"txid":"a","imei":[null]}', Reason.SCHEMA),
    "expectation too long": (b'{"txid":"a","imei":["%b"]}' % (b"1" * 257), Reason.SCHEMA),
    "expectation bad beside status": (
        b'{"txid":"a","imei":[5],"status":"QUEUED"}',
        Reason.SCHEMA,
    ),
    "empty object": (b"{}", Reason.MISSING_TXID),
    "no txid": (b'{"usage":[{"imei":"%b"}]}' % _S, Reason.MISSING_TXID),
    "no txid, bad items": (b'{"usage":5}', Reason.MISSING_TXID),
    "no txid, expectation": (b'{"imei":["1"]}', Reason.MISSING_TXID),
    "txid null": (b'{"txid":null,"status":"QUEUED"}', Reason.MISSING_TXID),
    "txid null at last": (b'{"txid":"a","txid":null,"usage":[]}', Reason.MISSING_TXID),
    "txid of another case": (b'{"TXID":"a"}', Reason.MISSING_TXID),
    "txid empty": (b'{"txid":"","usage":[{}]}', Reason.INVALID_TXID),
    "txid a number": (b'{"txid":17,"usage":[{}]}', Reason.INVALID_TXID),
    "txid an array": (b'{"txid":["%b"]}' % _S, Reason.INVALID_TXID),
    "txid out of range": (b'{"txid":1e999}', Reason.INVALID_TXID),
    "txid too long": (b'{"txid":"%b"}' % (b"a" * 257), Reason.INVALID_TXID),
    "txid invalid, bad items": (b'{"txid":false,"usage":5}', Reason.INVALID_TXID),
    "txid with NUL": (b'{"txid":"%b\\u0000002","usage":[{}]}' % _S, Reason.INVALID_TXID),
    "txid with line feed": (b'{"txid":"a\\n","usage":[{}]}', Reason.INVALID_TXID),
    "txid with DEL": (b'{"txid":"a\x7f","usage":[{}]}', Reason.INVALID_TXID),
    "txid with C1": ('{"txid":"a\x85","usage":[{}]}'.encode(), Reason.INVALID_TXID),
    "imei not an array": (b'{"txid":"a","imei":"123"}', Reason.UNKNOWN_KIND),
    "imei an object": (b'{"txid":"a","imei":{}}', Reason.UNKNOWN_KIND),
    "status unknown": (b'{"txid":"a","status":"%b"}' % _S, Reason.UNKNOWN_KIND),
    "status of another case": (b'{"txid":"a","status":"queued"}', Reason.UNKNOWN_KIND),
    "status a number": (b'{"txid":"a","status":1}', Reason.UNKNOWN_KIND),
    "status out of range": (b'{"txid":"a","status":1e999}', Reason.UNKNOWN_KIND),
}


def _known(items: list[tuple[bytes, Any]]) -> list[Any]:
    return [item for _, item in items]


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("case", CALLBACKS.values(), ids=CALLBACKS.keys())
def test_callbacks(
    case: tuple[dict[str, Any], list[UsageItem], list[ErrorItem]], spell: Callable[[Any], bytes]
) -> None:
    """A callback is recognised in every spelling, and its items come out verbatim."""
    record, usage, errors = case
    value = spell(record)
    decoded = decode(value)
    assert isinstance(decoded, Callback)
    assert decoded.txid == record["txid"]
    assert _known(decoded.usage) == usage
    assert _known(decoded.errors) == errors
    assert all(raw in value for raw, _ in [*decoded.usage, *decoded.errors])
    assert [json.loads(raw) for raw, _ in decoded.usage] == (record.get("usage") or [])
    assert [json.loads(raw) for raw, _ in decoded.errors] == (record.get("errors") or [])


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS.keys())
def test_expectations_and_acknowledgements(
    case: tuple[dict[str, Any], Expectation | Acknowledgement], spell: Callable[[Any], bytes]
) -> None:
    """What is not a callback is recognised in every spelling too."""
    record, expected = case
    assert decode(spell(record)) == expected


@pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile(case: tuple[bytes | None, Reason]) -> None:
    """What cannot be used is rejected with its reason, in one line that shows no payload."""
    value, reason = case
    decoded = decode(value)
    assert isinstance(decoded, Rejection)
    assert decoded.reason is reason
    assert 0 < len(decoded.message) <= 300
    assert decoded.message.isprintable()
    assert SECRET not in decoded.message


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (b'{"txid":"a","usage":[{},{"imei":5}]}', "`$.usage[1].imei`"),
        (b'{"txid":"a","errors":[7]}', "`$.errors[0]`"),
        (b'{"txid":"a","errors":[{"errorResponse":{"errorCode":7}}]}', "`$.errors[0].errorRes"),
        (b'{"txid":"a","usage":7}', "`$.usage`"),
        (b'{"txid":"a","imei":["1",7]}', "`$.imei[1]`"),
        (b'{"txid":7}', "`$.txid`"),
    ],
)
def test_message_names_the_place(value: bytes, path: str) -> None:
    """The message says where in the record the wrong thing stands."""
    decoded = decode(value)
    assert isinstance(decoded, Rejection)
    assert path in decoded.message


@pytest.mark.parametrize(
    "value",
    [
        _nested(MAX_DEPTH),
        _nested(MAX_DEPTH, b'{"a":', b"}"),
        b'{"txid":"a","x":"%b"}' % (b"[{" * 5000),
        b'{"txid":"a","x":"%b"}' % (b'[\\"{\\\\' * 5000),
        b'{"txid":"a","x":[%b[]]}' % (b"[],{}," * 5000),
    ],
    ids=["arrays", "objects", "in a string", "between escapes", "side by side"],
)
def test_nesting_within_the_limit(value: bytes) -> None:
    """Only true nesting counts, and `MAX_DEPTH` levels of it are accepted."""
    assert decode(value) == Callback("a", [], [])


def test_wide_callbacks() -> None:
    """A callback of thousands of items is no deeper than one of a single item."""
    item = b'{"imei":"1","x":[{"}]":[]}]}'
    decoded = decode(b'{"txid":"a","usage":[%b]}' % b",".join([item] * 5000))
    assert isinstance(decoded, Callback)
    assert decoded.usage == [(item, UsageItem("1"))] * 5000


def _near_the_end_of_the_stack(value: bytes) -> Decoded:
    """`decode(value)` with room for a hundred more frames."""
    used, frame = 0, sys._getframe()
    while frame.f_back is not None:
        used, frame = used + 1, frame.f_back

    def go_down(levels: int) -> Decoded:
        return go_down(levels - 1) if levels else decode(value)

    return go_down(sys.getrecursionlimit() - used - 100)


@pytest.mark.parametrize("depth", [10, MAX_DEPTH])
def test_decoder_out_of_stack(depth: int) -> None:
    """Where the call stack leaves too little room, that too is a rejection."""
    decoded = _near_the_end_of_the_stack(_nested(depth))
    if isinstance(decoded, Rejection):
        assert depth == MAX_DEPTH
        assert decoded.reason is Reason.TOO_DEEP
    else:
        assert decoded == Callback("a", [], [])


def test_neighbours_do_not_complete_each_other() -> None:
    """Three values that would be three good ones if joined are judged one by one."""
    values = [
        b'{"txid":"a","usage":[{"imei":"1"}',
        b'{"imei":"2"}]}',
        b'{"txid":"b"},{"txid":"c"}',
    ]
    assert len(json.loads(b"[%b]" % b",".join(values))) == 3
    for value in values:
        decoded = decode(value)
        assert isinstance(decoded, Rejection)
        assert decoded.reason is Reason.MALFORMED_JSON


def test_items_keep_what_no_decoder_can_hold() -> None:
    """Numbers beyond any type stay verbatim in properties that we do not read."""
    item = b'{ "imei" : "1","big":%b, "float":1e999 ,"imei":"\\u0032"}' % (b"9" * 5000)
    assert decode(b'{"txid":"a","usage":[ %b ]}' % item) == Callback(
        "a", [(item, UsageItem("2"))], []
    )


def test_items_do_not_hold_on_to_the_value() -> None:
    """An item is a copy: it must not keep a whole record alive."""
    decoded = decode(b'{"txid":"a","usage":[{"imei":"1"}],"errors":[{"imei":"2"}]}')
    assert isinstance(decoded, Callback)
    assert type(decoded.usage[0][0]) is bytes
    assert type(decoded.errors[0][0]) is bytes


def test_items_read_back() -> None:
    """A restore reads an item's known properties from its bytes."""
    value = SPELLINGS["spaced"]({"txid": TXID, "usage": [USAGE], "errors": [ERROR]})
    decoded = decode(value)
    assert isinstance(decoded, Callback)
    assert decode_usage_item(decoded.usage[0][0]) == USAGE_ITEM
    assert decode_error_item(decoded.errors[0][0]) == ERROR_ITEM
