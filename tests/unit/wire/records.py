"""Input records and what they are: one table of each kind, and one of hostile ones."""

from __future__ import annotations

from typing import Any

from consumer.wire.callback import (
    MAX_DEPTH,
    Acknowledgement,
    ErrorItem,
    ErrorResponse,
    Expectation,
    UsageItem,
)
from consumer.wire.dead_letter import Reason

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


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """A callback whose unknown property makes it `depth` deep, itself included."""
    return b'{"txid":"a","x":%b1%b}' % (opening * (depth - 1), closing * (depth - 1))


_S = SECRET.encode()
HOSTILE: dict[str, tuple[bytes | None, Reason]] = {
    "no value": (None, Reason.EMPTY_VALUE),
    "empty": (b"", Reason.EMPTY_VALUE),
    "framed": (b'\x00\x00\x00\x00\x07{"txid":"a"}', Reason.FRAMED_VALUE),
    "framed, not UTF-8": (b"\x00\xff\xfe", Reason.FRAMED_VALUE),
    "framed, deep": (b"\x00" + nested(9999), Reason.FRAMED_VALUE),
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
    "too deep": (nested(MAX_DEPTH + 1), Reason.TOO_DEEP),
    "too deep, objects": (nested(MAX_DEPTH + 1, b'{"a":', b"}"), Reason.TOO_DEEP),
    "too deep in an item": (
        b'{"txid":"a","usage":[{"x":%b%b}]}' % (b"[" * MAX_DEPTH, b"]" * MAX_DEPTH),
        Reason.TOO_DEEP,
    ),
    "too deep, far": (nested(100_000), Reason.TOO_DEEP),
    "too deep, never closed": (b'{"txid":"a","x":' + b"[" * 100_000, Reason.TOO_DEEP),
    "too deep, mixed with strings": (
        nested(MAX_DEPTH + 1, b'[{"]}":"}]\\\\","\\"]":', b"}]"),
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
