"""A failing scenario, made small: faults and records are taken away while it still fails.

Plain delta debugging: halves, then smaller pieces, then one by one. What is left of a scenario
draws the same latencies as before, but meets them at other moments; so taking away more can
work where taking away less does not, and the result is small, not smallest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import structs

from tests.simulation.scenario import Scenario

Piece = TypeVar("Piece")
MOST_TRIES = 400


def shrunk(scenario: Scenario, fails: Callable[[Scenario], bool]) -> Scenario:
    """A smaller one that fails as well. `fails` says so of `scenario` to begin with."""
    tries = 0

    def still(**changes: object) -> bool:
        nonlocal tries
        tries += 1
        return tries <= MOST_TRIES and fails(structs.replace(scenario, **changes))

    while True:
        before = len(scenario.blows), len(scenario.arrivals)
        blows = _least(scenario.blows, lambda blows: still(blows=blows))
        scenario = structs.replace(scenario, blows=blows)
        arrivals = _least(scenario.arrivals, lambda arrivals: still(arrivals=arrivals))
        scenario = structs.replace(scenario, arrivals=arrivals)
        if (len(blows), len(arrivals)) == before or tries >= MOST_TRIES:
            return scenario


def _least(pieces: list[Piece], holds: Callable[[list[Piece]], bool]) -> list[Piece]:
    """As few of them as hold."""
    size = len(pieces)
    while size:
        begin = 0
        while begin < len(pieces):
            rest = _without(pieces, begin, begin + size)
            if holds(rest):
                pieces = rest
            else:
                begin += size
        size //= 2
    return pieces


def _without(pieces: Sequence[Piece], begin: int, end: int) -> list[Piece]:
    return [*pieces[:begin], *pieces[end:]]
