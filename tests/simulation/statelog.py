"""The state log read by other eyes: msgpack decoded as plain lists, after DESIGN 2.7 alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

_VERSION = 3
_OPEN, _MARKER = 0, 1
_DIGEST_BYTES = 16
_decoder = json.JSONDecoder()


class Named(NamedTuple):
    """The state that an offset's metadata names."""

    incarnation: str
    sequence: int
    start: int
    writer: str


class Chunk(NamedTuple):
    """One record of the log; its rows are turned into entries, and stand behind the others."""

    incarnation: str
    sequence: int
    chunk: int
    chunks: int
    clock_ms: int
    forgotten: list[str]
    entries: list[list[Any]]


def read_named(metadata: str) -> Named:
    """Raises where it is something else."""
    fields = json.loads(metadata)
    return Named(fields["incarnation"], fields["sequence"], fields["start"], fields["writer"])


def read_chunk(value: bytes) -> Chunk:
    """Raises where it is something else."""
    version, incarnation, sequence, chunk, chunks, clock_ms, _, _, content = msgspec.msgpack.decode(
        value
    )
    if version != _VERSION:
        raise ValueError(f"version {version}")
    forgotten, entries, columns = content
    rows = [_entry(*row) for row in zip(*columns, strict=True)]
    return Chunk(incarnation, sequence, chunk, chunks, clock_ms, forgotten, entries + rows)


def _entry(
    txid: str,
    whole: bool,
    remembered: bool,
    first_offset: int,
    last_offset: int,
    opened_ms: int,
    touched_ms: int,
    closed_ms: int,
    callbacks: int,
    usage_count: int,
    error_count: int,
    usage: bytes,
    errors: bytes,
) -> list[Any]:
    """A row of the columns as the entry that it stands for. Raises where its counts are wrong."""
    items, failures = _items(usage), _items(errors)
    if (len(items), len(failures)) != (usage_count, error_count):
        raise ValueError(f"{txid} has {len(items)} and {len(failures)} items, not as it says")
    times = [opened_ms, opened_ms, touched_ms, closed_ms]
    of_plain: list[Any] = [0, 0, False, None, []]
    return [
        *(_OPEN, txid, whole, first_offset, last_offset, *times, remembered, callbacks),
        *(*of_plain, items, failures, []),
    ]


def _items(joined: bytes) -> list[bytes]:
    """Joined by commas, the bytes between which are kept. The other way than the program's."""
    text, items, at = joined.decode(), [], 0
    while at < len(text):
        _, end = _decoder.raw_decode(text, at)
        items.append(text[at:end].encode())
        if text[end : end + 1] not in {"", ","}:
            raise ValueError(f"no comma after {text[at:end]}")
        at = end + 1
    return items


class Known(NamedTuple):
    """What is known of one txid. Times are 0 where a marker has none."""

    phase: str
    first_offset: int
    revision: int
    closed_ms: int
    last_offset: int = 0
    opened_ms: int = 0
    since_ms: int = 0
    touched_ms: int = 0
    callbacks: int = 0
    duplicates: int = 0
    usage: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    digests: int = 0


class State:
    """A partition's state, as commits make it."""

    def __init__(self) -> None:
        self.sequence = 0
        self.clock_ms = 0
        self.known: dict[str, Known] = {}

    def apply(self, chunks: Iterable[Chunk]) -> str | None:
        """The chunks of one commit; what is wrong with them."""
        chunks = list(chunks)
        numbers = [(one.chunk, one.chunks) for one in chunks]
        if numbers != [(number, len(chunks)) for number in range(len(chunks))]:
            return f"chunks {numbers}"
        for chunk in chunks:
            for txid in chunk.forgotten:
                self.known.pop(txid, None)
            for tag, *fields in chunk.entries:
                self._apply(tag, fields)
            self.sequence, self.clock_ms = chunk.sequence, chunk.clock_ms
        return None

    def _apply(self, tag: int, fields: list[Any]) -> None:
        txid, whole = fields[:2]
        before = self.known.get(txid)
        if not whole and before is None:
            return  # its whole record lies before the start: it was forgotten, or rewritten since
        if tag == _MARKER:
            digests = len(fields[5]) // _DIGEST_BYTES
            digests += 0 if whole or before is None else before.digests
            self.known[txid] = Known("marked", fields[2], fields[4], fields[3], digests=digests)
            return
        usage, errors = (tuple(one.decode() for one in items) for items in fields[15:17])
        expected = tuple(sorted(fields[17]))
        if not whole and before is not None:
            usage, errors = before.usage + usage, before.errors + errors
            expected = tuple(sorted(before.expected + expected))
        self.known[txid] = Known(
            phase="remembered" if fields[8] else "open",
            first_offset=fields[2],
            revision=fields[11],
            closed_ms=fields[7],
            last_offset=fields[3],
            opened_ms=fields[4],
            since_ms=fields[5],
            touched_ms=fields[6],
            callbacks=fields[9],
            duplicates=fields[10],
            usage=usage,
            errors=errors,
            expected=expected,
        )
