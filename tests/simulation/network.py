"""What lies between a client and the broker: requests that take their time, or go astray.

A request takes effect at the broker at one moment and is answered at a later one. In bad
weather it may be lost, or its answer may, or it may arrive long after the client has given it
up. It arrives all the same when the client has died meanwhile.

A client whose connection breaks sends a request again within the same call, so it may arrive
twice: the answer is that of the second copy, or that of the first while the second one straggles.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, NamedTuple

from confluent_kafka import KafkaError
from msgspec import Struct

from tests.simulation.world import Answer, Process

TIMED_OUT = KafkaError._TIMED_OUT

CUT = 0.9
AGAIN_S = 0.3
"""At most so long after a request its second copy arrives, ..."""
STRAGGLES_S = 1.5
"""... or straggles, answered or not."""
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
    twice: float = 0.0
    """Requests that arrive twice."""
    held: str = ""
    """First words of requests that all wait on the way ..."""
    until_s: float = 0.0
    """... until then."""
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
    TWICE = "twice"


class Route(NamedTuple):
    """When a request arrives, and its answer; `None` for never. Seconds from now, or on top."""

    there_s: float | None
    back_s: float | None
    straggler_s: float | None = None
    """When a copy arrives that nobody answers."""


class Network:
    """The connection of one process; what is drawn about it comes from the process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.weather = FINE
        self.base_s = 0.0
        """What one way takes at least."""
        self.aims: dict[str, Callable[[], Fate]] = {}
        """By the first word of a request: what befalls the next one of it."""

    def latency_s(self) -> float:
        """Of one way."""
        chance = self.process.chance.random()
        usual = 0.001 + 0.02 * chance
        if chance > 0.97:
            usual *= 10
        return self.base_s + usual * self.weather.slow

    def request(
        self,
        what: str,
        effect: Callable[[], Any],
        limit_s: float,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Any:
        """Ask and wait for the answer. Raises `RefusedError`, with `TIMED_OUT` after `limit_s`.

        A copy that straggles is left out when `is_over` by then.
        """
        process = self.process
        process.check()
        answer = Answer()
        there_s, back_s, straggler_s = self._route(what, limit_s)
        if there_s is not None:
            process.world.after(there_s, self._arrival(what, effect, answer, back_s))
        if straggler_s is not None:
            self._straggle(what, effect, straggler_s, is_over)
        if back_s is None or there_s is None or there_s + back_s > limit_s:
            timeout = RefusedError(TIMED_OUT)
            process.world.after(limit_s, lambda: process.answer(answer, error=timeout))
        return process.wait(answer)

    def send(self, what: str, effect: Callable[[], Any], done: Callable[[Any], None]) -> bool:
        """The same without waiting: `done` gets the answer or the error, unless it goes astray.

        Returns whether an answer will come.
        """
        process = self.process
        there_s, back_s, straggler_s = self._route(what, 1.0)
        if not process.alive or there_s is None:
            return False

        def arrive() -> None:
            result = _outcome(effect)
            process.world.note(process.name, what, result)
            if back_s is not None:
                process.later(back_s, lambda: done(result))

        process.world.after(there_s, arrive)
        if straggler_s is not None:
            self._straggle(what, effect, straggler_s, lambda: False)
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

    def _straggle(
        self, what: str, effect: Callable[[], Any], after_s: float, is_over: Callable[[], bool]
    ) -> None:
        """A copy whose answer nobody waits for."""
        world, name = self.process.world, self.process.name

        def arrive() -> None:
            if not is_over():
                world.note(name, what, "(a copy)", _outcome(effect))

        world.after(after_s, arrive)

    def _route(self, what: str, limit_s: float) -> Route:
        usual_s = self.latency_s()
        there_s: float | None = usual_s
        back_s: float | None = self.latency_s()
        weather = self.weather
        if weather is FINE and not self.aims:
            return Route(there_s, back_s)
        chance, now_s = self.process.chance, self.process.world.now
        if weather.held and what.startswith(weather.held) and now_s < weather.until_s:
            return Route(weather.until_s - now_s + chance.random() * BACKOFF_S, None)
        match self._fate(what):
            case Fate.LOST:
                there_s = back_s = None
            case Fate.UNANSWERED:
                back_s = None
            case Fate.LATE:
                there_s, back_s = limit_s + chance.random() * weather.late_s, None
            case Fate.TWICE:
                straggles = chance.random() < 0.5
                later_s = chance.random() * (STRAGGLES_S if straggles else AGAIN_S)
                if straggles:
                    return Route(usual_s, back_s, usual_s + later_s)
                return Route(usual_s + later_s, back_s, usual_s)
        return Route(there_s, back_s)

    def _fate(self, what: str) -> Fate:
        for aim in list(self.aims):
            if what.startswith(aim):
                return self.aims.pop(aim)()
        weather, drawn = self.weather, self.process.chance.random()
        for share, fate in (
            (weather.lost, Fate.LOST),
            (weather.unanswered, Fate.UNANSWERED),
            (weather.late, Fate.LATE),
            (weather.twice, Fate.TWICE),
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
