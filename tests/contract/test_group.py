"""Members come and go (the classic protocol, cooperative): who has what, and who is told."""

from __future__ import annotations

from consumer.errors import Action, Fault
from tests.contract.acts import (
    Member,
    appear,
    calm,
    commit,
    fault_of,
    joined,
    poll_until,
    share,
    write,
)
from tests.contract.world import DEFAULT, Position, World
from tests.harness.cluster import Committed

MANY = 3000


def at_work(world: World) -> tuple[Member, Member]:
    """A member that has read from two partitions, with many more to read; another that joins.

    It reads but a few at a time, so that a rebalance finds the others fetched and unread.
    """
    world.make_topics(2)
    first = joined(world, world.client("a"), 2, begin=0)
    for partition in range(2):
        world.send([b"x"] * MANY, partition)
    poll_until(world, lambda: first.ends == {0: MANY, 1: MANY}, "the ends", first)
    for partition in range(2):
        world.send([b"x"] * MANY, partition)
    first.most = 5
    return first, Member(world.client("b"))


def test_partitions_come_paused(world: World) -> None:
    """Nothing of them is delivered, not even their end, until they are started."""
    world.make_topics(2)
    world.send([b"x"] * 5)
    member = joined(world, world.client("a"), 2)

    for _ in range(20):
        member.poll()
    assert (member.offsets, member.ends) == ({}, {})

    member.client.source.start(0, 2)
    poll_until(world, lambda: member.ends == {0: 5}, "the end of one", member)
    assert member.offsets == {0: [2, 3, 4]}


def test_a_partition_may_be_started_long_after_its_assignment(world: World) -> None:
    """Outside of the callback, while others are at work already."""
    world.make_topics(2)
    world.send([b"x"] * 5, 0)
    world.send([b"x"] * 5, 1)
    member = joined(world, world.client("a"), 2)
    member.client.source.start(1, 0)
    poll_until(world, lambda: member.ends == {1: 5}, "the end of one", member)

    member.client.source.start(0, 0)
    poll_until(world, lambda: member.ends == {0: 5, 1: 5}, "the end of the other", member)

    assert member.offsets == {0: [0, 1, 2, 3, 4], 1: [0, 1, 2, 3, 4]}


def test_a_member_loses_a_partition_before_another_has_it(world: World) -> None:
    """The first has been told, and has answered, when the second hears of it."""
    world.make_topics(2)
    first = joined(world, world.client("a"), 2, begin=0)
    second = Member(world.client("b"))
    order: list[str] = []
    first.on_revocation = lambda: order.append(f"revoked, second has {sorted(second.held)}")

    share(world, first, second, partitions=2)

    (gone,) = second.held
    assert first.events == [("assigned", [0, 1]), ("revoked", [gone])]
    assert order == ["revoked, second has []"]
    assert second.events == [("assigned", [gone])]


def test_a_partition_is_not_handed_on_while_its_owner_does_not_poll(world: World) -> None:
    """However long that takes, within its time: it has not been asked yet."""
    world.make_topics(2)
    first = joined(world, world.client("a"), 2)
    second = Member(world.client("b"))
    poll_until(world, lambda: bool(second.quiet), "the next generation", second)

    calm(world, second)
    assert second.held == set()

    share(world, first, second, partitions=2)


def test_partitions_that_stay_go_on_delivering(world: World) -> None:
    """Through the whole rebalance, in order, and with nothing left out or repeated."""
    first, second = at_work(world)

    share(world, first, second, partitions=2)
    (kept,) = first.held
    first.most = 1000
    poll_until(world, lambda: first.ends.get(kept) == 2 * MANY, "the end", first, second)

    assert first.offsets[kept] == list(range(2 * MANY))


def test_the_poll_that_revokes_a_partition_brings_nothing_of_it(world: World) -> None:
    """Nor does any later one: what was fetched of it already is thrown away."""
    first, second = at_work(world)
    brought: list[tuple[set[int], set[int]]] = []

    def both_have_one() -> bool:
        held = set(first.held)
        came = first.poll()
        second.poll()
        brought.append((set(came), held & first.held))
        return len(second.held) == 1

    world.until(both_have_one, "a share for each")
    first.most = 1000
    for _ in range(10):
        held = set(first.held)
        brought.append((set(first.poll()), held & first.held))

    (gone,) = second.held
    assert first.offsets[gone] == list(range(len(first.offsets[gone])))
    assert len(first.offsets[gone]) < 2 * MANY
    assert all(came <= held for came, held in brought)


def test_a_paused_partition_stays_paused_over_a_rebalance(world: World) -> None:
    """And goes on where it stood, if its member keeps it."""
    world.make_topics(2)
    for partition in range(2):
        world.send([b"x"] * 50, partition)
    first = joined(world, world.client("a"), 2)
    for partition in range(2):
        first.client.source.start(partition, 10)
        first.client.source.pause(partition)
    second = Member(world.client("b"))

    share(world, first, second, partitions=2)
    calm(world, first, second)
    (kept,) = first.held
    assert first.offsets == {}
    first.client.source.resume(kept)
    poll_until(world, lambda: first.ends == {kept: 50}, "the end", first)

    assert first.offsets == {kept: list(range(10, 50))}


def test_what_is_raised_in_a_revocation_comes_out_of_the_poll(world: World) -> None:
    """As it was raised. The partition is gone all the same, whatever becomes of the transaction."""
    world.make_topics(2)
    first = joined(world, world.client("a"), 2)
    second = Member(world.client("b"))
    first.client.transactions.init()
    write(world, first.client, b"open")

    def fail() -> None:
        raise Fault(Action.TEAR_DOWN, "commit_failed", "in a revocation")

    first.on_revocation = fail
    fault = fault_of(lambda: poll_until(world, lambda: False, "a fault", first, second))
    poll_until(world, lambda: len(second.held) == 1, "one of them", second)
    first.on_revocation = None
    first.client.source.close()
    poll_until(world, lambda: len(second.held) == 2, "both", second)

    assert (fault.cause, str(fault)) == ("commit_failed", "in a revocation")
    assert world.ends(world.state, committed=True)[0] == 0


def test_a_commit_in_a_revocation_is_taken(world: World) -> None:
    """It is the last chance, and who has the partition next finds it."""
    world.make_topics(2)
    first = joined(world, world.client("a"), 2, begin=0)
    second = Member(world.client("b"))
    first.client.transactions.init()

    def finish() -> None:
        write(world, first.client, b"last")
        commit(first.client, Position(0, 7, "last"), Position(1, 8, "last"))

    first.on_revocation = finish
    share(world, first, second, partitions=2)

    (gone,) = second.held
    assert first.events[-1] == ("revoked", [gone])
    found = second.client.offsets.committed([gone], 10)
    assert found is not None
    assert Committed(found[gone].offset, found[gone].metadata) == Committed(7 + gone, "last")


def test_closing_revokes_and_leaves(world: World) -> None:
    """Others have its partitions at once, not when its session would have ended."""
    world.make_topics(2)
    first = joined(world, world.client("a"), 2, begin=0)
    second = Member(world.client("b"))
    share(world, first, second, partitions=2)
    calm(world, first, second)
    (kept,) = first.held
    before = len(first.events)

    began_s = world.monotonic_s()
    first.client.source.close()
    poll_until(world, lambda: second.held == {0, 1}, "both", second)

    assert first.events[before:] == [("revoked", [kept])]
    assert world.monotonic_s() - began_s < DEFAULT.session_s


def test_who_closes_is_no_member_any_more(world: World) -> None:
    """What is to be committed goes before: a revocation that comes from a close is too late."""
    world.make_topics()
    first = joined(world, world.client("a"))
    memberships: list[bool] = []
    first.on_revocation = lambda: memberships.append(first.client.source.is_member())

    first.client.source.close()

    assert first.events == [("assigned", [0]), ("revoked", [0])]
    assert memberships == [False]
    assert fault_of(first.client.source.group_metadata).cause == "not_a_member"


def test_who_closes_in_the_middle_of_a_rebalance_is_told_once(world: World) -> None:
    """Of what the rebalance takes, and of the rest, at the same time."""
    world.make_topics(2)
    first = joined(world, world.client("a"), 2)
    second = Member(world.client("b"))
    memberships: list[bool] = []
    first.on_revocation = lambda: memberships.append(first.client.source.is_member())
    poll_until(world, lambda: bool(second.quiet), "the next generation", second)

    first.client.source.close()
    poll_until(world, lambda: second.held == {0, 1}, "both", second)

    assert first.events == [("assigned", [0, 1]), ("revoked", [0, 1])]
    assert memberships == [False]


def test_a_member_without_partitions_is_a_member(world: World) -> None:
    """There may be more members than partitions; they are told that they have none."""
    world.make_topics(1)
    first = joined(world, world.client("a"))
    second = Member(world.client("b"))
    assert not second.client.source.is_member()

    poll_until(world, lambda: bool(second.quiet), "the group's answer", first, second)

    assert second.client.source.is_member()
    assert second.client.source.group_metadata()
    assert (second.quiet, second.events) == (["assigned"], [])
    assert first.held == {0}


def test_who_never_joined_cannot_commit(world: World) -> None:
    """Our client refuses: the broker would take such offsets from anyone."""
    world.make_topics()
    client = world.client("a")
    Member(client)

    assert fault_of(client.source.group_metadata).cause == "not_a_member"


def test_offsets_of_nobody_are_taken(world: World) -> None:
    """From a producer without a membership, while others are at work: hence the refusal."""
    world.make_topics()
    member, stranger = world.client("a"), world.client("b")
    joined(world, member)
    stranger.transactions.init()
    stranger.transactions.begin()

    stranger.transactions.send_offsets([Position(0, 5)], world.nobody())
    stranger.transactions.commit()

    found = member.offsets.committed([0], 10)
    assert found is not None
    assert found[0].offset == 5


def test_metadata_of_an_older_generation_is_refused(world: World) -> None:
    """A rebalance came between: abort, and the same once more with fresh metadata."""
    world.make_topics(2)
    first = joined(world, world.client("a"), 2)
    first.client.transactions.init()
    stale = first.client.source.group_metadata()
    second = Member(world.client("b"))
    share(world, first, second, partitions=2)
    (kept,) = first.held

    write(world, first.client, b"one")
    fault = fault_of(lambda: first.client.transactions.send_offsets([Position(kept, 5)], stale))
    first.client.transactions.abort()
    write(world, first.client, b"one")
    commit(first.client, Position(kept, 5))

    assert (fault.action.value, fault.cause) == ("resend", "rebalance_race")
    found = first.client.offsets.committed([kept], 10)
    assert found is not None
    assert found[kept].offset == 5


def test_fresh_metadata_is_good_at_any_moment_of_a_rebalance(world: World) -> None:
    """Or it is outrun, and then a resend will do: a rebalance stops nobody from committing."""
    world.make_topics(2)
    first = joined(world, world.client("a"), 2)
    first.client.transactions.init()
    done: list[bytes] = []
    refusals: list[Action] = []

    def work() -> None:
        value = b"%d" % len(done)
        while len(done) == int(value):
            write(world, first.client, value)
            try:
                commit(first.client, *(Position(number, len(done)) for number in first.held))
                done.append(value)
            except Fault as fault:
                refusals.append(fault.action)
                first.client.transactions.abort()

    for _ in range(2):
        second = Member(world.client("b"))
        while len(second.held) < 1:
            work()
            poll_until(world, lambda: True, "", first, second)
        second.client.source.close()
        while len(first.held) < 2:
            work()
            poll_until(world, lambda: True, "", first)

    appear(world, world.reports, *done)
    assert set(refusals) <= {Action.RESEND}


def test_metadata_of_one_who_left_is_refused(world: World) -> None:
    """Its partitions may belong to another by now, and a resend is of no use."""
    world.make_topics()
    client = world.client("a")
    joined(world, client)
    client.transactions.init()
    metadata = client.source.group_metadata()
    client.source.close()
    write(world, client, b"no")

    fault = fault_of(lambda: client.transactions.send_offsets([Position(0, 5)], metadata))
    client.transactions.abort()

    assert (fault.action.value, fault.cause) == ("tear down", "not_a_member")
    assert client.offsets.committed([0], 10) == {}


def test_kafka_does_not_ask_who_owns_a_partition(world: World) -> None:
    """Any member of the present generation may commit any offset, an earlier one as well."""
    world.make_topics(2)
    first = joined(world, world.client("a"), 2)
    second = Member(world.client("b"))
    share(world, first, second, partitions=2)
    (foreign,) = second.held
    first.client.transactions.init()

    for offset in (9, 4):
        first.client.transactions.begin()
        commit(first.client, Position(foreign, offset, str(offset)))

    found = second.client.offsets.committed([foreign], 10)
    assert found is not None
    assert Committed(found[foreign].offset, found[foreign].metadata) == Committed(4, "4")
