"""One scenario from beginning to end.

Chaos first: records arrive, faults strike. Then the calm: nothing fails any more, and within a
bounded time everything must be consumed, and nothing may hang (liveness). In a healthy end,
where the scenario has one, a member comes and goes, which must tear nothing down. Then all stop
in good order, and the outputs are judged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest import mock

import structlog
from msgspec import Struct

from consumer.aggregation import capacity, table
from consumer.aggregation.policy import Policy
from consumer.errors import Fault
from consumer.pipeline import garbage, state_log
from consumer.pipeline.policy import PipelinePolicy
from consumer.wire import state_entry
from tests.property.judge import memory
from tests.simulation.broker import Kafka
from tests.simulation.checker import APP, Checker
from tests.simulation.crew import Crew
from tests.simulation.member import WHO, Member
from tests.simulation.scenario import CHAOS_S, Scenario, Setup
from tests.simulation.verdict import judge

CALM_S = 90.0
"""Within this time after the last fault everything must be consumed."""
STOP_S = 40.0
HEALTHY_S = 4.0
MARGIN_S = 3.0
AFTERMATH = frozenset({"fenced", "broker_unreachable", "commit_timeout"})
"""What a request that went astray long ago may still lead to."""


class Result(Struct):
    """What came of it."""

    violations: list[str]
    trace: list[tuple[Any, ...]]
    virtual_s: float

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


class Play(Crew):
    """A crew with its pipelines' settings, and what is told of them."""

    def __init__(self, kafka: Kafka, scenario: Scenario, checker: Checker) -> None:
        super().__init__(kafka, scenario, checker)
        self.policy = policy_of(scenario.setup)
        self.is_healthy = False

    def tore_down(self, member: Member, fault: Fault) -> None:
        """A pipeline of `member` was given up."""
        del member
        self.teardowns += 1
        if self.is_healthy and fault.cause not in AFTERMATH:
            self.checker.violation(f"torn down while all was well: {fault.cause}: {fault}")

    def is_consumed(self) -> bool:
        """Whether all there is to read is read and committed, and everybody is up."""
        if not self.is_at_rest or self.group.state != "stable":
            return False
        for number, log in enumerate(self.kafka.topics["callbacks"]):
            at = self.group.offsets.get(number)
            if at is None or at.offset < log.start:
                return False
            if not at.metadata or log.read(at.offset, 1)[0]:
                return False
        return True


def execute(scenario: Scenario) -> Result:
    """Play it."""
    kafka = Kafka(scenario.seed, verifies=scenario.setup.verifies)
    setup, world = scenario.setup, kafka.world
    for topic in ("callbacks", "state"):
        kafka.create_topic(topic, setup.partitions)
    for topic in ("reports", "metrics", "dead-letters"):
        kafka.create_topic(topic, 2 if topic == "reports" else 1)
    checker = Checker(kafka, setup, memory)
    with _surroundings(setup, world.note):
        play = Play(kafka, scenario, checker)
        play.begin()
        try:
            _course(play)
        finally:
            world.close()
    if not checker.violations:
        checker.violations += judge(kafka, setup, checker)
    return Result(checker.violations, world.trace, world.now)


def _course(play: Play) -> None:
    world, setup, violations = play.world, play.setup, play.checker.violations

    def within(what: str, done: Callable[[], bool], limit_s: float) -> None:
        if not world.run(lambda: bool(violations) or done(), limit_s) and not violations:
            play.checker.violation(f"not {what} within {limit_s:.0f} s of calm")

    world.run(lambda: bool(violations), CHAOS_S)
    world.note("fault", "calm")
    play.calm()
    within("everything consumed", _now_and_then(world, play.is_consumed), CALM_S)
    if setup.healthy and not violations:
        _healthy_end(play)
        within("everything consumed", _now_and_then(world, play.is_consumed), CALM_S)
    if not setup.exact:
        settle_s = setup.idle_s + (setup.inactivity_ms + setup.window_ms) / 1000 + MARGIN_S
        world.run(lambda: bool(violations), settle_s + 2.0)
    play.conclude()
    if not violations:
        within("stopped", lambda: all(slot.client is None for slot in play.slots), STOP_S)
    world.run(lambda: bool(violations), setup.transaction_s + 1.0)


def _healthy_end(play: Play) -> None:
    """A member goes and comes back, while records arrive."""
    world = play.world
    world.note("fault", "healthy end")
    world.run(lambda: bool(play.checker.violations), MARGIN_S)
    play.is_healthy = True
    play.feed_rest()
    slot = play.slots[-1]
    slot.stop()
    world.after(HEALTHY_S / 2, slot.start)
    world.run(lambda: bool(play.checker.violations), HEALTHY_S)


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


def policy_of(setup: Setup) -> PipelinePolicy:
    """As the daemon would make it of the settings."""
    return PipelinePolicy(
        aggregation=Policy(
            app=APP,
            topic="callbacks",
            device_limit=setup.device_limit,
            inactivity_ms=setup.inactivity_ms,
            max_age_ms=setup.max_age_ms,
            revise=setup.revise,
            remember_ms=setup.remember_ms,
            window_ms=setup.window_ms,
            txid_bytes=setup.txid_bytes,
            report_bytes=setup.report_bytes,
        ),
        callbacks="callbacks",
        reports="reports",
        metrics="metrics",
        dead_letters="dead-letters",
        state="state",
        input_partitions=setup.partitions,
        report_partitions=2,
        state_bytes=setup.state_bytes,
        start_at=setup.start_at,  # type: ignore[arg-type] # one of its literals
        commit_interval_s=setup.commit_interval_s,
        max_reports=setup.max_reports,
        idle_s=setup.idle_s,
        batch_records=setup.batch_records,
        poll_s=setup.poll_s,
        delete_s=setup.delete_s,
    )


@contextmanager
def _surroundings(setup: Setup, note: Callable[..., None]) -> Iterator[None]:
    """Small things count as large ones do, and the pipeline's log goes to the trace."""

    def to_trace(_: object, __: str, event: structlog.typing.EventDict) -> str:
        note(WHO.get(), "log:", event.pop("event"), *sorted(f"{k}={v}" for k, v in event.items()))
        raise structlog.DropEvent

    encode = partial(state_entry.encode, chunk_bytes=setup.chunk_bytes)
    structlog.configure(processors=[to_trace])
    with ExitStack() as stack:
        for module, name, value in (
            (table, "LEAST_SWEEP", 0),
            (capacity, "LEAST_LOOK", 2),
            (state_log, "FLOOR_BYTES", setup.floor_bytes),
            (state_log, "LEAST_REWRITE_BYTES", 100),
            (state_entry, "encode", encode),
            (garbage, "gc", mock.Mock()),  # collecting would take longer than all else
        ):
            stack.enter_context(mock.patch.object(module, name, value))
        try:
            yield
        finally:
            structlog.reset_defaults()
