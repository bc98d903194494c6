from __future__ import annotations

import itertools

import pytest

from consumer.pipeline.partition import TRANSITIONS, Event, Partition, Phase, Running
from consumer.wire import state_entry
from tests.unit.aggregation.feed import POLICY, WALL_MS, Batch, callback, usage


def fresh(*, unnamed: bool) -> Running:
    """A partition with no state, that goes on at 17."""
    return Running.fresh(
        2, POLICY, incarnation="life", start=40, offset=17, now_s=1.5, unnamed=unnamed
    )


def test_a_partition_begins_by_resolving() -> None:
    """Its committed offset is not known yet."""
    partition = Partition(2, 1.5)
    assert (partition.number, partition.phase, partition.since_s) == (2, Phase.RESOLVING, 1.5)
    assert partition.running is None
    assert partition.restore is None


@pytest.mark.parametrize(("phase", "event"), list(itertools.product(Phase, Event)))
def test_phases_follow_the_table(phase: Phase, event: Event) -> None:
    """A listed event leads to the listed phase, any other is a bug and says so."""
    partition = Partition(2, 0.0)
    partition.phase = phase
    if (phase, event) in TRANSITIONS:
        partition.move(event)
        assert partition.phase is TRANSITIONS[phase, event]
    else:
        with pytest.raises(KeyError):
            partition.move(event)
        assert partition.phase is phase


def test_every_phase_can_be_reached_and_ends_in_running() -> None:
    """There is no dead end."""
    reached = set(TRANSITIONS.values()) | {Phase.RESOLVING}
    left = {phase for phase, _ in TRANSITIONS}
    assert reached == set(Phase)
    assert set(Phase) - left == {Phase.RUNNING}


def test_a_fresh_partition_has_an_empty_state_of_its_own() -> None:
    """Its log begins where it was told, in a history of its own."""
    running = fresh(unnamed=True)
    assert (running.going_on, running.last_record_s) == (17, 1.5)
    assert len(running.aggregator.table) == 0
    assert running.aggregator.partition == 2
    named = state_entry.decode_named(running.log.named("me"))
    assert named == state_entry.Named(state_entry.VERSION, "life", 0, 40, "me")


def test_an_offset_that_does_not_name_the_state_is_pending() -> None:
    """It is committed even if nothing was read."""
    assert fresh(unnamed=True).pending()
    assert not fresh(unnamed=False).pending()


def test_work_is_pending_until_it_is_taken() -> None:
    """Any record that was applied."""
    running = fresh(unnamed=False)
    batch = Batch([17], [10], [b"a"], [callback("a", usage("1"))])
    running.aggregator.apply(batch, 0, WALL_MS, 10)
    assert running.pending()
    running.aggregator.take()
    assert not running.pending()
