from __future__ import annotations

import msgspec
import pytest

from consumer.wire import state_entry
from consumer.wire.state_entry import (
    VERSION,
    MarkerEntry,
    Named,
    OpenEntry,
    Rows,
    StateChunk,
    StateDelta,
    StateError,
    Window,
    most_of,
    size_of,
)

ROWS = Rows(
    txids=["a", "b"],
    whole=[True, False],
    remembered=[False, True],
    first_offsets=[1, 11],
    last_offsets=[2, 12],
    opened_ms=[3, 13],
    touched_ms=[4, 14],
    closed_ms=[5, 15],
    callbacks=[6, 16],
    usage_counts=[0, 2],
    error_counts=[1, 0],
    usage=[b"", b'{"imei":"1,2"},{ "imei" : "3" }'],
    errors=[b'{"imei":"9"}', b""],
)


def test_a_row_stands_for_an_entry() -> None:
    """Each column for its field; what no plain txid has is empty."""
    first = OpenEntry(
        txid="a",
        whole=True,
        first_offset=1,
        last_offset=2,
        opened_ms=3,
        since_ms=3,
        touched_ms=4,
        closed_ms=5,
        remembered=False,
        callbacks=6,
        duplicates=0,
        revision=0,
        unlimited=False,
        emitted=None,
        oversized=[],
        usage=[],
        errors=[b'{"imei":"9"}'],
        expected=[],
    )
    second = OpenEntry(
        txid="b",
        whole=False,
        first_offset=11,
        last_offset=12,
        opened_ms=13,
        since_ms=13,
        touched_ms=14,
        closed_ms=15,
        remembered=True,
        callbacks=16,
        duplicates=0,
        revision=0,
        unlimited=False,
        emitted=None,
        oversized=[],
        usage=[b'{"imei":"1,2"}', b'{ "imei" : "3" }'],
        errors=[],
        expected=[],
    )
    assert [ROWS.entry(at) for at in range(len(ROWS))] == [first, second]


def test_a_part_of_rows_is_that_part_of_each_column() -> None:
    """From one row to before another."""
    assert ROWS.part(0, 2) == ROWS
    assert ROWS.part(1, 1) == Rows()
    for at in range(2):
        part = ROWS.part(at, at + 1)
        assert {len(column) for column in part.columns()} == {1}
        assert part.entry(0) == ROWS.entry(at)


def test_a_record_there_and_back() -> None:
    """As plain lists: the order on the wire is a part of the schema."""
    content = StateChunk(["f"], [MarkerEntry("m", True, 1, 2, 3, b"d")], ROWS)
    delta = StateDelta(VERSION, "life", 7, 1, 2, 1_000, -5, b"w", content)
    value = msgspec.msgpack.encode(delta)
    assert state_entry.decode(value) == delta
    assert msgspec.msgpack.decode(value) == [
        *(3, "life", 7, 1, 2, 1_000, -5, b"w"),
        [
            ["f"],
            [[1, "m", True, 1, 2, 3, b"d"]],
            [
                ["a", "b"],
                [True, False],
                [False, True],
                [1, 11],
                [2, 12],
                [3, 13],
                [4, 14],
                [5, 15],
                [6, 16],
                [0, 2],
                [1, 0],
                ROWS.usage,
                ROWS.errors,
            ],
        ],
    ]


@pytest.mark.parametrize("text", ["x", "😀" * 256])
@pytest.mark.parametrize("number", [0, 2**63 - 1])
@pytest.mark.parametrize("count", [0, 1, 300])
def test_no_entry_takes_more_than_its_bound(text: str, number: int, count: int) -> None:
    """Whatever its numbers, and however long its names."""
    imeis = [text] * count
    items = [text.encode()] * count
    entry = OpenEntry(
        txid=text,
        whole=True,
        first_offset=number,
        last_offset=number,
        opened_ms=number,
        since_ms=number,
        touched_ms=number,
        closed_ms=number,
        remembered=False,
        callbacks=number,
        duplicates=number,
        revision=number,
        unlimited=True,
        emitted=(number, number, number),
        oversized=imeis,
        usage=items,
        errors=items,
        expected=imeis,
    )
    mark = MarkerEntry(text, True, number, number, number, bytes(16) * count)
    for one in (entry, mark):
        assert len(msgspec.msgpack.encode(one)) <= most_of(one, size_of(one))


def test_a_window_keeps_sums_beyond_64_bits() -> None:
    """That is why it is JSON inside of msgpack."""
    window = Window(60_000, sessions=2**70, transferred=-(2**70), to_complete_min_ms=3)
    window.error_codes = {"ä": 1, "\x01": 2}
    assert state_entry.decode_window(state_entry.encode_window(window)) == window


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xc1",
        b"not msgpack",
        msgspec.msgpack.encode({"version": VERSION}),
        msgspec.msgpack.encode([VERSION]),
        msgspec.msgpack.encode([]),
        msgspec.msgpack.encode([VERSION, b"\xff", 1, 0, 1, 0, 0, b""]),
    ],
)
def test_what_is_no_record_of_the_log_says_so(value: bytes) -> None:
    """In our words, whatever the bytes."""
    with pytest.raises(StateError, match="not a record of the state log"):
        state_entry.decode(value)


@pytest.mark.parametrize("version", [0, VERSION + 1])
def test_another_schema_version_is_named(version: int) -> None:
    """Rather than misread, even where nothing else of it can be decoded."""
    value = msgspec.msgpack.encode([version, {"something": "else"}])
    with pytest.raises(StateError, match=f"version {version}; this program reads {VERSION}"):
        state_entry.decode(value)


def test_metadata_there_and_back() -> None:
    """As JSON that a person can read with Kafka's own tools."""
    named = Named(VERSION, "life", 7, 40, "app-hôte")
    text = state_entry.encode_named(named)
    assert text == ('{"v":3,"incarnation":"life","sequence":7,"start":40,"writer":"app-hôte"}')
    assert state_entry.decode_named(text) == named


def test_no_metadata_names_nothing() -> None:
    """An operator set the offset."""
    assert state_entry.decode_named("") is None


@pytest.mark.parametrize(
    "text", ["x", "{}", '{"v":1}', "null", '{"v":"1","incarnation":"a"}', "\ud800"]
)
def test_metadata_of_somebody_else_is_refused(text: str) -> None:
    """In our words, whatever the text."""
    with pytest.raises(StateError, match="not ours"):
        state_entry.decode_named(text)


def test_metadata_of_another_version_is_refused() -> None:
    """Its state cannot be read either."""
    text = state_entry.encode_named(Named(VERSION + 1, "life", 7, 40, "me"))
    with pytest.raises(StateError, match=f"version {VERSION + 1}"):
        state_entry.decode_named(text)
