"""Requests of the transaction protocol as they are on the wire, in the versions of our client.

A client library sends each once, as far as can be told from outside. Here they are sent again, and
late. Plain fields, one request at a time, to whoever coordinates.
"""

from __future__ import annotations

import io
import socket
import struct
from typing import Any

from confluent_kafka import KafkaError

from tests.waiting import until

GROUP, TRANSACTION = 0, 1
FIND, INIT, ADD, ADD_OFFSETS, END, COMMIT_OFFSETS = 10, 22, 24, 25, 26, 28
VERSIONS = {FIND: 1, INIT: 1, ADD: 0, ADD_OFFSETS: 0, END: 1, COMMIT_OFFSETS: 2}
LIMIT_S = 10.0


def text(value: str) -> bytes:
    """A string: its length, its bytes."""
    data = value.encode()
    return struct.pack(">h", len(data)) + data


class Answer(io.BytesIO):
    """A response, field by field."""

    def take(self, form: str) -> Any:
        """The next number."""
        return struct.unpack(f">{form}", self.read(struct.calcsize(f">{form}")))[0]

    def text(self) -> str:
        """The next string; nothing where there is none."""
        return self.read(max(self.take("h"), 0)).decode()


def ask(address: tuple[str, int], key: int, body: bytes) -> Answer:
    """One request on a connection of its own."""
    header = struct.pack(">hhi", key, VERSIONS[key], 1) + text("contract")
    with socket.create_connection(address, LIMIT_S) as connection:
        connection.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
        with connection.makefile("rb") as stream:
            (length,) = struct.unpack(">i", stream.read(4))
            answer = Answer(stream.read(length))
    assert answer.take("i") == 1
    return answer


class WireRequests:
    """See `world.Requests`."""

    def __init__(self, servers: str, name: str, group: str, topic: str, state: str) -> None:
        host, _, port = servers.split(",", maxsplit=1)[0].rpartition(":")
        self._first = (host, int(port))
        self._name, self._group, self._input, self._state = name, group, topic, state
        self._who = b""

    def init(self) -> str:
        """See `Requests`."""
        answer = self._ask(TRANSACTION, INIT, text(self._name) + struct.pack(">i", 60_000))
        answer.take("i")
        error = _name(answer.take("h"))
        self._who = struct.pack(">qh", answer.take("q"), answer.take("h"))
        return error

    def add(self) -> str:
        """See `Requests`."""
        place = struct.pack(">i", 1) + text(self._state) + struct.pack(">ii", 1, 0)
        answer = self._ask(TRANSACTION, ADD, text(self._name) + self._who + place)
        return _of_the_partition(answer)

    def add_offsets(self) -> str:
        """See `Requests`."""
        body = text(self._name) + self._who + text(self._group)
        return _of_it_all(self._ask(TRANSACTION, ADD_OFFSETS, body))

    def send_offset(self, offset: int) -> str:
        """See `Requests`."""
        place = struct.pack(">i", 1) + text(self._input) + struct.pack(">iiqi", 1, 0, offset, -1)
        body = text(self._name) + text(self._group) + self._who + place + text("")
        return _of_the_partition(self._ask(GROUP, COMMIT_OFFSETS, body))

    def end(self, *, committed: bool) -> str:
        """See `Requests`."""
        body = text(self._name) + self._who + struct.pack(">?", committed)
        return _of_it_all(self._ask(TRANSACTION, END, body))

    def _ask(self, kind: int, key: int, body: bytes) -> Answer:
        subject = self._name if kind == TRANSACTION else self._group
        found: list[tuple[str, int]] = []

        def is_found() -> bool:
            answer = ask(self._first, FIND, text(subject) + struct.pack(">b", kind))
            answer.take("i")
            error = answer.take("h")
            answer.text()
            answer.take("i")
            found.append((answer.text(), answer.take("i")))
            return bool(error == 0)

        until(is_found, f"the coordinator of {subject}")
        return ask(found[-1], key, body)


def _of_it_all(answer: Answer) -> str:
    answer.take("i")
    return _name(answer.take("h"))


def _of_the_partition(answer: Answer) -> str:
    """Of the only one."""
    for form in ("i", "i"):
        answer.take(form)
    answer.text()
    answer.take("i")
    answer.take("i")
    return _name(answer.take("h"))


def _name(code: int) -> str:
    return KafkaError(code).name()
