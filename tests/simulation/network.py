"""What lies between a client and the broker: requests that take their time, or go astray.

A request takes effect at the broker at one moment and is answered at a later one. In bad
weather it may be lost, or its answer may, or it may arrive long after the client has given it
up. It arrives all the same when the client has died meanwhile.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError
from msgspec import Struct

from tests.simulation.world import Answer, Process

TIMED_OUT = KafkaError._TIMED_OUT

CUT = 0.9
BACKOFF_S = 0.02
"""Before a client asks again for what was not possible at the moment."""


class RefusedError(Exception):
    """The broker's answer is an error with this code of the protocol."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return str(KafkaError(self.code).name())


CONCURRENT = KafkaError.CONCURRENT_TRANSACTIONS
UNSTABLE = KafkaError.UNSTABLE_OFFSET_COMMIT


class Weather(Struct):
    """How a process is connected. Shares of requests."""

    lost: float = 0.0
    """Requests that never arrive."""
    unanswered: float = 0.0
    """Requests that take effect, with the answer lost."""
    late: float = 0.0
    """Requests that arrive when their sender has given them up."""
    late_s: float = 3.0
    """At most so long after that."""
    slow: float = 1.0
    """Times the usual latency."""

    @property
    def is_cut(self) -> bool:
        """Whether nothing gets through, heartbeats included."""
        return self.lost >= CUT


FINE = Weather()


class Fate(enum.Enum):
    """What becomes of a request."""

    FINE = "fine"
    LOST = "lost"
    UNANSWERED = "unanswered"
    LATE = "late"


class Network:
    """The connection of one process; what is drawn about it comes from the process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.weather = FINE
        self.aims: dict[str, Callable[[], Fate]] = {}
        """By the first word of a request: what befalls the next one of it."""

    def latency_s(self) -> float:
        """Of one way."""
        chance = self.process.chance.random()
        usual = 0.001 + 0.02 * chance
        if chance > 0.97:
            usual *= 10
        return usual * self.weather.slow

    def request(self, what: str, effect: Callable[[], Any], limit_s: float) -> Any:
        """Ask and wait for the answer. Raises `RefusedError`, with `TIMED_OUT` after `limit_s`."""
        process = self.process
        process.check()
        answer = Answer()
        there_s, back_s = self._route(what, limit_s)
        if there_s is not None:
            process.world.after(there_s, self._arrival(what, effect, answer, back_s))
        if back_s is None or there_s is None or there_s + back_s > limit_s:
            timeout = RefusedError(TIMED_OUT)
            process.world.after(limit_s, lambda: process.answer(answer, error=timeout))
        return process.wait(answer)

    def send(self, what: str, effect: Callable[[], Any], done: Callable[[Any], None]) -> bool:
        """The same without waiting: `done` gets the answer or the error, unless it goes astray.

        Returns whether an answer will come.
        """
        process = self.process
        there_s, back_s = self._route(what, 1.0)
        if not process.alive or there_s is None:
            return False

        def arrive() -> None:
            result = _outcome(effect)
            process.world.note(process.name, what, result)
            if back_s is not None:
                process.later(back_s, lambda: done(result))

        process.world.after(there_s, arrive)
        return back_s is not None

    def _arrival(
        self, what: str, effect: Callable[[], Any], answer: Answer, back_s: float | None
    ) -> Callable[[], None]:
        process = self.process

        def arrive() -> None:
            result = _outcome(effect)
            process.world.note(process.name, what, result)
            if back_s is None:
                return
            if isinstance(result, RefusedError):
                process.world.after(back_s, lambda: process.answer(answer, error=result))
            else:
                process.world.after(back_s, lambda: process.answer(answer, result))

        return arrive

    def _route(self, what: str, limit_s: float) -> tuple[float | None, float | None]:
        """How long the request takes, and the answer; `None` for never."""
        there_s, back_s = self.latency_s(), self.latency_s()
        if self.weather is FINE and not self.aims:
            return there_s, back_s
        fate = self._fate(what)
        if fate is Fate.LOST:
            return None, None
        if fate is Fate.UNANSWERED:
            return there_s, None
        if fate is Fate.LATE:
            return limit_s + self.process.chance.random() * self.weather.late_s, None
        return there_s, back_s

    def _fate(self, what: str) -> Fate:
        for aim in list(self.aims):
            if what.startswith(aim):
                return self.aims.pop(aim)()
        weather, drawn = self.weather, self.process.chance.random()
        for share, fate in (
            (weather.lost, Fate.LOST),
            (weather.unanswered, Fate.UNANSWERED),
            (weather.late, Fate.LATE),
        ):
            if drawn < share:
                return fate
            drawn -= share
        return Fate.FINE


def _outcome(effect: Callable[[], Any]) -> Any:
    try:
        return effect()
    except RefusedError as refused:
        return refused
