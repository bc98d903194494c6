"""Whose transactions are ended while a partition waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from consumer.kafka.offsets import Committed, Hanging
from consumer.pipeline.partition import Partition
from consumer.pipeline.ports import Offsets
from consumer.pipeline.recovery import Recovery
from tests.unit.pipeline.member import POLICY, Clock


class Blocked:
    """Offsets that something holds back for ever."""

    def __init__(self, *found: Hanging, ends: bool) -> None:
        self.found = found
        self.freed: list[str] = []
        self._ends = ends

    def committed(self, _partitions: Sequence[int], _: float) -> Mapping[int, Committed] | None:
        """No answer in time."""
        return None

    def hanging(self, _partitions: Sequence[int], _: float) -> Sequence[Hanging]:
        """What is still there."""
        return self.found

    def free_writer(self, transactional_id: str, _: float) -> bool:
        """Says that it worked."""
        self.freed.append(transactional_id)
        if self._ends:
            self.found = ()
        return True


def waited(offsets: Blocked, times: int) -> list[Any]:
    """What a member logs that looks so many times, each a while later."""
    clock, unused = Clock(), cast("Any", None)
    recovery = Recovery(
        POLICY,
        cast("Offsets", offsets),
        unused,
        clock,
        unused,
        writer="app-me",
        new_incarnation=str,
        ready=lambda _: None,
    )
    recovery.add([Partition(0, now_s=clock.monotonic_s())])
    with capture_logs() as lines:
        for _ in range(times):
            recovery.step()
            clock.passed_s += 1
    return [line for line in lines if line["event"] != "offsets_blocked"]


def test_a_dead_members_transaction_is_ended_when_it_is_seen_again() -> None:
    """The first look may have met one that was about to end by itself."""
    offsets = Blocked(Hanging(0, 7, "app-dead"), ends=True)
    assert waited(offsets, 1) == []
    assert [line["event"] for line in waited(offsets, 5)] == ["transaction_ended"]
    assert offsets.freed == ["app-dead"]


@pytest.mark.parametrize(("writer", "freed"), [("app-other", ["app-other"]), ("app-me", [])])
def test_one_that_cannot_be_ended_is_told_of_once(writer: str, freed: list[str]) -> None:
    """Its writer may live again: fencing it over and over would stop that one, too.

    One's own past is ended by Kafka at the start, so one that is left is such a one.
    """
    offsets = Blocked(Hanging(0, 7, writer), ends=False)
    *_, orphaned = waited(offsets, 20)
    assert offsets.freed == freed
    assert orphaned == {
        "event": "transaction_orphaned",
        "log_level": "error",
        "topic": "state",
        "partition": 0,
        "offset": 7,
        "writer": writer,
    }
