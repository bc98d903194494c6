"""Consumed records as they can be read safely.

The client library makes text of a header's name. For a name that is no UTF-8 `headers()`
raises a SystemError, and every later call hands out tuples with nothing in them, which
crash the process when touched. Any producer can write such a name, so headers are read
here and nowhere else; and not by a plain call, for once CPython has seen a few of those, it
no longer looks whether one has failed, and the error comes up in code that did nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import cast, overload

from confluent_kafka import Message

Headers = Sequence[tuple[str, bytes | None]]

_headers = operator.methodcaller("headers")


def headers_of(message: Message) -> Headers | None:
    """The headers of a record in order; empty when one of them has an unreadable name."""
    try:
        return cast("Headers | None", _headers(message))
    except SystemError:
        message.set_headers([])  # replaces what must not be touched
        return []


class Record:
    """One consumed record."""

    __slots__ = ("_message",)

    def __init__(self, message: Message) -> None:
        self._message = message

    def key(self) -> bytes | None:
        """The record's key."""
        return self._message.key()

    def value(self) -> bytes | None:
        """The record's value."""
        return self._message.value()

    def headers(self) -> Headers | None:
        """The record's headers, in order; empty when one of them has an unreadable name."""
        return headers_of(self._message)

    def timestamp(self) -> tuple[int, int]:
        """What kind of time, and the time."""
        return self._message.timestamp()


class Records(Sequence[Record]):
    """The records of a batch; one is wrapped when it is asked for, few ever are."""

    __slots__ = ("_messages",)

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages

    def __len__(self) -> int:
        return len(self._messages)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Records: ...
    def __getitem__(self, index: int | slice) -> Record | Records:
        if isinstance(index, slice):
            return Records(self._messages[index])
        return Record(self._messages[index])
