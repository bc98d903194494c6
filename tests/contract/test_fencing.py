"""One producer for each `transactional.id`: the newest."""

from __future__ import annotations

from consumer.errors import Action, Fault
from tests.contract.acts import (
    appear,
    commit,
    fault_of,
    fault_or_none,
    joined,
    settle,
    values,
    write,
)
from tests.contract.test_visibility import BRIEF, TIMED_OUT_S
from tests.contract.world import Client, Limits, Position, World

FENCED = (Action.TEAR_DOWN, "fenced")


def verdict(fault: Fault) -> tuple[Action, str]:
    """What is done about it, and why."""
    return fault.action, fault.cause


def test_the_older_of_two_cannot_commit(world: World) -> None:
    """What it had written is aborted as soon as the newer one is there."""
    world.make_topics()
    older, newer = world.client("a"), world.client("a")
    older.transactions.init()
    write(world, older, b"older")

    newer.transactions.init()
    settle(world, world.state)
    fault = fault_of(older.transactions.commit)
    write(world, newer, b"newer")
    newer.transactions.commit()

    assert verdict(fault) == FENCED
    appear(world, world.reports, b"newer")


def test_the_older_of_two_cannot_write(world: World) -> None:
    """Nor does it harm what the newer one has open."""
    world.make_topics()
    older, newer = world.client("a"), world.client("a")
    older.transactions.init()
    write(world, older, b"first")
    older.transactions.commit()
    newer.transactions.init()
    write(world, newer, b"newer")

    fault = fault_of(lambda: write(world, older, b"older"))
    newer.transactions.commit()

    assert verdict(fault) == FENCED
    appear(world, world.reports, b"first", b"newer")


def test_the_older_of_two_cannot_send_offsets(world: World) -> None:
    """Although it is a member of the group, and well."""
    world.make_topics()
    older, newer = world.client("a"), world.client("a")
    joined(world, older)
    older.transactions.init()
    newer.transactions.init()
    older.transactions.begin()

    fault = fault_of(lambda: commit(older, Position(0, 5)))

    assert verdict(fault) == FENCED
    assert older.offsets.committed([0], 10) == {}


def test_who_was_fenced_stays_fenced(world: World) -> None:
    """It is of no use any more, not even to abort."""
    world.make_topics()
    older, newer = world.client("a"), world.client("a")
    older.transactions.init()
    write(world, older, b"older")
    newer.transactions.init()
    fault_of(older.transactions.commit)

    assert verdict(fault_of(older.transactions.commit)) == FENCED
    assert verdict(fault_of(older.transactions.abort)) == FENCED
    assert verdict(fault_of(older.transactions.begin)) == FENCED


def test_a_producer_that_slept_beyond_its_transactions_time_is_fenced(world: World) -> None:
    """Kafka has aborted meanwhile, and does not take that producer back."""
    world.make_topics()
    client = world.client("a", limits=BRIEF)
    client.transactions.init()
    write(world, client, b"torn")
    world.freeze(client)
    world.until(lambda: world.ends(world.state) == {0: 2}, "its marker", TIMED_OUT_S)
    world.wake(client)

    assert verdict(fault_of(client.transactions.commit)) == FENCED
    settle(world, world.state)
    assert values(world, world.state) == []


IMPATIENT = Limits(answer_s=0)


def commit_in_the_dark(world: World, client: Client) -> int:
    """Commit records and offsets until one commit has no answer; how many had one before.

    However impatient the client, an answer may be there when it looks for one.
    """
    fault = None
    number = -1
    while fault is None:
        number += 1
        write(world, client, b"%d" % number)
        client.transactions.send_offsets([Position(0, number + 1)], client.source.group_metadata())
        fault = fault_or_none(client.transactions.commit)
    assert verdict(fault) == (Action.TEAR_DOWN, "commit_timeout")
    return number


def test_a_commit_without_an_answer_is_whole_or_nothing(world: World) -> None:
    """It took effect or did not, and once its transaction is ended by another that is settled."""
    world.make_topics()
    client = world.client("a", limits=IMPATIENT)
    joined(world, client)
    client.transactions.init()
    answered = commit_in_the_dark(world, client)
    world.crash(client)

    heir = world.client("b")
    freed = heir.offsets.free_writer(client.transactions.transactional_id, 10)
    settle(world, world.state)
    settle(world, world.reports)
    offsets = heir.offsets.committed([0], 10)

    assert freed
    assert offsets is not None
    count = max((at.offset for at in offsets.values()), default=0)
    assert count in (answered, answered + 1)
    wanted = [b"%d" % number for number in range(count)]
    assert values(world, world.reports) == values(world, world.state) == wanted


def test_a_producer_whose_commit_had_no_answer_can_only_be_thrown_away(world: World) -> None:
    """It can neither begin nor abort; its successor begins with a settled log."""
    world.make_topics()
    client = world.client("a", limits=IMPATIENT)
    joined(world, client)
    client.transactions.init()
    answered = commit_in_the_dark(world, client)
    again = fault_of(client.transactions.begin)
    aborted = fault_of(client.transactions.abort)
    client.transactions.close()

    heir = world.client("a")
    heir.transactions.init()
    settle(world, world.reports)
    before = values(world, world.reports)
    write(world, heir, b"heir")
    heir.transactions.commit()

    assert again.action is aborted.action is Action.TEAR_DOWN
    assert len(before) in (answered, answered + 1)
    appear(world, world.reports, *before, b"heir")
