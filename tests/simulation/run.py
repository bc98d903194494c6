"""One scenario from beginning to end.

Chaos first: records arrive, faults strike. Then the calm: nothing fails any more, and within a
bounded time everything must be consumed, and nothing may hang (liveness). In a healthy end,
where the scenario has one, a member goes and comes back, long after the last fault: nothing else
may happen then (`quiet`). Then all stop in good order, and the outputs are judged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from tests.simulation import quiet
from tests.simulation.broker import Kafka
from tests.simulation.checker import Checker
from tests.simulation.crew import Crew
from tests.simulation.faults import CHAOS_S
from tests.simulation.scenario import Scenario
from tests.simulation.surroundings import surroundings
from tests.simulation.verdict import judge

CALM_S = 90.0
"""Within this time after the last fault everything must be consumed."""
STOP_S = 40.0
HEALTHY_S = 4.0
MARGIN_S = 3.0


class Result(Struct):
    """What came of it."""

    violations: list[str]
    trace: list[tuple[Any, ...]]
    virtual_s: float
    spoiled: str = ""
    """Why there is no verdict: Kafka itself has committed what it had taken back."""

    def lines(self) -> Iterator[str]:
        """The trace, to be read."""
        for now, who, what, *details in self.trace:
            yield f"{now:10.4f} {who:9} {what} {' '.join(map(str, details))}".rstrip()

    def digest(self) -> str:
        """The same for two runs in which the same happened."""
        digest = hashlib.blake2b(digest_size=16)
        for line in self.lines():
            digest.update(line.encode())
        return digest.hexdigest()


def execute(scenario: Scenario) -> Result:
    """Play it."""
    kafka = Kafka(scenario.seed, verifies=scenario.setup.verifies)
    setup, world = scenario.setup, kafka.world
    for topic in ("callbacks", "state"):
        kafka.create_topic(topic, setup.partitions)
    for topic in ("reports", "metrics", "dead-letters"):
        kafka.create_topic(topic, 2 if topic == "reports" else 1)
    checker = Checker(kafka, setup)
    with surroundings(setup, world.note):
        crew = Crew(kafka, scenario, checker)
        crew.begin()
        try:
            _course(crew)
        finally:
            world.close()
    spoiled = kafka.coordinator.spoiled
    if not checker.violations and not spoiled:
        checker.violations += judge(kafka, setup, checker)
    return Result(checker.violations, world.trace, world.now, spoiled)


def _course(crew: Crew) -> None:
    world, setup, checker = crew.world, crew.setup, crew.checker

    def is_decided() -> bool:
        return bool(checker.violations) or bool(crew.kafka.coordinator.spoiled)

    def within(what: str, done: Callable[[], bool], limit_s: float) -> None:
        if not world.run(lambda: is_decided() or done(), limit_s) and not is_decided():
            checker.violation(f"not {what} within {limit_s:.0f} s of calm")

    world.run(is_decided, CHAOS_S)
    world.note("fault", "calm")
    crew.calm()
    world.run(is_decided, MARGIN_S)  # who was away learns what happened meanwhile
    within("everything consumed", _now_and_then(world, crew.is_consumed), CALM_S)
    if setup.healthy and not is_decided():
        world.run(is_decided, crew.disturbed_s + quiet.SINCE_S - world.now)
        if crew.renew_fenced():
            world.run(is_decided, quiet.SINCE_S)
        _healthy_end(crew, is_decided)
        within("everything consumed", _now_and_then(world, crew.is_consumed), CALM_S)
    if not setup.exact:
        settle_s = setup.idle_s + (setup.inactivity_ms + setup.window_ms) / 1000 + MARGIN_S
        world.run(is_decided, settle_s + 2.0)
    if crew.quiet is not None:
        crew.quiet.look_back()
    crew.conclude()
    if not is_decided():
        within("stopped", lambda: all(slot.client is None for slot in crew.slots), STOP_S)
    world.run(is_decided, setup.transaction_s + 1.0)


def _healthy_end(crew: Crew, is_decided: Callable[[], bool]) -> None:
    """A member goes and comes back, while records arrive; then nothing happens for a while."""
    world, slot = crew.world, crew.slots[-1]
    world.note("fault", "healthy end")
    crew.quiet = quiet.Quiet(crew, slot.name)
    crew.feed_rest()
    slot.stop()
    world.after(HEALTHY_S / 2, slot.start)
    world.run(is_decided, HEALTHY_S + crew.setup.session_s)


def _now_and_then(world: Any, done: Callable[[], bool]) -> Callable[[], bool]:
    """Look only when some time has passed."""
    next_s = world.now

    def look() -> bool:
        nonlocal next_s
        if world.now < next_s:
            return False
        next_s = world.now + 0.5
        return done()

    return look
