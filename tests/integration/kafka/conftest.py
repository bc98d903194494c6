"""A corner of the shared Kafka for each test of the clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from consumer.embedded import EmbeddedKafka
from tests.integration.kafka.world import World


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
