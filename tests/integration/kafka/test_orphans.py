"""Transactions that their coordinator does not know of: who takes them, and what ends them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError

from consumer.embedded import EmbeddedKafka
from consumer.kafka.offsets import Hanging
from tests.integration.kafka.orphan import Refused, leave_orphan
from tests.integration.kafka.world import World
from tests.waiting import until

pytestmark = pytest.mark.kafka

UNVERIFIED = {"transaction.partition.verification.enable": "false"}
WRITER = "app-gone"


@pytest.fixture(scope="module")
def old_kafka() -> Iterator[EmbeddedKafka]:
    """One that takes records of transactions without asking, as those before 3.6 do."""
    with EmbeddedKafka(settings=UNVERIFIED) as kafka:
        yield kafka


@pytest.fixture
def old_world(old_kafka: EmbeddedKafka, topic_prefix: str) -> Iterator[World]:
    """Names and clients of a test on it."""
    world = World(old_kafka.bootstrap_servers, topic_prefix)
    yield world
    world.close()


def test_a_kafka_that_verifies_takes_no_orphan(world: World) -> None:
    """As it does unless it is told otherwise."""
    world.make(world.state, 1)
    assert world.offsets().free_writer(WRITER, 20)  # now it has a coordinator

    with pytest.raises(Refused) as caught:
        leave_orphan(world.servers["bootstrap.servers"], WRITER, world.state, 0, WRITER)

    assert caught.value.args[0] in (KafkaError.INVALID_TXN_STATE, KafkaError.INVALID_RECORD)


def test_an_orphan_outlives_the_fencing_of_its_writer(old_world: World) -> None:
    """Only a transaction of the same id, taken back in the same partition, ends it."""
    world = old_world
    world.make(world.state, 2)
    offsets = world.offsets()
    assert offsets.free_writer(WRITER, 20)  # now it has a coordinator
    leave_orphan(world.servers["bootstrap.servers"], WRITER, world.state, 1, WRITER)

    assert offsets.free_writer(WRITER, 10)
    assert offsets.hanging([0, 1], 10) == [Hanging(1, 0, WRITER)]

    assert offsets.free_writer(WRITER, 10, [1])
    until(lambda: not offsets.hanging([0, 1], 10), "its end", 20)
    assert offsets.state_range([0, 1], 10) == {0: (0, 0), 1: (0, 3)}
    reader = world.reader()
    reader.start(1, 0)
    assert [reader.poll(10, 0.2) for _ in range(10)] == [[]] * 10
    assert reader.position(1) == 3
