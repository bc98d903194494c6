"""Our clients while the broker goes away and comes back."""

from __future__ import annotations

import time

import pytest

from consumer.embedded import EmbeddedKafka
from consumer.errors import Action, Fault
from consumer.kafka.transactions import Timeouts
from tests.contract.world import Output, Position
from tests.integration.kafka.world import World, joined
from tests.waiting import until

pytestmark = pytest.mark.kafka

BRIEF = Timeouts(init_s=10, offsets_s=1, abort_s=1)


def test_adding_offsets_ends_in_time(own_kafka: EmbeddedKafka, topic_prefix: str) -> None:
    """Though the client library would wait for ever: the member tears down and starts over."""
    world = World(own_kafka.bootstrap_servers, topic_prefix)
    world.make(world.input)
    world.make(world.reports)
    source = world.source()
    joined(source, 1)
    transactions = world.transactions(timeouts=BRIEF)
    transactions.init()
    transactions.begin()
    transactions.produce([Output(world.reports, b"k", b"v")])
    transactions.flush()
    metadata = source.group_metadata()
    own_kafka.stop_broker()

    began_s = time.monotonic()
    with pytest.raises(Fault) as caught:
        transactions.send_offsets([Position(0, 0)], metadata)
    assert time.monotonic() - began_s < 3
    assert (caught.value.action, caught.value.cause) == (Action.TEAR_DOWN, "broker_unreachable")

    with pytest.raises(Fault):
        transactions.abort()
    transactions.close()
    assert time.monotonic() - began_s < 6
    own_kafka.start_broker()
    world.close()


def test_after_a_restart_of_the_broker(own_kafka: EmbeddedKafka, topic_prefix: str) -> None:
    """The same client gets its answers again: it learns that the leaders are new ones."""
    world = World(own_kafka.bootstrap_servers, topic_prefix)
    world.make(world.input, 2)
    offsets = world.offsets()
    assert offsets.input_ends([0, 1], 10) == {0: 0, 1: 0}

    own_kafka.stop_broker()
    own_kafka.start_broker()

    until(lambda: offsets.input_ends([0, 1], 1) == {0: 0, 1: 0}, "an answer")
    offsets.close()
