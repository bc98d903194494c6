"""Reading the state log back, on a real broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from consumer.errors import Action, Fault
from consumer.kafka.state_reader import StateReader, StateRecord
from tests.integration.kafka.world import World

pytestmark = pytest.mark.kafka


def read_until(reader: StateReader, condition: Callable[[], bool]) -> Sequence[StateRecord]:
    """Poll until the condition holds; all records that came."""
    found: list[StateRecord] = []
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f"the condition did not come true; read {found}"
        found.extend(reader.poll(1000, 0.02))
    return found


def test_a_log_that_does_not_reach_back_is_damaged(world: World) -> None:
    """Its first records were deleted by someone else than us."""
    world.make(world.state)
    world.write(world.state, 0, [b"x"] * 10)
    world.delete_before(world.state, 0, 5)
    reader = world.reader()
    reader.start(0, 3)

    with pytest.raises(Fault) as caught:
        read_until(reader, lambda: False)

    assert caught.value.cause == "state_damaged"
    assert caught.value.action is Action.GIVE_UP
    assert f"{world.state}[0]@3" in str(caught.value)


def test_can_be_stopped_and_started_again(world: World) -> None:
    """A partition that was revoked and came back is read from its new offset."""
    world.make(world.state)
    world.write(world.state, 0, [b"%d" % number for number in range(10)])
    reader = world.reader()
    reader.start(0, 0)
    read_until(reader, lambda: reader.position(0) == 10)

    reader.stop(0)
    reader.stop(0)
    world.write(world.state, 0, [b"10"])
    nothing = reader.poll(10, 0.2)
    reader.start(0, 8)
    found = read_until(reader, lambda: reader.position(0) == 11)

    assert nothing == []
    assert [each.offset for each in found] == [8, 9, 10]


def test_starts_another_partition_at_once(world: World) -> None:
    """Not after the half second that a fetch may wait for records."""
    world.make(world.state, 2)
    for partition in range(2):
        world.write(world.state, partition, [b"x"])
    reader = world.reader()
    reader.start(0, 0)
    read_until(reader, lambda: reader.position(0) == 1)
    reader.poll(1, 0.2)

    began = time.monotonic()
    reader.start(1, 0)
    read_until(reader, lambda: reader.position(1) == 1)

    assert time.monotonic() - began < 0.4


def test_refuses_an_offset_below_zero(world: World) -> None:
    """Logical offsets would mean something else to the client."""
    with pytest.raises(ValueError, match="-1001"):
        world.reader().start(0, -1001)
