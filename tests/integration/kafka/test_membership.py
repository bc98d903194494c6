"""Who may commit: members of the group, and the one producer of an id."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from consumer.errors import Action, Fault
from consumer.kafka.source import Source
from consumer.kafka.transactions import Transactions
from tests.integration.kafka.world import Events, Output, Position, World, joined, poll_until
from tests.waiting import until

pytestmark = pytest.mark.kafka


def rebalanced(first: Source, second: Source) -> None:
    """Let a second member join; both poll until it has its share."""
    events = Events()
    second.subscribe(events)
    deadline = time.monotonic() + 20
    while not events.held:
        assert time.monotonic() < deadline, "the second member got nothing"
        first.poll(1, 0.02)
        second.poll(1, 0.02)


def is_member(source: Source) -> bool:
    """Whether the source would lend its membership to a commit."""
    try:
        source.group_metadata()
    except Fault:
        return False
    return True


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


class TestSilentMember:
    def test_hears_of_a_loss_when_it_did_not_poll(self, world: World) -> None:
        """A member that was silent for max.poll.interval.ms has lost what it had."""
        world.make(world.input)
        timeouts = {"session.timeout.ms": "1500", "max.poll.interval.ms": "1500"}
        source = world.source(world.options(consumer=timeouts))
        events = joined(source, 1)

        until(lambda: not is_member(source), "the member is thrown out")
        with pytest.raises(Fault) as caught:
            poll_until(source, lambda: False)

        assert caught.value.cause == "poll_exceeded"
        assert caught.value.action is Action.TEAR_DOWN
        assert ("lost", [0]) in events.seen


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

    def test_is_fenced_by_another_of_its_name(self, world: World) -> None:
        """The older one learns that it has to go."""
        world.make(world.input)
        options = world.options("a", static=True)
        older = world.source(options)
        joined(older, 1)
        newer = world.source(options)
        joined(newer, 1)

        with pytest.raises(Fault) as caught:
            poll_until(older, lambda: False)

        assert caught.value.cause == "fenced_instance"
        assert caught.value.action is Action.TEAR_DOWN
        assert "app.instance" in str(caught.value)

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


class TestOffsets:
    def test_below_zero_are_refused(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """The client would drop them and commit the rest."""
        source, transactions = member
        transactions.begin()

        with pytest.raises(ValueError, match="offset -1001 for partition 1"):
            transactions.send_offsets([Position(0, 5), Position(1, -1001)], source.group_metadata())
        transactions.commit()

        assert world.committed() == {}

    def test_of_an_older_generation_are_sent_again(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """A rebalance came between: abort, and once more with fresh metadata."""
        source, transactions = member
        stale = source.group_metadata()
        other = world.source(world.options("b"))
        rebalanced(source, other)
        transactions.begin()
        transactions.produce([Output(world.reports, b"k", b"report", 0)])
        transactions.flush()

        with pytest.raises(Fault) as caught:
            transactions.send_offsets([Position(0, 5)], stale)
        transactions.abort()
        transactions.begin()
        transactions.produce([Output(world.reports, b"k", b"report", 0)])
        transactions.flush()
        transactions.send_offsets([Position(0, 5)], source.group_metadata())
        transactions.commit()

        assert caught.value.cause == "rebalance_race"
        assert caught.value.action is Action.RESEND
        assert world.read(world.reports) == [(0, b"report")]
        assert world.committed() == {0: (5, "")}

    def test_of_one_who_left_are_refused(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """Its partitions may belong to another by now."""
        source, transactions = member
        metadata = source.group_metadata()
        source.close()
        transactions.begin()

        with pytest.raises(Fault) as caught:
            transactions.send_offsets([Position(0, 5)], metadata)

        assert caught.value.cause == "not_a_member"
        assert caught.value.action is Action.TEAR_DOWN
        assert world.committed() == {}


class TestFencing:
    def test_the_older_of_two_is_told(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """With what to do about it, and what it wrote is gone."""
        _, older = member
        older.begin()
        older.produce([Output(world.reports, b"k", b"older", 0)])
        older.flush()
        newer = world.transactions()
        newer.init()

        with pytest.raises(Fault) as caught:
            older.commit()
        newer.begin()
        newer.produce([Output(world.reports, b"k", b"newer", 0)])
        newer.flush()
        newer.commit()

        assert caught.value.cause == "fenced"
        assert caught.value.action is Action.TEAR_DOWN
        assert "app.instance" in str(caught.value)
        assert world.read(world.reports) == [(0, b"newer")]

    def test_a_successor_ends_what_was_left_open(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """A member that comes back after a crash does not wait for its own transaction."""
        _, dead = member
        dead.begin()
        dead.produce_state(0, [b"torn"])
        dead.flush()
        dead.close()

        began = time.monotonic()
        world.transactions().init()

        assert time.monotonic() - began < 5
        assert world.read(world.state) == []
        assert world.offsets().state_range([0], 10) == {0: (0, 2)}
