"""A member's clients in a process of their own: see `real`.

Only there can they be killed and stopped as in real life, with everything that the client
library does behind their backs. What they hand over is made plain, so that it can travel.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from consumer.kafka.offsets import Offsets
from consumer.kafka.properties import ClientOptions
from consumer.kafka.source import Batch, Polled, Source
from consumer.kafka.state_reader import StateReader
from consumer.kafka.transactions import Timeouts, Transactions
from tests.contract.line import Line


class Setup(NamedTuple):
    """What the clients are made of."""

    options: ClientOptions
    input: str
    state: str
    max_record_bytes: int
    timeouts: Timeouts


class Record(NamedTuple):
    """A consumed record: a `Message` of the ports."""

    its_key: bytes | None
    its_value: bytes | None
    its_headers: Sequence[tuple[str, bytes | None]] | None
    its_timestamp: tuple[int, int]

    def key(self) -> bytes | None:
        """The record's key."""
        return self.its_key

    def value(self) -> bytes | None:
        """The record's value."""
        return self.its_value

    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        """The record's headers."""
        return self.its_headers

    def timestamp(self) -> tuple[int, int]:
        """What kind of time, and the time."""
        return self.its_timestamp


class Plain(NamedTuple):
    """A `Batch` of the ports."""

    partition: int
    offsets: Sequence[int]
    timestamps: Sequence[int]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    messages: Sequence[Record]


class Came(NamedTuple):
    """A `Polled` of the ports."""

    batches: Sequence[Plain]
    ends: Mapping[int, int]


def plain(answer: object) -> object:
    """The same with nothing of the client library in it."""
    if not isinstance(answer, Polled):
        return answer
    return Came([_plain(batch) for batch in answer.batches], answer.ends)


def _plain(batch: Batch) -> Plain:
    messages = [
        Record(each.key(), each.value(), each.headers(), each.timestamp())
        for each in batch.messages
    ]
    return Plain(
        batch.partition, batch.offsets, batch.timestamps, batch.keys, batch.values, messages
    )


class Ports:
    """Clients, each made when it is first asked for."""

    def __init__(self, setup: Setup, pipe: Connection) -> None:
        self._setup = setup
        self._line = Line(pipe, self._answer)

    def serve(self) -> None:
        """Do as the parent says."""
        self._line.serve()

    def _answer(self, name: str, arguments: tuple[Any, ...]) -> object:
        port, _, method = name.partition(".")
        if method == "subscribe":
            self.source.subscribe(self)
            return None
        return plain(getattr(getattr(self, port), method)(*arguments))

    @functools.cached_property
    def source(self) -> Source:
        """The group member."""
        return Source(self._setup.options, self._setup.input)

    @functools.cached_property
    def transactions(self) -> Transactions:
        """The producer."""
        return Transactions(
            self._setup.options,
            input_topic=self._setup.input,
            state_topic=self._setup.state,
            message_max_bytes=self._setup.max_record_bytes,
            batch_max_bytes=self._setup.max_record_bytes,
            timeouts=self._setup.timeouts,
        )

    @functools.cached_property
    def reader(self) -> StateReader:
        """The reader of the state topic."""
        return StateReader(self._setup.options, self._setup.state)

    @functools.cached_property
    def offsets(self) -> Offsets:
        """The questions about offsets."""
        return Offsets(
            self._setup.options, input_topic=self._setup.input, state_topic=self._setup.state
        )

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """Pass it on; so with the others."""
        self._line.call("on_assigned", list(partitions))

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Orderly revocation."""
        self._line.call("on_revoked", list(partitions))

    def on_lost(self, partitions: Sequence[int]) -> None:
        """Gone without notice."""
        self._line.call("on_lost", list(partitions))


def run(setup: Setup, pipe: Connection) -> None:
    """The process."""
    Ports(setup, pipe).serve()
