"""Requests that no client library sends on purpose, spelled out.

A record in a transaction that nobody has begun, as a late batch of the old protocol leaves it:
a `Produce` without the `AddPartitionsToTxn` that should come before it. And a batch that is sent
again, although its sender had the answer.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

_PRODUCE, _INIT_PRODUCER_ID = 0, 22
_VERSIONS = {_PRODUCE: 3, _INIT_PRODUCER_ID: 0}
_TRANSACTIONAL = 0x10
_ALL = -1
_LIMIT_MS = 10_000


class Refused(Exception):  # noqa: N818 - what the broker did
    """The broker's answer is an error, with this code."""


class Place(NamedTuple):
    """A partition of a Kafka."""

    bootstrap_servers: str
    topic: str
    partition: int


def leave_orphan(place: Place, transactional_id: str) -> None:
    """Open a transaction in a partition without the coordinator's knowledge.

    Raises:
        Refused: the partition asked the coordinator first.
    """
    _deliver(place, transactional_id, b"orphan", times=1)


def deliver_again(place: Place, value: bytes) -> list[int]:
    """Send a batch of an idempotent producer twice; the offsets that the broker tells."""
    return _deliver(place, None, value, times=2)


def _deliver(place: Place, transactional_id: str | None, value: bytes, times: int) -> list[int]:
    host, _, port = place.bootstrap_servers.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        body = _text(transactional_id) + struct.pack(">i", _LIMIT_MS)
        error, pid, epoch = struct.unpack_from(">hqh", _ask(connection, _INIT_PRODUCER_ID, body), 4)
        _check(error)
        batch = _batch(pid, epoch, transactional_id, value)
        body = (
            _text(transactional_id)
            + struct.pack(">hii", _ALL, _LIMIT_MS, 1)
            + _text(place.topic)
            + struct.pack(">iii", 1, place.partition, len(batch))
            + batch
        )
        offsets = []
        for _ in range(times):
            answer = _ask(connection, _PRODUCE, body)
            error, offset = struct.unpack_from(">hq", answer, 4 + len(_text(place.topic)) + 8)
            _check(error)
            offsets.append(offset)
    return offsets


def _ask(connection: socket.socket, key: int, body: bytes) -> bytes:
    header = struct.pack(">hhi", key, _VERSIONS[key], 1) + _text("raw")
    connection.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
    (size,) = struct.unpack(">i", _receive(connection, 4))
    return _receive(connection, size)[4:]  # behind the number of the request


def _receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        assert part, "the broker hung up"
        received += part
    return received


def _check(error: int) -> None:
    if error:
        raise Refused(error)


def _batch(pid: int, epoch: int, writer: str | None, value: bytes) -> bytes:
    """One record, with a header that names its writer, in a batch of format 2."""
    attributes = 0 if writer is None else _TRANSACTIONAL
    headers = _varint(1) + _bytes(b"writer") + _bytes((writer or "").encode())
    record = bytes((0,)) + _varint(0) + _varint(0) + _varint(-1) + _bytes(value) + headers
    records = _varint(len(record)) + record
    content = struct.pack(">hiqqqhii", attributes, 0, 1, 1, pid, epoch, 0, 1) + records
    sound = struct.pack(">ibI", -1, 2, _crc32c(content)) + content
    return struct.pack(">qi", 0, len(sound)) + sound


def _text(value: str | None) -> bytes:
    return (
        struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()
    )


def _bytes(value: bytes) -> bytes:
    return _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Zigzag, seven bits a byte."""
    left = (value << 1) ^ (value >> 63)
    found = bytearray()
    while left > 0x7F:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    found.append(left)
    return bytes(found)


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
