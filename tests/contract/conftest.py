"""Each test of the contract runs in both worlds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from consumer.embedded import EmbeddedKafka
from tests.contract.fake import FakeWorld
from tests.contract.real import RealWorld
from tests.contract.world import World

SEEDS = 5
"""Of the fake world, whose tests take no time."""

LAX = {
    "transaction.partition.verification.enable": "false",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
"""A Kafka that takes records of transactions without asking, as those before 3.6 do; and that
can be told to refuse something."""

WORLDS = [pytest.param(seed, id=f"fake-{seed}") for seed in range(SEEDS)]
WORLDS.append(pytest.param("real", marks=pytest.mark.kafka))


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, topic_prefix: str) -> Iterator[World]:
    """An application that no other test knows of."""
    world: World
    if request.param == "real":
        world = RealWorld(request.getfixturevalue("bootstrap_servers"), topic_prefix)
    else:
        world = FakeWorld(request.param)
    yield world
    world.close()


@pytest.fixture(scope="session")
def lax_kafka() -> Iterator[EmbeddedKafka]:
    """See `LAX`."""
    with EmbeddedKafka(settings=LAX) as kafka:
        yield kafka


@pytest.fixture(params=WORLDS)
def lax_world(request: pytest.FixtureRequest, topic_prefix: str) -> Iterator[World]:
    """The same as `world`, on a Kafka that is as `LAX` says."""
    world: World
    if request.param == "real":
        kafka = request.getfixturevalue("lax_kafka")
        world = RealWorld(kafka.bootstrap_servers, topic_prefix)
    else:
        world = FakeWorld(request.param, verifies=False)
    yield world
    world.close()
