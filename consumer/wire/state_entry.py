"""Records of the state log (DESIGN 2.7): what one commit changed in one partition.

A commit writes one `StateDelta`, in several records (*chunks*) when it would exceed
`CHUNK_BYTES`. A txid's entry is *whole*, or an addition: then its scalars replace the old
ones and its items go behind those that are known. Nearly all are plain: those stand in columns
(`Rows`), which are made, written and read by a few calls for all of them. msgpack arrays, so
that a later schema can append fields; anything incompatible gets a new `VERSION`.

Also here: `Named`, the JSON in the committed offset's metadata that says which state
belongs to that offset.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, field

from consumer.wire.callback import split_items

VERSION = 3
"""Schema of both the state log and the offset metadata."""

DIGEST_BYTES = 16


class StateError(ValueError):
    """A state record or offset metadata that this version cannot read; says why."""


class Window(Struct, array_like=True):
    """The open metrics window of a partition: what its `MetricsRecord` will show.

    Kept as JSON inside of the delta: its sums may exceed the 64 bits of msgpack.
    """

    start_ms: int
    callbacks: int = 0
    expectations: int = 0
    acknowledgements: int = 0
    dead_letters: int = 0
    usage: int = 0
    errors: int = 0
    duplicates: int = 0
    late: int = 0
    complete: int = 0
    partial: int = 0
    unconfirmed: int = 0
    revised: int = 0
    reported: int = 0
    failed: int = 0
    missing: int = 0
    sessions: int = 0
    transferred: int = 0
    error_codes: dict[str, int] = field(default_factory=dict)
    first_emissions: int = 0
    to_complete_sum_ms: int = 0
    to_complete_min_ms: int | None = None
    to_complete_max_ms: int | None = None
    end_ms: int = 0
    """Exclusive."""


BARE_BYTES = 56
"""About what an entry takes beside txid and content."""

EACH_BYTES = 2
"""The same for each item or IMEI in it."""

MORE_BYTES = 72
_MORE_EACH_BYTES = 3
"""How much more it may be where numbers and lengths are large."""


class OpenEntry(Struct, array_like=True, tag=0, gc=False):
    """A txid with its items, open or remembered, or what came to it."""

    txid: str
    whole: bool
    first_offset: int
    last_offset: int
    opened_ms: int
    since_ms: int
    touched_ms: int
    closed_ms: int
    """Of the last emission; 0 before the first."""
    remembered: bool
    callbacks: int
    duplicates: int
    revision: int
    unlimited: bool
    emitted: tuple[int, int, int] | None
    """Reopened only: how many usage items, error items and expected IMEIs the last emission
    had, which are the first ones of each."""
    oversized: list[str]
    usage: list[bytes]
    errors: list[bytes]
    expected: list[str]


class MarkerEntry(Struct, array_like=True, tag=1, gc=False):
    """A remembered txid, or more of its digests (16 bytes each, joined)."""

    txid: str
    whole: bool
    first_offset: int
    closed_ms: int
    revision: int
    digests: bytes


Entry = OpenEntry | MarkerEntry


def size_of(entry: Entry) -> int:
    """About how many bytes an entry takes; to encode it for that would cost more."""
    size = BARE_BYTES + len(entry.txid.encode())
    if isinstance(entry, MarkerEntry):
        return size + len(entry.digests)
    for items in (entry.usage, entry.errors):
        if items:
            size += sum(map(len, items)) + EACH_BYTES * len(items)
    for imeis in (entry.expected, entry.oversized):
        if imeis:
            size += len("".join(imeis).encode()) + EACH_BYTES * len(imeis)
    return size


def most_of(entry: Entry, size: int) -> int:
    """The most that an entry can take whose `size_of` is `size`."""
    if isinstance(entry, MarkerEntry):
        return size + MORE_BYTES
    each = len(entry.usage) + len(entry.errors) + len(entry.expected) + len(entry.oversized)
    return size + MORE_BYTES + _MORE_EACH_BYTES * each


class Rows(Struct, array_like=True):
    """Entries of plain txids, as parallel lists.

    They were opened once and emitted once at most, nothing is expected of them, and each of
    their items is of another device. See `OpenEntry`, whose other fields follow from that.
    """

    txids: list[str] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    remembered: list[bool] = field(default_factory=list)
    first_offsets: list[int] = field(default_factory=list)
    last_offsets: list[int] = field(default_factory=list)
    opened_ms: list[int] = field(default_factory=list)
    touched_ms: list[int] = field(default_factory=list)
    closed_ms: list[int] = field(default_factory=list)
    callbacks: list[int] = field(default_factory=list)
    usage_counts: list[int] = field(default_factory=list)
    error_counts: list[int] = field(default_factory=list)
    usage: list[bytes] = field(default_factory=list)
    """The items of each, joined by commas."""
    errors: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.txids)

    def columns(self) -> list[list[Any]]:
        """All lists, in the order of the fields."""
        return [getattr(self, name) for name in self.__struct_fields__]

    def part(self, begin: int, end: int) -> Rows:
        """The rows from `begin` to before `end`."""
        return Rows(*(column[begin:end] for column in self.columns()))

    def entry(self, at: int) -> OpenEntry:
        """A row as an entry of its own."""
        return OpenEntry(
            self.txids[at],
            self.whole[at],
            self.first_offsets[at],
            self.last_offsets[at],
            self.opened_ms[at],
            self.opened_ms[at],
            self.touched_ms[at],
            self.closed_ms[at],
            self.remembered[at],
            self.callbacks[at],
            0,
            0,
            False,
            None,
            [],
            split_items(self.usage[at]),
            split_items(self.errors[at]),
            [],
        )


class StateChunk(Struct, array_like=True):
    """What a record carries of its commit's changes."""

    forgotten: list[str] = field(default_factory=list)
    """Before all entries of a commit: a txid may be forgotten and born again in it."""
    entries: list[Entry] = field(default_factory=list)
    rows: Rows = field(default_factory=Rows)


class StateDelta(Struct, array_like=True):
    """One chunk of one commit of one partition. Every chunk carries the scalars."""

    version: int
    incarnation: str
    """Names this history of the partition: another one is another life."""
    sequence: int
    """Number of the commit within the incarnation, from 1."""
    chunk: int
    chunks: int
    clock_ms: int
    lag_ms: int
    window: bytes
    """`Window` as JSON, in the last chunk only."""
    content: StateChunk = field(default_factory=StateChunk)


class Named(Struct):
    """Metadata of a committed offset: the state that belongs to it."""

    v: int
    incarnation: str
    sequence: int
    start: int
    """Where reading the state partition must begin."""
    writer: str
    """The `transactional.id` that committed this."""


class _Versioned(Struct, array_like=True):
    version: int


_deltas = msgspec.msgpack.Decoder(StateDelta)
_versions = msgspec.msgpack.Decoder(_Versioned)
_windows = msgspec.json.Decoder(Window)
_named = msgspec.json.Decoder(Named)


def encode_window(window: Window) -> bytes:
    """A window as a `StateDelta` carries it."""
    return msgspec.json.encode(window)


def decode_window(value: bytes) -> Window:
    """Inverse of `encode_window`. Raises `ValueError`."""
    return _windows.decode(value)


def decode(value: bytes) -> StateDelta:
    """Inverse of `encode` for one record. Raises `StateError`."""
    try:
        version = _versions.decode(value).version
        if version != VERSION:
            raise _other_version(version)
        return _deltas.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateError(f"not a record of the state log ({error})") from None


def _other_version(version: int) -> StateError:
    return StateError(
        f"state schema version {version}; this program reads {VERSION}: go on with the one that "
        "wrote it, or reset the group's offset of this partition to start it with empty state"
    )


def encode_named(named: Named) -> str:
    """The metadata that names a state; far below the broker's 4,096 bytes."""
    return msgspec.json.encode(named).decode()


def decode_named(metadata: str) -> Named | None:
    """What `metadata` names; `None` where it is empty (an operator set the offset)."""
    if not metadata:
        return None
    try:
        named = _named.decode(metadata)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise StateError(f"not ours ({error})") from None
    if named.v != VERSION:
        raise _other_version(named.v)
    return named
