"""A corner of the shared Kafka for each test of the clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from consumer.embedded import EmbeddedKafka
from consumer.kafka.source import Source
from consumer.kafka.transactions import Transactions
from tests.integration.kafka.world import World, joined


@pytest.fixture
def world(bootstrap_servers: str, topic_prefix: str) -> Iterator[World]:
    """Names that no other test uses; the clients made in it are closed afterwards."""
    world = World(bootstrap_servers, topic_prefix)
    yield world
    world.close()


@pytest.fixture(scope="session")
def patient_kafka() -> Iterator[EmbeddedKafka]:
    """A Kafka to be stopped in its tracks, away from the tests that share one."""
    with EmbeddedKafka() as kafka:
        yield kafka


@pytest.fixture(
    params=[{"session.timeout.ms": "6000"}, {"group.protocol": "consumer"}],
    ids=["classic", "kip848"],
)
def protocol(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """Consumer properties for both group protocols."""
    properties: Mapping[str, str] = request.param
    return properties


@pytest.fixture
def member(world: World) -> tuple[Source, Transactions]:
    """A member of the group that has all of the input, and its producer, at work."""
    world.make(world.input, 2)
    world.make(world.state, 2)
    world.make(world.reports, 7)
    source = world.source()
    joined(source, 2)
    transactions = world.transactions()
    transactions.init()
    return source, transactions
