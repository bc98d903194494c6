from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from consumer.wire import state_entry
from consumer.wire.state_entry import (
    CHUNK_BYTES,
    DIGEST_BYTES,
    VERSION,
    Entry,
    MarkerEntry,
    Named,
    OpenEntry,
    StateChunk,
    StateDelta,
    StateError,
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


def encoded(
    delta: StateDelta, forgotten: Sequence[str], entries: Sequence[Entry], **more: int
) -> list[bytes]:
    """The records of one commit."""
    sized = [(entry, state_entry.size_of(entry)) for entry in entries]
    return state_entry.encode(delta, forgotten, sized, **more)


def entries_of(*deltas: StateDelta) -> list[Entry]:
    """What they carry, in order."""
    return [entry for delta in deltas for entry in delta.content.entries]


def decoded(
    forgotten: Sequence[str], entries: Sequence[Entry], *, window: Window | None = None, **more: int
) -> list[StateDelta]:
    """One commit there and back; every record obeys the limit."""
    values = encoded(scalars(window), forgotten, entries, **more)
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


def test_sizes_are_those_of_utf_8() -> None:
    """A txid of 256 characters may have four times as many bytes."""
    names = [f"{number:03}" + "😀" * 253 for number in range(60)]
    decoded(names, [], chunk_bytes=10_000)
    decoded([], [marker(name, bytes(16)) for name in names], chunk_bytes=10_000)
    decoded([], [open_entry(name, [b"1"]) for name in names], chunk_bytes=10_000)


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


def test_a_later_schema_may_append_fields() -> None:
    """Without a new version: what is appended is skipped."""
    (value,) = encoded(scalars(), ["f"], [marker("m", bytes(16))])
    fields: list[Any] = msgspec.msgpack.decode(value)
    fields.append("new")
    fields[8].append("new")
    assert state_entry.decode(msgspec.msgpack.encode(fields)) == state_entry.decode(value)


def test_metadata_there_and_back() -> None:
    """As JSON that a person can read with Kafka's own tools."""
    named = Named(VERSION, "life", 7, 40, "app-hôte")
    text = state_entry.encode_named(named)
    assert text == ('{"v":2,"incarnation":"life","sequence":7,"start":40,"writer":"app-hôte"}')
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
