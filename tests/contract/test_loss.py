"""Members that fall silent: dead, frozen, too slow, or of a name that is there twice."""

from __future__ import annotations

import pytest

from consumer.errors import Action, Fault
from tests.contract.acts import (
    Member,
    calm,
    commit,
    fault_of,
    joined,
    owned,
    pass_time,
    poll_until,
    share,
    write,
)
from tests.contract.world import Limits, Position, World

SILENT = Limits(session_s=3)


def test_the_partitions_of_the_dead_go_to_others_when_its_session_ends(world: World) -> None:
    """Not before; a member that lives may even be revoked and given partitions on the way."""
    world.make_topics(2)
    dead = joined(world, world.client("dead", limits=SILENT), 2)
    other = Member(world.client("other"))
    share(world, dead, other, partitions=2)
    world.crash(dead.client)

    began_s = world.monotonic_s()
    poll_until(world, lambda: other.held == {0, 1}, "both", other)

    assert world.monotonic_s() - began_s > SILENT.session_s / 2


@pytest.mark.parametrize("static", [False, True])
def test_who_was_thrown_out_hears_of_a_loss_and_not_of_a_revocation(
    world: World, *, static: bool
) -> None:
    """Others may be at work in its partitions already; then it joins anew."""
    world.make_topics(2)
    zombie = joined(world, world.client("zombie", static=static, limits=SILENT), 2)
    other = Member(world.client("other"))
    share(world, zombie, other, partitions=2)
    (lost,) = zombie.held
    before = len(zombie.events)
    world.freeze(zombie.client)
    poll_until(world, lambda: other.held == {0, 1}, "both", other)
    world.wake(zombie.client)

    share(world, zombie, other, partitions=2)

    assert zombie.events[before] == ("lost", [lost])
    assert [kind for kind, _ in zombie.events[before + 1 :]] == ["assigned"]


def test_what_is_raised_in_a_loss_comes_out_of_the_poll(world: World) -> None:
    """And who then closes is told nothing more."""
    world.make_topics()
    zombie = joined(world, world.client("zombie", limits=SILENT))
    world.freeze(zombie.client)
    other = joined(world, world.client("other"))
    world.wake(zombie.client)

    def fail() -> None:
        raise Fault(Action.TEAR_DOWN, "partition_lost", "while it slept")

    zombie.on_loss = fail
    fault = fault_of(lambda: poll_until(world, lambda: False, "a fault", zombie))
    zombie.client.source.close()
    calm(world, other)

    assert (fault.cause, str(fault)) == ("partition_lost", "while it slept")
    assert zombie.events == [("assigned", [0]), ("lost", [0])]
    assert other.events == [("assigned", [0])]


def test_who_was_thrown_out_cannot_commit(world: World) -> None:
    """By the metadata that it had; the offsets of who is there now stand."""
    world.make_topics()
    zombie = joined(world, world.client("zombie", limits=SILENT))
    zombie.client.transactions.init()
    write(world, zombie.client, b"zombie")
    metadata = zombie.client.source.group_metadata()
    world.freeze(zombie.client)
    other = joined(world, world.client("other"))
    other.client.transactions.init()
    write(world, other.client, b"other")
    commit(other.client, Position(0, 9))
    world.wake(zombie.client)

    send = zombie.client.transactions.send_offsets
    fault = fault_of(lambda: send([Position(0, 5)], metadata))
    zombie.client.transactions.abort()

    assert (fault.action, fault.cause) == (Action.TEAR_DOWN, "not_a_member")
    found = other.client.offsets.committed([0], 10)
    assert found is not None
    assert found[0].offset == 9


def test_who_does_not_poll_loses_its_partitions(world: World) -> None:
    """After `max.poll.interval.ms`, alive as it is: a fault and a loss; then it joins anew."""
    world.make_topics()
    idle = joined(world, world.client("idle", limits=Limits(session_s=2, poll_s=2)))
    other = joined(world, world.client("other"))

    fault = fault_of(lambda: poll_until(world, lambda: False, "the fault", idle))
    other.client.source.close()
    poll_until(world, lambda: len(idle.events) == 3, "it has joined anew", idle)

    assert (fault.action, fault.cause) == (Action.TEAR_DOWN, "poll_exceeded")
    assert idle.events == [("assigned", [0]), ("lost", [0]), ("assigned", [0])]


def test_who_blocks_in_an_assignment_is_not_missed(world: World) -> None:
    """`max.poll.interval.ms` does not count in there, however long it takes."""
    world.make_topics()
    slow = Member(world.client("slow", limits=Limits(session_s=2, poll_s=2)))
    slow.on_assignment = lambda: pass_time(world, 5)

    poll_until(world, lambda: slow.held == {0}, "its partition", slow)
    pass_time(world, 1, slow)

    assert slow.events == [("assigned", [0])]


def test_who_blocks_in_a_revocation_is_not_missed_either(world: World) -> None:
    """Its answer is waited for, and nobody has the partition before, however long it takes."""
    world.make_topics(2)
    limits = Limits(session_s=2, poll_s=2)
    slow = joined(world, world.client("slow", limits=limits), 2)
    other = Member(world.client("other", limits=limits))
    held: list[set[int]] = []

    def block() -> None:
        pass_time(world, 5, other)
        held.append(set(other.held))

    slow.on_revocation = block
    share(world, slow, other, partitions=2)

    assert held == [set()]
    assert [kind for kind, _ in slow.events] == ["assigned", "revoked"]


def test_who_blocks_in_a_revocation_while_a_third_one_joins_loses_everything(world: World) -> None:
    """Those wait no longer than `max.poll.interval.ms`; it hears so when it is back."""
    world.make_topics(3)
    limits = Limits(session_s=2, poll_s=3)
    slow = joined(world, world.client("slow", limits=limits), 3)
    others = [Member(world.client("other", limits=limits))]
    held: list[set[int]] = []

    def block() -> None:
        others.append(Member(world.client("third", limits=limits)))
        first, second = others
        poll_until(world, lambda: first.held | second.held == {0, 1, 2}, "all of it", *others)
        held.append(set(slow.held))

    slow.on_revocation = block
    poll_until(world, lambda: bool(held), "a revocation", slow, others[0])
    slow.on_revocation = None
    share(world, slow, *others, partitions=3)

    assert held == [{0, 1, 2}]
    assert [kind for kind, _ in slow.events] == ["assigned", "revoked", "lost", "assigned"]


def test_a_static_member_that_is_back_in_time_has_its_partitions_again(world: World) -> None:
    """At once, and nobody else hears of it."""
    world.make_topics(2)
    dead = joined(world, world.client("a", static=True), 2)
    other = Member(world.client("b", static=True))
    share(world, dead, other, partitions=2)
    had, heard = set(dead.held), list(other.events)
    world.crash(dead.client)

    began_s = world.monotonic_s()
    back = Member(world.client("a", static=True))
    poll_until(world, lambda: back.held == had, "the same partition", back, other)
    for _ in range(20):
        back.poll()
        other.poll()

    assert world.monotonic_s() - began_s < 6
    assert back.events == [("assigned", sorted(had))]
    assert other.events == heard


@pytest.mark.parametrize("stops", [False, True])
def test_a_static_member_that_goes_when_told_to_give_up_leaves_it_to_nobody(
    world: World, *, stops: bool
) -> None:
    """The group has noted what it is to keep, so that is all it gets, and says so to who asks.

    It is at rest with that. When one joins anew, all is handed out.
    """
    world.make_topics(3)
    dead = joined(world, world.client("a", static=True), 3)
    other = Member(world.client("b", static=True))
    poll_until(world, lambda: bool(other.quiet), "it is told to wait", other)
    if stops:
        dead.client.source.close()
    world.crash(dead.client)
    back = Member(world.client("a", static=True))
    poll_until(world, lambda: bool(back.held), "what it was to keep", back, other)

    calm(world, back, other)
    unowned = {0, 1, 2} - back.held - other.held
    assert unowned
    assert {0, 1, 2} - owned(other) == unowned

    other.client.source.rejoin()
    poll_until(world, lambda: back.held | other.held == {0, 1, 2}, "all of them", back, other)
    calm(world, back, other)
    assert owned(back) == {0, 1, 2}


@pytest.mark.parametrize("static", [False, True])
def test_who_joins_anew_is_revoked_while_it_is_a_member(world: World, *, static: bool) -> None:
    """So it can commit what it has read; then all is handed out, to it as to others."""
    world.make_topics(2)
    first = joined(world, world.client("a", static=static), 2, begin=0)
    other = Member(world.client("b", static=static))
    share(world, first, other, partitions=2)
    calm(world, first, other)
    first.client.transactions.init()
    had = set(first.held)

    heard = len(first.events)

    def finish() -> None:
        write(world, first.client, b"last")
        commit(first.client, *(Position(number, 7, "last") for number in had))

    first.on_revocation = finish
    first.client.source.rejoin()
    poll_until(world, lambda: len(first.events) > heard, "it is revoked", first, other)
    share(world, first, other, partitions=2)
    calm(world, first, other)

    assert first.events[heard] == ("revoked", sorted(had))
    found = other.client.offsets.committed(sorted(had), 10)
    assert found is not None
    assert {number: at.offset for number, at in found.items()} == dict.fromkeys(had, 7)
    answer = other.client.offsets.members(10)
    assert answer is not None
    assert set(answer[first.client.source.member_id()]) == first.held
    assert set(answer[other.client.source.member_id()]) == other.held


def test_during_a_rebalance_nobody_says_who_has_what(world: World) -> None:
    """Nor is it said of a group without members."""
    world.make_topics(2)
    second = world.client("b")
    assert second.offsets.members(10) is None
    first = joined(world, world.client("a"), 2)
    assert owned(first) == {0, 1}

    world.freeze(first.client)  # so it does not hear that it has to join again
    other = Member(second)

    def is_under_way() -> bool:
        other.poll()
        return second.offsets.members(10) is None

    world.until(is_under_way, "a rebalance")
    world.wake(first.client)
    share(world, first, other, partitions=2)
    calm(world, first, other)
    assert owned(other) == {0, 1}


def test_a_static_member_that_closes_does_not_leave(world: World) -> None:
    """Its partitions are nobody's until its session ends, or it is back."""
    world.make_topics(2)
    first = joined(world, world.client("a", static=True, limits=SILENT), 2)
    other = Member(world.client("b"))
    share(world, first, other, partitions=2)
    (held,) = first.held
    heard = list(other.events)
    first.client.source.close()

    for _ in range(20):
        other.poll()
    assert other.events == heard
    assert first.events[-1] == ("revoked", [held])
    poll_until(world, lambda: other.held == {0, 1}, "both", other)


def test_of_two_static_members_with_one_name_the_older_is_fenced(world: World) -> None:
    """The newer one has its place and its partitions."""
    world.make_topics()
    older = joined(world, world.client("a", static=True))
    newer = joined(world, world.client("a", static=True))

    def hears() -> None:
        poll_until(world, lambda: False, "a fault", older)

    fault = fault_of(hears)

    assert (fault.action, fault.cause) == (Action.TEAR_DOWN, "fenced_instance")
    assert newer.held == {0}


def test_a_fenced_static_member_does_no_harm_by_closing(world: World) -> None:
    """Nor by a commit with the membership that it had."""
    world.make_topics()
    older = joined(world, world.client("a", static=True))
    older.client.transactions.init()
    metadata = older.client.source.group_metadata()
    newer = joined(world, world.client("a", static=True))
    write(world, older.client, b"older")

    send = older.client.transactions.send_offsets
    fault = fault_of(lambda: send([Position(0, 5)], metadata))
    older.client.transactions.abort()
    older.client.source.close()
    calm(world, newer)

    assert fault.action is not Action.RESEND
    assert fault.cause == "fenced_instance"
    assert newer.events == [("assigned", [0])]
    newer.client.transactions.init()
    newer.client.transactions.begin()
    commit(newer.client, Position(0, 3))
