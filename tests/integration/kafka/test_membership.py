"""Who is a member of the group, by either protocol, and who is refused."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from consumer.errors import Action, Fault
from consumer.kafka.source import Source
from tests.integration.kafka.world import Events, World, joined, poll_until

pytestmark = pytest.mark.kafka


class TestGroupMetadata:
    def test_is_refused_before_the_consumer_has_joined(
        self, world: World, protocol: Mapping[str, str]
    ) -> None:
        """The broker would fence nothing by it: anyone's commit would be taken."""
        world.make(world.input)
        source = world.source(world.options(consumer=protocol))
        source.subscribe(Events())

        with pytest.raises(Fault) as caught:
            source.group_metadata()

        assert caught.value.cause == "not_a_member"
        assert caught.value.action is Action.TEAR_DOWN

    def test_is_given_to_a_member(self, world: World, protocol: Mapping[str, str]) -> None:
        """Anew for each commit."""
        world.make(world.input)
        source = world.source(world.options(consumer=protocol))
        joined(source, 1)

        assert isinstance(source.group_metadata(), bytes)


class TestStaticMember:
    def test_keeps_its_partitions_over_a_restart(self, world: World) -> None:
        """It does not leave the group, so nobody else hears of a rebalance."""
        world.make(world.input, 2)
        options = world.options("a", static=True)
        first = Source(options, world.input)
        joined(first, 2)
        first.close()

        second = world.source(options)

        assert joined(second, 2).seen == [("assigned", [0, 1])]

    def test_is_refused_while_another_of_its_name_is_there(self, world: World) -> None:
        """With the new protocol it is the newer one that has to go, and hears why."""
        world.make(world.input)
        options = world.options("a", static=True, consumer={"group.protocol": "consumer"})
        older = world.source(options)
        joined(older, 1)
        newer = world.source(options)
        newer.subscribe(Events())

        with pytest.raises(Fault) as caught:
            poll_until(newer, lambda: False)

        assert caught.value.cause == "instance_in_use"
        assert caught.value.action is Action.TEAR_DOWN
        assert "app.instance" in str(caught.value)
        assert f"(topic {world.input}, reading callbacks: " in str(caught.value)
