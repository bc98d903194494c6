"""Calls between two processes over a pipe, in both directions and nested.

Who waits for an answer goes on answering: so a listener that is told of a rebalance from
within a poll can itself use the clients that are being polled.
"""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from consumer.errors import Fault

_PATIENCE_S = 60.0

Answer = Callable[[str, tuple[Any, ...]], object]


class Line:
    """One end of the pipe; `answer` is given the name and the arguments of each call."""

    def __init__(self, pipe: Connection, answer: Answer) -> None:
        self._pipe = pipe
        self._answer = answer

    def call(self, name: str, *arguments: object) -> Any:
        """What the other side makes of it; raises what it raised there."""
        self._pipe.send(("call", name, arguments))
        while True:
            assert self._pipe.poll(_PATIENCE_S), f"no answer to {name}"
            kind, *content = self._pipe.recv()
            if kind == "call":
                self._respond(*content)
            elif kind == "fault":  # its class does not travel by itself
                raise Fault(*content)
            elif kind == "raised":
                raise content[0]
            else:
                return content[0]

    def serve(self) -> None:
        """Answer until the other side is gone."""
        while True:
            try:
                _, *content = self._pipe.recv()
            except EOFError:
                return
            self._respond(*content)

    def _respond(self, name: str, arguments: tuple[Any, ...]) -> None:
        try:
            answer = self._answer(name, arguments)
        except Fault as fault:
            self._pipe.send(("fault", fault.action, fault.cause, str(fault)))
        except Exception as error:  # noqa: BLE001 - raised on the other side
            self._pipe.send(("raised", error))
        else:
            self._pipe.send(("result", answer))
