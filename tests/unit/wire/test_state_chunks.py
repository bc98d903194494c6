from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from consumer.pipeline.rows import size_of
from consumer.wire import state_chunks, state_entry
from consumer.wire.state_chunks import CHUNK_BYTES
from consumer.wire.state_entry import (
    DIGEST_BYTES,
    MORE_BYTES,
    VERSION,
    Entry,
    MarkerEntry,
    OpenEntry,
    Rows,
    StateChunk,
    StateDelta,
    Window,
)


def scalars(window: Window | None = None) -> StateDelta:
    """What every record of a commit carries."""
    return StateDelta(
        version=VERSION,
        incarnation="life",
        sequence=7,
        chunk=0,
        chunks=1,
        clock_ms=1_000,
        lag_ms=-5,
        window=state_entry.encode_window(window or Window(0)),
    )


def open_entry(
    txid: str, usage: Sequence[bytes] = (), errors: Sequence[bytes] = (), **more: Any
) -> OpenEntry:
    """A whole txid with its items."""
    entry = OpenEntry(
        txid=txid,
        whole=True,
        first_offset=1,
        last_offset=2**62,
        opened_ms=3,
        since_ms=4,
        touched_ms=5,
        closed_ms=6,
        remembered=False,
        callbacks=7,
        duplicates=8,
        revision=9,
        unlimited=True,
        emitted=(1, 2, 3),
        oversized=[],
        usage=list(usage),
        errors=list(errors),
        expected=[],
    )
    return msgspec.structs.replace(entry, **more)


def marker(txid: str, digests: bytes = b"") -> MarkerEntry:
    """A whole marker."""
    return MarkerEntry(txid, True, 1, 9, 0, digests)


def rows_of(*plain: tuple[str, Sequence[bytes], Sequence[bytes]], number: int = 2**62) -> Rows:
    """Rows of txid, usage and errors, their numbers as large as can be."""
    rows = Rows()
    for txid, usage, errors in plain:
        values = (txid, True, False, *(number + at for at in range(6)), len(usage), len(errors))
        joined = (b",".join(usage), b",".join(errors))
        for column, value in zip(rows.columns(), (*values, *joined), strict=True):
            column.append(value)
    return rows


def encoded(
    delta: StateDelta,
    forgotten: Sequence[str],
    entries: Sequence[Entry],
    rows: Rows | None = None,
    **more: int,
) -> list[bytes]:
    """The records of one commit."""
    sized = [(entry, state_entry.size_of(entry)) for entry in entries]
    rows = rows or Rows()
    sizes = [size_of(*row) for row in zip(rows.txids, rows.usage, rows.errors, strict=True)]
    return state_chunks.encode(delta, forgotten, sized, rows, sizes, **more)


def entries_of(*deltas: StateDelta) -> list[Entry]:
    """What they carry, rows among it, in the order of a reader."""
    found: list[Entry] = []
    for delta in deltas:
        rows = delta.content.rows
        found += [*delta.content.entries, *map(rows.entry, range(len(rows)))]
    return found


def decoded(
    forgotten: Sequence[str],
    entries: Sequence[Entry],
    rows: Rows | None = None,
    *,
    window: Window | None = None,
    **more: int,
) -> list[StateDelta]:
    """One commit there and back; every record obeys the limit."""
    values = encoded(scalars(window), forgotten, entries, rows, **more)
    limit = more.get("chunk_bytes", CHUNK_BYTES)
    assert all(len(value) <= limit + 300 for value in values)
    deltas = [state_entry.decode(value) for value in values]
    assert [bool(delta.window) for delta in deltas] == [False] * (len(deltas) - 1) + [True]
    assert deltas[-1].window == scalars(window).window
    return deltas


LISTS = ("usage", "errors", "expected", "oversized")


def merged(deltas: Sequence[StateDelta]) -> dict[str, dict[str, list[Any]]]:
    """Items, IMEIs and digests of each txid after all pieces, in order."""
    found: dict[str, dict[str, list[Any]]] = {}
    for entry in entries_of(*deltas):
        assert entry.whole == (entry.txid not in found)
        lists = found.setdefault(entry.txid, {name: [] for name in LISTS})
        if isinstance(entry, MarkerEntry):
            lists["usage"].append(entry.digests)
        else:
            for name in LISTS:
                lists[name] += getattr(entry, name)
    return found


def test_a_small_commit_is_one_record() -> None:
    """With all of it in."""
    entries: list[Entry] = [open_entry("ä", [b"{}"], [b'{"x":1}', b"2"]), marker("b", bytes(32))]
    (delta,) = decoded(["c", "d"], entries)
    assert (delta.chunk, delta.chunks) == (0, 1)
    assert (delta.content.forgotten, entries_of(delta)) == (["c", "d"], entries)
    expected = scalars()
    assert (delta.incarnation, delta.sequence, delta.clock_ms, delta.lag_ms, delta.window) == (
        expected.incarnation,
        expected.sequence,
        expected.clock_ms,
        expected.lag_ms,
        expected.window,
    )


def test_an_empty_commit_is_one_record_too() -> None:
    """It carries clock and window."""
    (delta,) = decoded([], [])
    assert delta.content == StateChunk()


def test_many_entries_are_spread_over_chunks() -> None:
    """In order, forgotten ones first, the scalars in each."""
    entries = [open_entry(f"t{number}", [b"x" * 50]) for number in range(100)]
    forgotten = [f"f{number}" for number in range(500)]
    deltas = decoded(forgotten, entries, chunk_bytes=2_000)
    assert len(deltas) > 5
    assert [delta.chunk for delta in deltas] == list(range(len(deltas)))
    assert {delta.chunks for delta in deltas} == {len(deltas)}
    assert {delta.sequence for delta in deltas} == {7}
    assert [txid for delta in deltas for txid in delta.content.forgotten] == forgotten
    assert entries_of(*deltas) == entries
    with_entries = [index for index, delta in enumerate(deltas) if delta.content.entries]
    with_forgotten = [index for index, delta in enumerate(deltas) if delta.content.forgotten]
    assert max(with_forgotten) <= min(with_entries)


@pytest.mark.parametrize(
    ("usage", "errors", "imeis"),
    [
        (100, 0, 0),
        (0, 100, 0),
        (0, 0, 300),
        (60, 60, 60),
        (1, 200, 1),
        (200, 1, 1),
        (0, 0, 0),
    ],
)
def test_a_txid_larger_than_a_chunk_is_cut(usage: int, errors: int, imeis: int) -> None:
    """Into itself and additions, so that all stands in its order."""
    lists: dict[str, list[Any]] = {
        "usage": [b"%d" % number + b"u" * (number % 60) for number in range(usage)],
        "errors": [b"%d" % number + b"e" * (number % 60) for number in range(errors)],
        "expected": [f"{number}" + "ä" * (number % 60) for number in range(imeis)],
        "oversized": [f"{number}" + "ö" * (number % 60) for number in range(imeis)],
    }
    nothing: dict[str, list[Any]] = {name: [] for name in LISTS}
    entries = [open_entry("t", **lists), open_entry("next", [b"1"])]
    deltas = decoded([], entries, chunk_bytes=1_000)
    assert merged(deltas) == {"t": lists, "next": nothing | {"usage": [b"1"]}}
    assert len(deltas) > 1 or usage + errors + imeis == 0
    pieces = [
        msgspec.structs.replace(entry, whole=True, **nothing)
        for entry in entries_of(*deltas)
        if isinstance(entry, OpenEntry) and entry.txid == "t"
    ]
    assert pieces == [open_entry("t")] * len(pieces)


def test_a_marker_larger_than_a_chunk_is_cut_between_digests() -> None:
    """Each piece holds whole digests."""
    digests = bytes(range(256)) * 20
    deltas = decoded([], [marker("m", digests), marker("n")], chunk_bytes=1_000)
    pieces = merged(deltas)["m"]["usage"]
    assert len(pieces) > 1
    assert all(len(piece) % DIGEST_BYTES == 0 for piece in pieces)
    assert b"".join(pieces) == digests


def test_an_item_larger_than_a_chunk_stands_alone() -> None:
    """It cannot be cut; it does not take others with it over the limit."""
    entries = [open_entry("t", [b"1", b"x" * 5_000, b"2"])]
    values = encoded(scalars(), [], entries, chunk_bytes=1_000)
    deltas = [state_entry.decode(value) for value in values]
    assert merged(deltas)["t"]["usage"] == [b"1", b"x" * 5_000, b"2"]
    assert sorted(len(value) > 1_000 for value in values) == [False, False, True]


@pytest.mark.parametrize("items", [0, 1, 7, 16, 34])
def test_a_wide_window_does_not_share_its_chunk_if_there_is_no_room(items: int) -> None:
    """The last chunk carries it, so it makes no chunk of items too large, and stands there once."""
    window = Window(0, error_codes={f"{number:0100}": 1 for number in range(50)})
    entries = [open_entry(f"t{number}", [b"x" * 500]) for number in range(items)]
    deltas = decoded([], entries, window=window, chunk_bytes=10_000)
    assert len(deltas) == {0: 1, 1: 1, 7: 1, 16: 2, 34: 3}[items]
    assert state_entry.decode_window(deltas[-1].window) == window


@pytest.mark.parametrize(("count", "chunks"), [(3, 1), (12, 2), (18, 2), (25, 3)])
def test_nor_with_rows(count: int, chunks: int) -> None:
    """They may fill the last record as well."""
    window = Window(0, error_codes={f"{number:0100}": 1 for number in range(50)})
    rows = rows_of(*((f"t{number}", [b'"%0498d"' % number], []) for number in range(count)))
    deltas = decoded([], [], rows, window=window, chunk_bytes=10_000)
    assert len(deltas) == chunks
    assert sum(len(delta.content.rows) for delta in deltas) == count


def test_sizes_are_those_of_utf_8() -> None:
    """A txid of 256 characters may have four times as many bytes."""
    names = [f"{number:03}" + "😀" * 253 for number in range(60)]
    decoded(names, [], chunk_bytes=10_000)
    decoded([], [marker(name, bytes(16)) for name in names], chunk_bytes=10_000)
    decoded([], [open_entry(name, [b"1"]) for name in names], chunk_bytes=10_000)


def plain_rows(count: int) -> Rows:
    """So many rows of some hundred bytes."""
    return rows_of(
        *(
            (
                f"t{number}",
                [b"%d" % number, b'"%s"' % (b"u" * 3 * (number % 50))],
                [b'"e"'] * (number % 3),
            )
            for number in range(count)
        )
    )


@pytest.mark.parametrize("chunk_bytes", [400, 1_000, 2_000, 100_000])
@pytest.mark.parametrize("before", [0, 1, 9])
def test_rows_are_cut_over_records(chunk_bytes: int, before: int) -> None:
    """All in order, behind forgotten txids and entries; as many in a record as may be in it."""
    rows = plain_rows(120)
    forgotten = [f"f{number}" for number in range(before * 3)]
    entries = [open_entry(f"e{number}", [b"x" * 50]) for number in range(before)]
    deltas = decoded(forgotten, entries, rows, chunk_bytes=chunk_bytes)
    expected = [*entries, *map(rows.entry, range(len(rows)))]
    assert entries_of(*deltas) == expected
    assert [txid for delta in deltas for txid in delta.content.forgotten] == forgotten
    parts = [delta.content.rows for delta in deltas if len(delta.content.rows)]
    assert sum(map(len, parts)) == 120
    for part, after in itertools.pairwise(parts):
        one_more = sum(row_most(part, at) for at in range(len(part))) + row_most(after, 0)
        assert one_more > chunk_bytes or part is parts[0]


def row_most(rows: Rows, at: int) -> int:
    """The most that a row may take."""
    size = size_of(rows.txids[at], rows.usage[at], rows.errors[at])
    return size + MORE_BYTES


def test_rows_share_the_record_of_the_last_entries() -> None:
    """Most commits are one record, whatever is in them."""
    (delta,) = decoded(["f"], [marker("m", bytes(16))], plain_rows(3))
    assert (len(delta.content.entries), len(delta.content.rows)) == (1, 3)


def test_a_record_is_filled_to_its_bound_with_rows() -> None:
    """Exactly: one byte less of room is one row less."""
    rows = plain_rows(10)
    full = sum(row_most(rows, at) for at in range(10))
    for chunk_bytes, parts in ((full, [10]), (full - 1, [9, 1])):
        deltas = decoded([], [], rows, chunk_bytes=chunk_bytes)
        assert [size for delta in deltas if (size := len(delta.content.rows))] == parts


def test_no_row_is_larger_than_its_bound() -> None:
    """With the largest numbers, in the widest characters."""
    for txid in ("t", "😀" * 256):
        rows = rows_of((txid, [b"u" * 70_000], [b"e" * 70_000]), number=2**63 - 7)
        assert len(msgspec.msgpack.encode(rows)) <= row_most(rows, 0) + 13


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize(("usage", "errors"), [(60, 0), (0, 60), (40, 40)])
def test_a_row_larger_than_a_record_is_cut_like_an_entry(at: int, usage: int, errors: int) -> None:
    """Into a whole entry and additions, in its place among the rows."""
    large = (
        "large",
        [b'"%030d"' % n for n in range(usage)],
        [b'"%031d"' % n for n in range(errors)],
    )
    plain: list[tuple[str, list[bytes], list[bytes]]] = [
        ("small0", [b"0"], []),
        ("small1", [b"1"], []),
    ]
    plain.insert(at, large)
    deltas = decoded(["f"], [marker("m")], rows_of(*plain), chunk_bytes=1_000)
    found = merged(deltas)
    assert [name for name in found if name != "m"] == [txid for txid, _, _ in plain]
    assert (found["large"]["usage"], found["large"]["errors"]) == large[1:]
    pieces = [e for delta in deltas for e in delta.content.entries if e.txid == "large"]
    assert [piece.whole for piece in pieces] == [True] + [False] * (len(pieces) - 1)
    assert len(pieces) > 1
    assert sorted(txid for delta in deltas for txid in delta.content.rows.txids) == [
        "small0",
        "small1",
    ]


def test_an_addition_larger_than_a_record_is_no_whole_txid() -> None:
    """None of its pieces begins it anew."""
    rows = rows_of(("large", [b'"%030d"' % number for number in range(60)], []))
    rows.whole[0] = False
    values = encoded(scalars(), [], [], rows, chunk_bytes=1_000)
    deltas = [state_entry.decode(value) for value in values]
    assert len(deltas) > 1
    assert not any(entry.whole for entry in entries_of(*deltas))


def test_a_later_schema_may_append_fields() -> None:
    """Without a new version: what is appended is skipped."""
    (value,) = encoded(scalars(), ["f"], [marker("m", bytes(16))], rows_of(("r", [b"1"], [])))
    fields: list[Any] = msgspec.msgpack.decode(value)
    fields.append("new")
    fields[8].append("new")
    fields[8][2].append(["new"])
    assert state_entry.decode(msgspec.msgpack.encode(fields)) == state_entry.decode(value)
