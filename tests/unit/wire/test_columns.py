"""Decoding a batch says what decoding each of its values says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from consumer.wire.callback import Rejection, decode
from consumer.wire.columns import decode_all
from tests.unit.wire.recorded import LARGEST, recorded
from tests.unit.wire.records import CALLBACKS, HOSTILE
from tests.unit.wire.spelling import SPELLINGS

PLAIN = b'{"txid":"a-1","usage":[{"imei":"1","numberOfSessions":2}],"callbackCount":1}'
OTHERS = {
    "error": b'{"txid":"a","errors":[{"imei":"2","errorResponse":{"errorCode":"E"}}]}',
    "two": b'{"txid":"a","usage":[{"imei":"1"},{"imei":"2"}]}',
    "both": b'{"txid":"a","usage":[{"imei":"1"}],"errors":[{"imei":"2"}]}',
    "nulls": b'{"txid":"a","usage":[{"imei":"1"}],"errors":null}',
    "none": b'{"txid":"a"}',
    "empty arrays": b'{"txid":"a","usage":[],"errors":[]}',
    "expectation": b'{"txid":"a","imei":["1","2"]}',
    "acknowledgement": b'{"txid":"a","status":"QUEUED"}',
    "spaces": b' { "usage" : [ {"imei" : "1", "x": [1, {"y": "]"}]} ] , "txid" : "b" } ',
    "escaped": b'{"txid":"\\u0061","usage":[{"imei":"\\u0031"}]}',
    "control": b'{"txid":"a\\u0001","usage":[{"imei":"1"}]}',
    "delete": b'{"txid":"a\x7f","usage":[{"imei":"1"}]}',
    "not printable": '{"txid":"a\u00a0b","usage":[{"imei":"1"}]}'.encode(),
    "umlaut": '{"txid":"ä","usage":[{"imei":"ü","x":"ö"}]}'.encode(),
    "null": b'{"txid":"a","usage":null,"status":"QUEUED"}',
    "no array": b'{"txid":"a","usage":{"imei":"1"}}',
    "string": b'{"txid":"a","usage":"[{}]"}',
    "item in a string": b'{"txid":"a","usage":"{}"}',
    "array of nothing": b'{"txid":"a","usage":[ ]}',
    "item of nothing": b'{"txid":"a","usage":[{}]}',
    "errors of a wrong type": b'{"txid":"a","usage":[{"imei":"1"}],"errors":7}',
    "bad error": b'{"txid":"a","errors":[{"imei":7}]}',
    "error and no usage": b'{"txid":"a","usage":[],"errors":[{"imei":"2"}]}',
    "error and bad usage": b'{"txid":"a","usage":7,"errors":[{"imei":"2"}]}',
    "last usage wins": b'{"txid":"a","usage":7,"usage":[{"imei":"1"}]}',
    "brackets": b'{"txid":"a","usage":[{"imei":"]\\u0000[","x":["},{",[{}]]}]}',
    "zero byte": b'{"txid":"a","usage":[{"imei":"1]\0[2"}]}',
    "newline": b'{"txid":"a\\nb","usage":[{"imei":"1"}]}',
    "item of a wrong type": b'{"txid":"a","usage":[{"imei":7}]}',
    "no object": b'{"txid":"a","usage":[7]}',
    "half": b'{"txid":"a","usage":[{"imei":"1"}',
    "the other half": b'],"txid":"b"}',
    "half a character": b'{"txid":"a","usage":[{"imei":"1","x":"\xc3',
    "the rest of it": b'\xa4"}]}',
    "a broken character": b'{"txid":"a","usage":[{"imei":"1","x":"\xc3("}]}',
    "deep": b'{"txid":"a","usage":[{"imei":"1","x":' + b"[" * 600 + b"]" * 600 + b"}]}",
    "just too deep": b'{"txid":"a","x":' + b"[" * 500 + b"]" * 500 + b"}",
    "just not too deep": b'{"txid":"a","x":' + b"[" * 499 + b"]" * 499 + b"}",
    "never closed": b'{"txid":"a","x":' + b"[" * 900,
    "wordy": b'{"txid":"a","usage":[{"imei":"1","x":"' + b"y" * 800 + b'"}]}',
    "wordier": b'{"txid":"a","usage":[{"imei":"1","x":"' + b"y" * 2000 + b'"}]}',
    "nothing": b"",
    "tombstone": None,
}


@pytest.mark.parametrize("value", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_value_among_plain_ones(value: bytes | None, place: int) -> None:
    """It says what it says alone, and its neighbours say what they say."""
    values: list[bytes | None] = [PLAIN, PLAIN]
    values.insert(place, value)
    assert recorded(values) == [decode(one) for one in values]


@pytest.mark.parametrize("value", OTHERS.values(), ids=OTHERS.keys())
def test_one_value_alone(value: bytes | None) -> None:
    """It says the same without any neighbour."""
    assert recorded([value]) == [decode(value)]


@pytest.mark.parametrize("value", [value for value, _ in HOSTILE.values()], ids=HOSTILE.keys())
def test_one_hostile_value_among_plain_ones(value: bytes | None) -> None:
    """It is rejected as it is alone, and its neighbours are none the wiser."""
    values: list[bytes | None] = [PLAIN, value, PLAIN]
    assert recorded(values) == [decode(one) for one in values]
    assert sorted(decode_all(values, LARGEST).others) == [1]


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_callback_in_every_spelling(spell: Callable[[Any], bytes]) -> None:
    """All in one batch, among plain ones, which need no object all the same."""
    values: list[bytes | None] = [
        value for record, _, _ in CALLBACKS.values() for value in (PLAIN, spell(record))
    ]
    assert recorded(values) == [decode(value) for value in values]
    assert all(place % 2 for place in decode_all(values, LARGEST).others)


def test_all_kinds_in_one_batch() -> None:
    """Also those that would make one sound value, joined with the next."""
    values = [*OTHERS.values(), PLAIN, *(value for value, _ in HOSTILE.values())]
    assert recorded(values) == [decode(value) for value in values]


@pytest.mark.parametrize("array", [b"usage", b"errors"])
def test_broken_ones_that_would_be_whole_together(array: bytes) -> None:
    """Joined by commas, these three would be three sound callbacks."""
    values: list[bytes | None] = [
        b'{"txid":"a","%b":[{"imei":"1"' % array,
        b'"x":2}]}',
        b'{"txid":"b","%b":[{"imei":"2"}]},{"txid":"c","%b":[{"imei":"3"}]}' % (array, array),
    ]
    assert recorded(values) == [decode(value) for value in values]
    assert all(isinstance(one, Rejection) for one in recorded(values))


def test_sound_kinds_in_one_batch() -> None:
    """Unusual ones keep their places among plain ones."""
    sound = ("error", "two", "both", "nulls", "none", "expectation", "acknowledgement", "umlaut")
    values = [value for name in sound for value in (PLAIN, OTHERS[name], OTHERS[name])]
    assert recorded(values) == [decode(value) for value in values]


def test_plain_callbacks_need_no_object() -> None:
    """Items stand in the columns, verbatim; nothing stands beside them."""
    columns = decode_all([PLAIN, PLAIN], LARGEST)
    assert columns.others == {}
    assert columns.txids == ["a-1", "a-1"]
    assert columns.raws == [b'{"imei":"1","numberOfSessions":2}'] * 2


def test_large_ones_stand_aside() -> None:
    """So that somebody looks at the size of each item."""
    large = PLAIN + b" "
    values: list[bytes | None] = [PLAIN, large, PLAIN]
    assert recorded(values, len(PLAIN)) == [decode(value) for value in values]
    assert sorted(decode_all(values, len(PLAIN)).others) == [1]


def test_an_empty_batch() -> None:
    """There is nothing to say."""
    assert recorded([]) == []


@pytest.mark.parametrize("several", ["two", "wordier"])
def test_many_that_hold_a_lot(several: str) -> None:
    """They are read one by one, and so are the plain ones among them."""
    values: list[bytes | None] = [*[OTHERS[several]] * 300, PLAIN, None]
    assert recorded(values) == [decode(value) for value in values]


def test_few_that_hold_a_lot() -> None:
    """Plain ones among them need no object all the same."""
    values: list[bytes | None] = [PLAIN] * 500
    values[250] = OTHERS["two"]
    assert recorded(values) == [decode(value) for value in values]
    assert sorted(decode_all(values, LARGEST).others) == [250]


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        ([b"a-1", b"a-1", b"a-1"], 0),
        ([b"a-1", b"a-1"], 0),
        ([], 0),
        ([b"a-1", b"a-1", b"a-2"], 1),
        ([b"a-1", None, b"a-1"], 1),
        ([None, None, None], 3),
        ([b"a-1a", b"-1", b"a-1"], 2),
        ([b"a-1\na-1", b"", b"a-1"], 2),
        ([b"a-1\na-1", b"a-1", b""], 2),
    ],
)
def test_mismatches(keys: list[bytes | None], count: int) -> None:
    """Keys that are not the txid of their record, absent ones included."""
    assert decode_all([PLAIN] * 3, LARGEST).mismatches(keys) == count


@pytest.mark.parametrize("key", [b"", b"a", b"?", None])
@pytest.mark.parametrize("rejected", [None, b"{", b'{"txid":"a\\nb"}', b'{"txid":"a","usage":7}'])
def test_rejections_match_any_key(key: bytes | None, rejected: bytes | None) -> None:
    """They have no txid to differ from."""
    columns = decode_all([PLAIN, rejected, PLAIN], LARGEST)
    assert columns.txids[1] == ""
    assert columns.mismatches([b"a-1", key, b"a-1"]) == 0
    assert columns.mismatches([b"a-1", key, b"a-2"]) == 1
