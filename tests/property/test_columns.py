"""Decoding a batch says of each value what decoding it alone says, whatever its neighbours."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from consumer.wire.callback import Acknowledgement, Decoded, Rejection, decode
from consumer.wire.columns import Columns
from consumer.wire.dead_letter import Reason
from tests.property.wire_values import (
    ERRORS,
    JUNK,
    RECORDS,
    TREES,
    USAGE,
    damaged,
    objects,
    spellings,
)
from tests.unit.wire.recorded import LARGEST, recorded

Value = bytes | None

_PLAIN = st.integers(0, 10**6).map(
    lambda n: b'{"txid":"t%d","usage":[{"imei":"%d","bytesTransferred":%d}]}' % (n % 7, n, n)
)
_SINGLE = objects(
    {
        "txid": st.sampled_from(["t", "u-1", "ü", "a\u00a0", "a\n"]),
        "usage": st.lists(USAGE, min_size=1, max_size=1),
        "errors": st.sampled_from([[], None]),
    },
    JUNK,
)
_FAILED = objects({"txid": st.just("t"), "errors": st.lists(ERRORS, max_size=2)}, JUNK)
_ITEMS = st.lists(
    st.sampled_from(
        [b"{}", b" {} ", b'{"imei":"]\\u0000["}', b'{"x":[[{}],{}]}', b"7", b"[]", b"\t", b""]
    ),
    max_size=3,
).map(b",".join)
_ODD = st.tuples(_ITEMS, st.sampled_from([b"", b" ", b"\0", b"]\0[", b"\x0b"])).map(
    lambda pair: b'{"txid":"t","usage":[%b%b]}' % pair
)
_LONG = st.integers(850, 1_150).flatmap(
    lambda size: st.sampled_from(
        [
            b'{"txid":"t","usage":[{"imei":"1","x":"%b"}]}' % (b"y" * size),
            b'{"txid":"t","x":%b%b}' % (b"[" * (size // 2), b"]" * (size // 2)),
            b'{"txid":"t","usage":[{"x":%b%b}]}' % (b'{"":' * size, b"}" * size),
            b'{"txid":"t","usage":[%b' % (b"[" * size),
        ]
    )
)
_ANY: st.SearchStrategy[Value] = (
    st.sampled_from([None, b""])
    | st.binary(max_size=20)
    | spellings(TREES)
    | spellings(RECORDS)
    | spellings(_SINGLE)
    | spellings(_FAILED)
    | damaged(RECORDS)
    | damaged(_SINGLE)
    | _ODD
    | _LONG
)


@st.composite
def _torn(draw: st.DrawFn) -> list[Value]:
    """A record that two values share, or two records that one value holds half of."""
    value = draw(spellings(_SINGLE) | _PLAIN)
    at = draw(st.integers(0, len(value)))
    comma = draw(st.sampled_from([b"", b",", b"\n", b'"', b"]}", b"[{", b"]\0["]))
    return [value[:at] + comma, value[at:]] if draw(st.booleans()) else [value + comma + value]


_SOUND: st.SearchStrategy[Value] = _PLAIN
_RUNS = st.lists(_SOUND, min_size=1, max_size=3) | st.lists(_ANY, min_size=1, max_size=2) | _torn()
_BATCHES = st.lists(_RUNS, max_size=6).map(lambda runs: [value for run in runs for value in run])


@settings(deadline=None, max_examples=400)
@given(_BATCHES, st.just(LARGEST) | st.integers(0, 1_200))
@example(
    [b'{"txid":"a","usage":[{"imei":"1"}', b'{"imei":"2"}]}', b'{"txid":"b"},{"txid":"c"}'], 99
)
def test_a_batch(values: list[Value], largest: int) -> None:
    """Each value is what it is alone: kind, txid, items, their bytes, reason and message."""
    assert recorded(values, largest) == [decode(value) for value in values]


@settings(deadline=None)
@given(st.lists(_PLAIN | _ANY, min_size=1, max_size=4), st.integers(1, 400), st.integers(0, 99))
def test_a_long_batch(values: list[Value], count: int, start: int) -> None:
    """However many of them there are, and whichever of them a look finds."""
    batch = (values * (count + start))[start : start + count]
    assert recorded(batch) == [decode(value) for value in batch]


_TXIDS = st.text("ab", min_size=1, max_size=3)
_REJECTION = Rejection(Reason.SCHEMA, "")
_KEYS = st.binary(max_size=3) | st.text("ab\n", max_size=4).map(str.encode)


@st.composite
def _keyed(draw: st.DrawFn) -> tuple[list[Decoded], list[Value]]:
    """Records, and as many keys, which may be all of the text of their txids, cut anew."""
    records: list[Decoded] = draw(
        st.lists(_TXIDS.map(Acknowledgement) | st.just(_REJECTION), min_size=1, max_size=4)
    )
    own: list[Value] = [_txid(record).encode() for record in records]
    text = draw(st.sampled_from([b"", b"\n"])).join(_txid(record).encode() for record in records)
    places = draw(st.lists(st.integers(0, len(text)), min_size=len(own) - 1, max_size=len(own) - 1))
    cuts = [0, *sorted(places), len(text)]
    anew: list[Value] = [text[start:end] for start, end in pairwise(cuts)]
    keys = st.tuples(*(st.just(key) | st.none() | _KEYS for key in own)).map(list)
    return records, draw(st.just(own) | st.just(anew) | keys)


def _txid(record: Decoded) -> str:
    return "" if isinstance(record, Rejection) else record.txid


@settings(deadline=None, max_examples=400)
@given(_keyed())
def test_mismatches(pair: tuple[list[Decoded], list[Value]]) -> None:
    """As many as one by one, wherever the text of keys and txids is the same on the whole."""
    records, keys = pair
    nothing = [None] * len(records)
    columns = Columns([*map(_txid, records)], nothing, nothing, dict(enumerate(records)))
    assert columns.mismatches(keys) == sum(
        not isinstance(record, Rejection) and key != record.txid.encode()
        for record, key in zip(records, keys, strict=True)
    )
