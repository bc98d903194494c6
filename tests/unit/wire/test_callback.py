"""Classification of input records: what is recognised, what is rejected, and why."""

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
    Expectation,
    Rejection,
    UsageItem,
    decode,
    decode_error_item,
    decode_usage_item,
)
from consumer.wire.dead_letter import Reason
from tests.unit.wire.records import (
    CALLBACKS,
    ERROR,
    ERROR_ITEM,
    HOSTILE,
    OTHERS,
    SECRET,
    TXID,
    USAGE,
    USAGE_ITEM,
    nested,
)
from tests.unit.wire.spelling import SPELLINGS


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
        nested(MAX_DEPTH),
        nested(MAX_DEPTH, b'{"a":', b"}"),
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
    decoded = _near_the_end_of_the_stack(nested(depth))
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
