"""What the records of one txid brought, in the order of their offsets.

A million txids have to fit into memory, so nothing is kept of an item but a digest of 16
bytes, and a txid's records are one packed string: 21 bytes for each, and its digests.
Which of two equal items came first, and whether an item was ever seen, is all that an
audit wants to know.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import json

from consumer.wire.canonical import DIGEST_BYTES, digest

CALLBACK: Final = 0
EXPECTATION: Final = 1
LATE: Final = 2
"""A callback or an expectation that became a dead letter: its report was out."""

_HEAD: Final = struct.Struct("<qBIII")
_quoted: Final = json.Encoder().encode


class Entry(NamedTuple):
    """One record of a txid: digests of what it brought."""

    offset: int
    kind: int
    usage: Sequence[bytes] = ()
    errors: Sequence[bytes] = ()
    imeis: Sequence[bytes] = ()
    """Of an expectation."""

    @property
    def items(self) -> list[bytes]:
        """Of both arrays; their digests cannot be equal."""
        return [*self.usage, *self.errors]


class Trail:
    """The records of one txid."""

    __slots__ = ("_packed",)

    def __init__(self) -> None:
        self._packed = bytearray()

    def add(self, entry: Entry) -> None:
        """The next record."""
        offset, kind, usage, errors, imeis = entry
        self._packed += _HEAD.pack(offset, kind, len(usage), len(errors), len(imeis))
        for digests in (usage, errors, imeis):
            self._packed += b"".join(digests)

    def __iter__(self) -> Iterator[Entry]:
        packed = bytes(self._packed)
        place = 0

        def take(count: int) -> list[bytes]:
            nonlocal place
            begin, place = place, place + count * DIGEST_BYTES
            return [packed[at : at + DIGEST_BYTES] for at in range(begin, place, DIGEST_BYTES)]

        while place < len(packed):
            offset, kind, usage, errors, imeis = _HEAD.unpack_from(packed, place)
            place += _HEAD.size
            yield Entry(offset, kind, take(usage), take(errors), take(imeis))


def usage_digest(raw: bytes) -> bytes:
    """Of an item of `usage`."""
    return digest(b"u", raw)


def error_digest(raw: bytes) -> bytes:
    """Of an item of `errors`."""
    return digest(b"e", raw)


def imei_digest(imei: str) -> bytes:
    """Of an expected device."""
    return digest(b"x", _quoted(imei))
