"""Transactions that hang: whose they are, and how they are ended."""

from __future__ import annotations

import pytest

from tests.contract.acts import (
    Reading,
    appear,
    commit,
    fault_of,
    joined,
    settle,
    values,
    write,
)
from tests.contract.test_offsets import BRIEF_S, FOREVER, seen
from tests.contract.world import Client, Output, Position, RefusedByKafka, World
from tests.harness.cluster import Committed


def hanging(client: Client, *partitions: int) -> list[tuple[int, int, str]]:
    """What a client finds, as plain values."""
    found = client.offsets.hanging(partitions, 10)
    return sorted((one.partition, one.offset, one.writer) for one in found)


def test_the_oldest_one_of_a_partition_and_its_writer_are_found(world: World) -> None:
    """By the header of its first record; what has ended is none."""
    world.make_topics(2)
    first, second = world.client("a"), world.client("b")
    first.transactions.init()
    second.transactions.init()
    write(world, first, b"done", partition=0)
    first.transactions.commit()
    settle(world, world.state)
    assert hanging(first, 0, 1) == []

    write(world, second, b"older", partition=0)
    write(world, first, b"younger", partition=0)
    second_id = second.transactions.transactional_id
    assert hanging(first, 0, 1) == [(0, 2, second_id)]

    second.transactions.commit()
    world.until(lambda: hanging(first, 0) != [(0, 2, second_id)], "the end of the older")
    assert hanging(first, 0) == [(0, 3, first.transactions.transactional_id)]


def test_of_a_stranger_is_left_out(world: World) -> None:
    """Nobody can be ended whose name is not known."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    client.transactions.begin()
    client.transactions.produce([Output(world.state, None, b"x", 0)])
    client.transactions.flush()

    assert client.offsets.hanging([0], 10) == []


def test_freeing_the_writer_ends_it_and_fences_the_writer(world: World) -> None:
    """At once, and the offsets that were under way with it."""
    world.make_topics()
    writer, other = world.client("a", limits=FOREVER), world.client("b")
    joined(world, writer)
    writer.transactions.init()
    write(world, writer, b"one")
    commit(writer, Position(0, 5))
    settle(world, world.state)
    write(world, writer, b"hangs")
    writer.transactions.send_offsets([Position(0, 9)], writer.source.group_metadata())
    assert other.offsets.committed([0], BRIEF_S) is None
    ((_, _, name),) = hanging(other, 0)

    began_s = world.monotonic_s()
    assert other.offsets.free_writer(name, 10)
    assert seen(other.offsets.committed([0], 10)) == {0: Committed(5, "")}
    assert world.monotonic_s() - began_s < 10
    world.until(lambda: hanging(other, 0) == [], "its end")
    assert fault_of(writer.transactions.commit).cause == "fenced"
    assert values(world, world.state) == [b"one"]


def test_a_writer_that_is_well_is_found_and_not_harmed_by_that(world: World) -> None:
    """Its transaction is open, that is all: who looks cannot tell the dead from the slow."""
    world.make_topics()
    writer, other = world.client("a"), world.client("b")
    writer.transactions.init()
    write(world, writer, b"one")

    assert hanging(other, 0) == [(0, 0, writer.transactions.transactional_id)]
    writer.transactions.commit()

    appear(world, world.state, b"one")


def test_freeing_one_whose_transaction_has_ended_undoes_nothing(world: World) -> None:
    """But it fences the writer, which has to begin anew."""
    world.make_topics()
    writer, other = world.client("a"), world.client("b")
    writer.transactions.init()
    write(world, writer, b"one")
    writer.transactions.commit()

    assert other.offsets.free_writer(writer.transactions.transactional_id, 10)

    appear(world, world.state, b"one")
    assert fault_of(lambda: write(world, writer, b"two")).cause == "fenced"
    again = world.client("a")
    again.transactions.init()
    write(world, again, b"three")
    again.transactions.commit()
    appear(world, world.reports, b"one", b"three")


def test_freeing_a_writer_that_never_was_is_nothing(world: World) -> None:
    """There is no transaction to end."""
    world.make_topics()
    client = world.client("a")

    assert client.offsets.free_writer(f"{client.transactions.transactional_id}-nobody", 10)


def test_a_kafka_that_verifies_takes_no_record_outside_of_a_transaction(world: World) -> None:
    """Nor does it take one that comes when its transaction is over."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()

    with pytest.raises(RefusedByKafka):
        world.leave_orphan(client, 0)

    assert world.ends(world.state) == {0: 0}


def test_an_orphan_outlives_the_fencing_of_its_writer(lax_world: World) -> None:
    """Its coordinator does not know of it; it hangs, and a new producer of the id ends nothing."""
    world = lax_world
    world.make_topics(2)
    writer, other = world.client("a"), world.client("b")
    writer.transactions.init()
    world.leave_orphan(writer, 1)
    name = writer.transactions.transactional_id

    assert other.offsets.free_writer(name, 10)

    assert hanging(other, 0, 1) == [(1, 0, name)]


def test_freeing_its_writer_in_its_partition_ends_an_orphan(lax_world: World) -> None:
    """By a record that is taken back: nothing is left to read of either."""
    world = lax_world
    world.make_topics(2)
    writer, other = world.client("a"), world.client("b")
    writer.transactions.init()
    world.leave_orphan(writer, 1)

    assert other.offsets.free_writer(writer.transactions.transactional_id, 10, [1])

    settle(world, world.state)
    assert hanging(other, 0, 1) == []
    assert world.ends(world.state) == {0: 0, 1: 3}
    reading = Reading(other)
    reading.reader.start(1, 0)
    assert reading.until_at(world, 1, 3) == []


def test_freeing_in_a_partition_ends_what_the_coordinator_knows_of_as_well(world: World) -> None:
    """There is no need to know which of the two it is."""
    world.make_topics()
    writer, other = world.client("a", limits=FOREVER), world.client("b")
    writer.transactions.init()
    write(world, writer, b"hangs")

    assert other.offsets.free_writer(writer.transactions.transactional_id, 10, [0])

    settle(world, world.state)
    assert hanging(other, 0) == []
    assert values(world, world.state) == []
    assert fault_of(writer.transactions.commit).cause == "fenced"


def test_freeing_says_when_a_partition_did_not_take_its_record(world: World) -> None:
    """What could be ended is ended, and nothing new is left open."""
    world.make_topics(2)
    writer, other = world.client("a", limits=FOREVER), world.client("b")
    writer.transactions.init()
    write(world, writer, b"hangs")

    assert not other.offsets.free_writer(writer.transactions.transactional_id, 5, [1, 7])

    settle(world, world.state)
    assert hanging(other, 0, 1) == []


def test_ones_own_orphan_is_ended_without_being_fenced(lax_world: World) -> None:
    """By the producer that is there, which works on."""
    world = lax_world
    world.make_topics(2)
    former = world.client("a")
    former.transactions.init()
    world.leave_orphan(former, 1)
    world.crash(former)
    client = world.client("a")
    client.transactions.init()
    assert hanging(client, 0, 1) == [(1, 0, client.transactions.transactional_id)]

    client.transactions.end_orphans([1])

    settle(world, world.state)
    assert hanging(client, 0, 1) == []
    write(world, client, b"one", partition=1)
    client.transactions.commit()
    appear(world, world.state, b"one")


def test_an_orphan_becomes_part_of_its_producers_next_transaction_there(lax_world: World) -> None:
    """And is committed with it: that is why such a Kafka can double what it was given."""
    world = lax_world
    world.make_topics()
    former = world.client("a")
    former.transactions.init()
    world.leave_orphan(former, 0)
    world.crash(former)
    client = world.client("a")
    client.transactions.init()

    write(world, client, b"one")
    client.transactions.commit()

    appear(world, world.state, b"orphan", b"one")
