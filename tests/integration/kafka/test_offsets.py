"""Questions about offsets, on a real broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from consumer.errors import Fault
from consumer.kafka.offsets import Offsets
from tests.integration.kafka.world import World
from tests.waiting import until

pytestmark = pytest.mark.kafka


@pytest.fixture
def offsets(world: World) -> Iterator[Offsets]:
    """Our questions."""
    offsets = world.offsets()
    yield offsets
    offsets.close()


class TestRanges:
    def test_of_a_topic_that_is_gone(self, world: World, offsets: Offsets) -> None:
        """No partition has a leader that could be asked."""
        with pytest.raises(Fault) as caught:
            offsets.input_range([0], 1)

        assert caught.value.cause == "broker_unreachable"
        assert world.input in str(caught.value)


class TestDeletion:
    def test_a_refusal_is_logged_once(self, world: World, offsets: Offsets) -> None:
        """The daemon goes on; the topic grows."""
        world.make(world.state, 1, cleanup_policy="compact")

        with capture_logs() as lines:
            for _ in range(3):
                offsets.delete_state_before({0: 0, 5: 1})
            until(lambda: bool(lines), "the refusal is logged")
            offsets.state_range([0], 10)

        assert [(line["event"], line["topic"]) for line in lines] == [
            ("state_not_deleted", world.state)
        ]
