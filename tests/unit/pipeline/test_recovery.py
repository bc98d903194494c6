"""Whose transactions are ended while a partition waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
import pytest
from structlog.testing import capture_logs

from consumer.errors import Action, Fault
from consumer.kafka.offsets import Committed, Hanging
from consumer.pipeline.partition import Partition
from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.ports import Observer, Offsets, StateReader, Transactions
from consumer.pipeline.recovery import ASK_BLOCKED_S, Recovery
from consumer.wire import state_entry
from consumer.wire.state_entry import Named
from tests.unit.pipeline.member import POLICY, Clock
from tests.unit.pipeline.test_restore import delta

END = 8
ME, OTHER = "app-me", "app-other"


class Standing:
    """A state partition that cannot be read on, from its last record; and a silent observer.

    What hangs there ends when its writer is fenced, or never.
    """

    transactional_id = ME

    def __init__(self, hanging: Hanging, *, ends: bool = False) -> None:
        self.done: list[Any] = []
        self._found = [hanging]
        self._ends = ends

    def committed(self, _: Sequence[int], __: float) -> Mapping[int, Committed]:
        """Commit 5 is the last."""
        named = Named(state_entry.VERSION, "life", 5, 0, OTHER)
        return {0: Committed(50, state_entry.encode_named(named))}

    def input_range(self, _: Sequence[int], __: float) -> Mapping[int, tuple[int, int]]:
        """All is there."""
        return {0: (0, 100)}

    def state_range(self, _: Sequence[int], __: float) -> Mapping[int, tuple[int, int]]:
        """The same."""
        return {0: (0, END)}

    def hanging(self, _: Sequence[int], __: float) -> Sequence[Hanging]:
        """What is still there."""
        return self._found

    def free_writer(self, writer: str, _: float, partitions: Sequence[int]) -> bool:
        """Says whether it worked."""
        self._end(writer, *partitions)
        return self._ends

    def end_orphans(self, partitions: Sequence[int]) -> None:
        """By a transaction of ours."""
        self._end(ME, *partitions)

    def start(self, _: int, __: int) -> None:
        """Nothing comes."""

    def poll(self, _: int, __: float) -> Sequence[Any]:
        """Nothing."""
        return ()

    def position(self, _: int) -> int:
        """Before the last record."""
        return END - 1

    def restore_progress(self, _: int) -> None:
        """Nobody looks."""

    def _end(self, writer: str, *partitions: int) -> None:
        self.done.append((writer, *partitions))
        if self._ends:
            self._found = []


def waited(kafka: Standing, times: int = 20, policy: PipelinePolicy = POLICY) -> list[Any]:
    """What a member logs that looks so many times, each a while later."""
    clock = Clock()
    recovery = Recovery(
        policy,
        cast("Offsets", kafka),
        cast("StateReader", kafka),
        cast("Transactions", kafka),
        clock,
        cast("Observer", kafka),
        new_incarnation=str,
        ready=lambda _: None,
    )
    recovery.add([Partition(0, clock.monotonic_s())])
    with capture_logs() as lines:
        for _ in range(times):
            recovery.step()
            clock.passed_s += 1
    return [line["event"] for line in lines if line["event"] != "restoring"]


@pytest.mark.parametrize("writer", [OTHER, ME])
def test_what_hangs_is_ended_when_it_is_seen_again(writer: str) -> None:
    """The first look may have met one that was about to end by itself.

    Its writer is fenced once: whether its coordinator knows of it or not, it is ended thereby.
    """
    kafka = Standing(Hanging(0, 4, writer, delta(4)), ends=True)
    assert waited(kafka, 2) == []
    assert waited(kafka) == ["transaction_ended"]
    assert kafka.done == [(writer, 0)]


def test_what_could_not_be_ended_is_tried_again() -> None:
    """Kafka was busy; nothing is said of an end."""
    kafka = Standing(Hanging(0, 4, OTHER, delta(4)))
    assert waited(kafka, 10) == []
    assert len(kafka.done) > 1


@pytest.mark.parametrize("writer", [OTHER, ME])
def test_what_is_committed_elsewhere_is_never_ended(writer: str) -> None:
    """The offset names this very record, so its transaction was committed. It is told of once."""
    kafka = Standing(Hanging(0, END - 1, writer, delta(5)))
    assert waited(kafka) == ["transaction_torn"]
    assert kafka.done == []


class Slow(Standing):
    """Takes a while to say what is committed, and nothing hangs."""

    def __init__(self, needs_s: float) -> None:
        super().__init__(Hanging(0, 4, OTHER, delta(4)))
        self._found = []
        self._needs_s = needs_s
        self.limits_s: list[float] = []

    def committed(self, numbers: Sequence[int], limit_s: float) -> Mapping[int, Committed]:
        """Not in less time."""
        self.limits_s.append(limit_s)
        if limit_s < self._needs_s or len(self.limits_s) == 1:
            return cast("Mapping[int, Committed]", None)
        return super().committed(numbers, limit_s)


def test_a_slow_kafka_gets_more_time_with_each_question() -> None:
    """Else what was blocked once would be for ever."""
    patient = msgspec.structs.replace(POLICY, request_s=1.0)
    kafka = Slow(patient.request_s)
    assert waited(kafka, policy=patient) == ["offsets_blocked"]
    assert kafka.limits_s == [1.0, *(number * ASK_BLOCKED_S for number in (2, 4, 8)), 1.0]


class Begun(Standing):
    """Where state lies and no offset is committed, at first or for good."""

    def __init__(self, *, by_another: bool) -> None:
        super().__init__(Hanging(0, 4, OTHER, delta(4)))
        self._by_another = by_another
        self._asked = 0

    def committed(self, numbers: Sequence[int], limit_s: float) -> Mapping[int, Committed]:
        """None, unless another member has one by the second question."""
        self._asked += 1
        if self._asked == 1 or not self._by_another:
            return {}
        return super().committed(numbers, limit_s)


@pytest.mark.parametrize(
    ("by_another", "verdict"),
    [
        (True, (Action.TEAR_DOWN, "partition_lost")),
        (False, (Action.GIVE_UP, "offsets_expired")),
    ],
)
def test_who_was_away_at_the_start_of_a_group_does_not_call_its_offsets_expired(
    verdict: tuple[Action, str], *, by_another: bool
) -> None:
    """Where there is state and no offset, it asks once more: another member may have begun."""
    with pytest.raises(Fault) as caught:
        waited(Begun(by_another=by_another))

    assert (caught.value.action, caught.value.cause) == verdict
