"""A transaction: all of it or nothing, and where its records lie."""

from __future__ import annotations

import os

import pytest

from consumer.errors import Action
from tests.contract.acts import (
    appear,
    commit,
    fault_of,
    fault_or_none,
    joined,
    settle,
    values,
    write,
)
from tests.contract.world import Output, Position, World
from tests.harness.cluster import Committed


def test_outputs_state_and_offsets_appear_together(world: World) -> None:
    """Before the commit nobody sees any of it, afterwards everybody sees all of it."""
    world.make_topics(2)
    client = world.client("a")
    joined(world, client, 2)
    client.transactions.init()

    write(world, client, b"one", partition=1)
    positions = [Position(0, 5, '{"sequence":1}'), Position(1, 0)]
    client.transactions.send_offsets(positions, client.source.group_metadata())
    before = values(world, world.reports), values(world, world.state), world.committed()
    client.transactions.commit()

    appear(world, world.reports, b"one")
    appear(world, world.state, b"one")
    wanted = {0: Committed(5, '{"sequence":1}'), 1: Committed(0, "")}
    world.until(lambda: world.committed() == wanted, "the offsets")
    assert before == ([], [], {})


def test_of_an_aborted_one_only_the_room_that_it_took_remains(world: World) -> None:
    """Its records and its marker keep their offsets, and no reader sees a record."""
    world.make_topics()
    client = world.client("a")
    joined(world, client)
    client.transactions.init()

    write(world, client, b"no")
    client.transactions.send_offsets([Position(0, 5)], client.source.group_metadata())
    client.transactions.abort()
    settle(world, world.state)

    assert world.ends(world.state) == {0: 2}
    assert values(world, world.state, committed=False) == [b"no"]
    assert values(world, world.state) == values(world, world.reports) == []
    assert client.offsets.committed([0], 10) == {}


def test_a_marker_lies_where_something_was_written_and_nowhere_else(world: World) -> None:
    """One in each partition; a transaction of offsets alone leaves none."""
    world.make_topics(2)
    client = world.client("a")
    joined(world, client, 2)
    client.transactions.init()

    client.transactions.begin()
    commit(client, Position(0, 1))
    client.transactions.begin()
    client.transactions.produce_state(1, [b"one", b"two"])
    client.transactions.flush()
    commit(client, Position(0, 2), Position(1, 2))
    settle(world, world.state)

    assert world.ends(world.state) == {0: 0, 1: 3}
    assert world.ends(world.input) == {0: 0, 1: 0}


def test_flush_tells_where_the_first_state_record_lies(world: World) -> None:
    """Inside of the open transaction, by partition; what others left before it counts."""
    world.make_topics(2)
    client = world.client("a")
    client.transactions.init()
    found = []
    for partition, end in [(0, client.transactions.commit), (0, client.transactions.abort)] * 2:
        client.transactions.begin()
        client.transactions.produce_state(partition, [b"one", b"two"])
        found.append(dict(client.transactions.flush()))
        end()
    client.transactions.begin()
    client.transactions.produce_state(1, [b"one"])
    client.transactions.produce_state(0, [b"one"])
    client.transactions.produce_state(1, [b"two"])
    found.append(dict(client.transactions.flush()))

    assert found == [{0: 0}, {0: 3}, {0: 6}, {0: 9}, {0: 12, 1: 0}]
    assert client.transactions.delivered() == found[-1]


def test_delivered_says_so_without_waiting(world: World) -> None:
    """Nothing until all of it is delivered, and then the same as flush."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    client.transactions.begin()
    client.transactions.produce_state(0, [b"one"] * 100)

    world.until(lambda: client.transactions.delivered() is not None, "the deliveries")

    assert client.transactions.delivered() == {0: 0}
    assert world.ends(world.state) == {0: 100}


def test_the_producer_works_on_after_a_commit_and_after_an_abort(world: World) -> None:
    """Each transaction begins with nothing, and abort without one is nothing."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    client.transactions.abort()
    write(world, client, b"one")
    client.transactions.commit()
    write(world, client, b"no")
    client.transactions.abort()
    write(world, client, b"two")
    client.transactions.commit()
    client.transactions.begin()
    client.transactions.commit()
    client.transactions.abort()

    appear(world, world.reports, b"one", b"two")


def test_transactions_of_two_members_lie_among_each_other(world: World) -> None:
    """In one partition of the state, too: Kafka does not ask who owns it."""
    world.make_topics()
    first, second = world.client("a"), world.client("b")
    first.transactions.init()
    second.transactions.init()

    places = [write(world, first, b"first"), write(world, second, b"second")]
    first.transactions.commit()
    second.transactions.commit()

    appear(world, world.state, b"first", b"second")
    assert places == [{0: 0}, {0: 1}]
    assert world.ends(world.state) == {0: 4}


def test_a_record_that_is_refused_at_once_does_not_spoil_its_transaction(world: World) -> None:
    """A commit would succeed without it. That is why no error may be swallowed."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    write(world, client, b"one")

    large = Output(world.reports, b"k", bytes(world.max_record_bytes + 1))
    fault = fault_of(lambda: client.transactions.produce([large]))
    client.transactions.commit()

    assert (fault.action, fault.cause) == (Action.GIVE_UP, "output_too_large")
    appear(world, world.reports, b"one")


def test_a_record_that_is_refused_at_once_can_be_aborted(world: World) -> None:
    """With everything else of its transaction; the next one works."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    write(world, client, b"no")

    large = Output(world.reports, b"k", bytes(world.max_record_bytes + 1))
    fault_of(lambda: client.transactions.produce([large]))
    client.transactions.abort()
    write(world, client, b"one")
    client.transactions.commit()

    appear(world, world.reports, b"one")
    assert values(world, world.state) == [b"one"]


def test_a_record_that_the_broker_refuses_spoils_its_transaction(world: World) -> None:
    """The flush says so, a commit is refused, and abort ends it."""
    world.make_topics(report_max_bytes=2_000)
    client = world.client("a")
    client.transactions.init()
    client.transactions.begin()
    client.transactions.produce_state(0, [b"no"])
    client.transactions.produce([Output(world.reports, b"k", os.urandom(3_000))])

    flushed = fault_of(client.transactions.flush)
    committed = fault_of(client.transactions.commit)
    client.transactions.abort()
    settle(world, world.state)

    assert (flushed.action, flushed.cause) == (Action.GIVE_UP, "output_too_large")
    assert committed.action is not Action.RESEND
    assert values(world, world.state) == values(world, world.reports) == []


def test_of_many_records_a_large_one_is_refused_at_once(world: World) -> None:
    """Those before it are queued, it is named by its topic, and abort ends it all."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    client.transactions.begin()

    records = [(b"k", b"no"), (b"k", bytes(world.max_record_bytes + 1)), (b"k", b"no")]
    fault = fault_of(lambda: client.transactions.produce_keyed(world.reports, records))
    client.transactions.abort()
    settle(world, world.reports)

    assert (fault.action, fault.cause) == (Action.GIVE_UP, "output_too_large")
    assert world.reports in str(fault)
    assert values(world, world.reports) == []


def test_many_records_of_which_the_broker_refuses_one_spoil_their_transaction(
    world: World,
) -> None:
    """The flush says so or, in the absence of callbacks, what comes after it."""
    world.make_topics(report_max_bytes=2_000)
    client = world.client("a")
    client.transactions.init()
    client.transactions.begin()
    client.transactions.produce_state(0, [b"no"])
    records = [(b"k", b"no"), (b"k", os.urandom(3_000)), (b"k", b"no")]
    client.transactions.produce_keyed(world.reports, records)

    fault = fault_or_none(client.transactions.flush) or fault_of(client.transactions.commit)
    client.transactions.abort()
    settle(world, world.reports)
    settle(world, world.state)

    assert (fault.action, fault.cause) == (Action.GIVE_UP, "output_too_large")
    assert world.reports in str(fault)
    assert values(world, world.state) == values(world, world.reports) == []


def test_many_records_are_sent_again_after_an_abort(world: World) -> None:
    """Any number of times, and be it that each delivery is told of now."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    for end in (client.transactions.abort, client.transactions.commit) * 2:
        client.transactions.begin()
        client.transactions.produce_keyed(world.reports, [(b"k", b"one"), (b"k", b"two")])
        client.transactions.produce_state(0, [b"state"])
        client.transactions.flush()
        end()

    appear(world, world.reports, *[b"one", b"two"] * 2)
    assert values(world, world.state) == [b"state"] * 2


def test_offsets_below_zero_are_refused(world: World) -> None:
    """All of them, here: the client library would drop these and commit the others."""
    world.make_topics(2)
    client = world.client("a")
    joined(world, client, 2)
    client.transactions.init()
    write(world, client, b"one")

    metadata = client.source.group_metadata()
    with pytest.raises(ValueError, match="-1001"):
        client.transactions.send_offsets([Position(0, 5), Position(1, -1001)], metadata)
    client.transactions.commit()

    appear(world, world.reports, b"one")
    assert client.offsets.committed([0, 1], 10) == {}


MOST_METADATA = 4095
"""Kafka takes 4,096 bytes, one of which the client library adds."""


def test_metadata_of_an_offset_may_be_this_long(world: World) -> None:
    """And comes back whole."""
    world.make_topics()
    client = world.client("a")
    joined(world, client)
    client.transactions.init()
    client.transactions.begin()
    commit(client, Position(0, 5, "x" * MOST_METADATA))

    found = client.offsets.committed([0], 10)
    assert found is not None
    assert found[0].metadata == "x" * MOST_METADATA


def test_longer_metadata_spoils_the_whole_transaction(world: World) -> None:
    """Its records and its other offsets as well; that can only be aborted."""
    world.make_topics(2)
    client = world.client("a")
    joined(world, client, 2)
    client.transactions.init()
    write(world, client, b"no")

    positions = [Position(0, 5, "x" * (MOST_METADATA + 1)), Position(1, 6)]
    metadata = client.source.group_metadata()
    refused = fault_of(lambda: client.transactions.send_offsets(positions, metadata))
    committed = fault_of(client.transactions.commit)
    client.transactions.abort()
    settle(world, world.state)

    assert (refused.action, refused.cause) == (Action.TEAR_DOWN, "commit_failed")
    assert committed.action is Action.TEAR_DOWN
    assert values(world, world.state) == values(world, world.reports) == []
    assert client.offsets.committed([0, 1], 10) == {}
    write(world, client, b"one")
    commit(client, Position(1, 6))
    appear(world, world.reports, b"one")


def test_a_batch_that_arrives_again_is_taken_once(world: World) -> None:
    """And its sender is told where it lies; that is what idempotence is."""
    world.make_topics()

    assert world.deliver_again(b"one") == 0

    appear(world, world.state, b"one")


def test_keys_are_placed_as_java_does(world: World) -> None:
    """By murmur2, so that consumers in any language find a txid's records together."""
    world.make_topics(7)
    client = world.client("a")
    client.transactions.init()
    client.transactions.begin()
    client.transactions.produce_keyed(world.input, [(key, key) for key in JAVA_MURMUR2])
    client.transactions.flush()
    client.transactions.commit()
    settle(world, world.input)

    placed = {seen.value: seen.partition for seen in world.read(world.input)}

    assert placed == {key: (value & 0x7FFFFFFF) % 7 for key, value in JAVA_MURMUR2.items()}


# https://github.com/apache/kafka/blob/4.3.1/clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java
JAVA_MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
