"""Each test of the contract runs in both worlds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.fake import FakeWorld
from tests.contract.real import RealWorld
from tests.contract.world import World

SEEDS = 5
"""Of the fake world, whose tests take no time."""

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
