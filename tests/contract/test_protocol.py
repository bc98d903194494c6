"""The new group protocol (KIP-848), as far as members notice; the real Kafka alone.

The fake one has no such groups. The pipeline sees either protocol through the same port, and what
differs is who is refused, and how that is called: see `consumer.kafka.faults`, docs/groups.md.
First, what is as with the classic protocol: the same tests. Then what is not.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from consumer.errors import Action
from tests.contract import test_group, test_loss
from tests.contract.acts import (
    CALM_S,
    Member,
    commit,
    fault_of,
    joined,
    pass_time,
    poll_until,
    share,
)
from tests.contract.real import RealWorld
from tests.contract.world import Limits, Position, World

pytestmark = pytest.mark.kafka

SESSION_S = 3.0


@pytest.fixture
def world(bootstrap_servers: str, topic_prefix: str) -> Iterator[World]:
    """An application whose members use that protocol."""
    world = RealWorld(bootstrap_servers, topic_prefix, group_session_s=SESSION_S)
    yield world
    world.close()


test_partitions_come_paused = test_group.test_partitions_come_paused
test_a_member_loses_a_partition_before_another_has_it = (
    test_group.test_a_member_loses_a_partition_before_another_has_it
)
test_partitions_that_stay_go_on_delivering = test_group.test_partitions_that_stay_go_on_delivering
test_the_poll_that_revokes_a_partition_brings_nothing_of_it = (
    test_group.test_the_poll_that_revokes_a_partition_brings_nothing_of_it
)
test_a_paused_partition_stays_paused_over_a_rebalance = (
    test_group.test_a_paused_partition_stays_paused_over_a_rebalance
)
test_what_is_raised_in_a_revocation_comes_out_of_the_poll = (
    test_group.test_what_is_raised_in_a_revocation_comes_out_of_the_poll
)
test_a_commit_in_a_revocation_is_taken = test_group.test_a_commit_in_a_revocation_is_taken
test_closing_revokes_and_leaves = test_group.test_closing_revokes_and_leaves
test_who_closes_is_no_member_any_more = test_group.test_who_closes_is_no_member_any_more
test_offsets_of_nobody_are_taken = test_group.test_offsets_of_nobody_are_taken
test_fresh_metadata_is_good_at_any_moment_of_a_rebalance = (
    test_group.test_fresh_metadata_is_good_at_any_moment_of_a_rebalance
)
test_metadata_of_one_who_left_is_refused = test_group.test_metadata_of_one_who_left_is_refused
test_kafka_does_not_ask_who_owns_a_partition = (
    test_group.test_kafka_does_not_ask_who_owns_a_partition
)
test_the_partitions_of_the_dead_go_to_others_when_its_session_ends = (
    test_loss.test_the_partitions_of_the_dead_go_to_others_when_its_session_ends
)
test_who_was_thrown_out_hears_of_a_loss_and_not_of_a_revocation = (
    test_loss.test_who_was_thrown_out_hears_of_a_loss_and_not_of_a_revocation
)
test_what_is_raised_in_a_loss_comes_out_of_the_poll = (
    test_loss.test_what_is_raised_in_a_loss_comes_out_of_the_poll
)
test_who_was_thrown_out_cannot_commit = test_loss.test_who_was_thrown_out_cannot_commit
test_who_does_not_poll_loses_its_partitions = test_loss.test_who_does_not_poll_loses_its_partitions
test_who_blocks_in_an_assignment_is_not_missed = (
    test_loss.test_who_blocks_in_an_assignment_is_not_missed
)
test_a_static_member_that_closes_does_not_leave = (
    test_loss.test_a_static_member_that_closes_does_not_leave
)


def test_a_member_without_partitions_is_told_nothing(world: World) -> None:
    """It is a member all the same, and may commit."""
    world.make_topics()
    first = joined(world, world.client("a"))
    second = Member(world.client("b"))

    poll_until(world, second.client.source.is_member, "its membership", first, second)
    pass_time(world, CALM_S, first, second)

    assert (second.events, second.quiet, second.held) == ([], [], set())
    assert second.client.source.group_metadata()


def test_who_does_not_poll_is_waited_for_within_its_time(world: World) -> None:
    """It has not been asked yet: nobody has its partitions."""
    world.make_topics(2)
    first = joined(world, world.client("a"), 2)
    second = Member(world.client("b"))
    pass_time(world, SESSION_S + CALM_S, second)
    assert second.held == set()

    share(world, first, second, partitions=2)


def test_who_blocks_in_a_revocation_for_too_long_loses_everything(world: World) -> None:
    """Kafka waits for its answer for `max.poll.interval.ms`; classic groups wait for ever."""
    world.make_topics(2)
    limits = Limits(poll_s=2)
    slow = joined(world, world.client("slow", limits=limits), 2)
    other = Member(world.client("other", limits=limits))
    held: list[set[int]] = []

    def block() -> None:
        poll_until(world, lambda: other.held == {0, 1}, "both", other)
        held.append(set(slow.held))

    slow.on_revocation = block
    poll_until(world, lambda: bool(held), "a revocation", slow, other)
    slow.on_revocation = None
    share(world, slow, other, partitions=2)

    assert held == [{0, 1}]
    assert [kind for kind, _ in slow.events] == ["assigned", "revoked", "lost", "assigned"]


def stale(world: World) -> tuple[Member, Member, object]:
    """Two members with a partition each, and what the first one's metadata was with both."""
    world.make_topics(2)
    first = joined(world, world.client("a"), 2)
    first.client.transactions.init()
    metadata = first.client.source.group_metadata()
    second = Member(world.client("b"))
    share(world, first, second, partitions=2)
    assert first.client.source.group_metadata() != metadata
    return first, second, metadata


def test_an_older_epoch_is_good_for_what_its_member_has_had_since(world: World) -> None:
    """No rebalance has touched that, so there is nobody to be fenced."""
    first, _, metadata = stale(world)
    (kept,) = first.held
    first.client.transactions.begin()

    first.client.transactions.send_offsets([Position(kept, 5)], metadata)
    first.client.transactions.commit()

    found = first.client.offsets.committed([kept], 10)
    assert found is not None
    assert found[kept].offset == 5


def test_an_older_epoch_is_refused_for_what_its_member_has_lost(world: World) -> None:
    """Somebody else may have committed there already."""
    first, second, metadata = stale(world)
    (gone,) = second.held
    first.client.transactions.begin()

    send = first.client.transactions.send_offsets
    fault = fault_of(lambda: send([Position(gone, 5)], metadata))
    first.client.transactions.abort()

    assert (fault.action, fault.cause) == (Action.RESEND, "rebalance_race")
    assert first.client.offsets.committed([gone], 10) == {}


def test_a_static_member_that_was_killed_is_refused_until_its_session_ends(world: World) -> None:
    """However soon it is back; its partitions are nobody's till then."""
    world.make_topics(2)
    dead = joined(world, world.client("a", static=True), 2)
    other = Member(world.client("b", static=True))
    share(world, dead, other, partitions=2)
    heard = list(other.events)
    world.crash(dead.client)

    back = Member(world.client("a", static=True))
    fault = fault_of(lambda: poll_until(world, lambda: False, "a fault", back))
    assert (fault.action, fault.cause) == (Action.TEAR_DOWN, "instance_in_use")
    assert other.events == heard
    poll_until(world, lambda: other.held == {0, 1}, "both", other)

    again = Member(world.client("a", static=True))
    share(world, again, other, partitions=2)


def test_a_static_member_that_closed_has_its_partitions_again(world: World) -> None:
    """At once, and nobody else hears of it."""
    world.make_topics(2)
    first = joined(world, world.client("a", static=True), 2)
    other = Member(world.client("b", static=True))
    share(world, first, other, partitions=2)
    had, heard = set(first.held), list(other.events)
    first.client.source.close()

    back = Member(world.client("a", static=True))
    poll_until(world, lambda: back.held == had, "the same partition", back, other)

    assert back.events == [("assigned", sorted(had))]
    assert other.events == heard


def test_of_two_static_members_with_one_name_the_newer_is_refused(world: World) -> None:
    """The older one works on, and commits."""
    world.make_topics()
    older = joined(world, world.client("a", static=True))
    older.client.transactions.init()
    newer = Member(world.client("a", static=True))

    fault = fault_of(lambda: poll_until(world, lambda: False, "a fault", newer))
    pass_time(world, SESSION_S + 1, older)
    older.client.transactions.begin()
    commit(older.client, Position(0, 5))

    assert (fault.action, fault.cause) == (Action.TEAR_DOWN, "instance_in_use")
    assert older.events == [("assigned", [0])]
