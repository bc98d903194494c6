"""Each test of the contract runs in both worlds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.real import RealWorld
from tests.contract.world import World


@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.kafka)])
def world(request: pytest.FixtureRequest, topic_prefix: str) -> Iterator[World]:
    """An application that no other test knows of."""
    world = RealWorld(request.getfixturevalue("bootstrap_servers"), topic_prefix)
    yield world
    world.close()
