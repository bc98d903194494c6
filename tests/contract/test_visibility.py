"""Open transactions, and what they hide from whom (KIP-98: the last stable offset)."""

from __future__ import annotations

from tests.contract.acts import Reading, appear, joined, poll_until, settle, values, write
from tests.contract.world import Limits, Output, World

BRIEF = Limits(transaction_s=2)
TIMED_OUT_S = 30
"""A transaction that has run out is ended by a task of the broker, every ten seconds."""


def test_the_end_counts_what_is_open_and_the_stable_end_does_not(world: World) -> None:
    """READ_UNCOMMITTED: where the partition really ends; read_committed: where one may read."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    write(world, client, b"one")
    client.transactions.commit()
    settle(world, world.state)

    write(world, client, b"open")

    assert client.offsets.state_range([0], 10) == {0: (0, 3)}
    assert world.ends(world.state) == {0: 3}
    assert world.ends(world.state, committed=True) == {0: 2}


def test_an_open_transaction_hides_what_others_have_committed_behind_it(world: World) -> None:
    """A reader stands still before it: what looks like the end is none."""
    world.make_topics()
    dead, other = world.client("dead"), world.client("other")
    dead.transactions.init()
    other.transactions.init()
    write(world, other, b"before")
    other.transactions.commit()
    settle(world, world.state)
    write(world, dead, b"hangs")
    world.crash(dead)
    write(world, other, b"behind")
    other.transactions.commit()

    reading = Reading(other)
    reading.reader.start(0, 0)
    seen = reading.until_at(world, 0, 2)
    for _ in range(10):
        assert not reading.poll()
    assert seen == [b"before"]
    assert reading.reader.position(0) == world.ends(world.state, committed=True)[0] == 2
    assert other.offsets.state_range([0], 10) == {0: (0, 5)}

    assert other.offsets.free_writer(dead.transactions.transactional_id, 10)
    assert reading.until_at(world, 0, 6) == [b"before", b"behind"]


def test_an_open_transaction_hides_nothing_in_other_partitions(world: World) -> None:
    """Each has an end of its own."""
    world.make_topics(2)
    dead, other = world.client("dead"), world.client("other")
    dead.transactions.init()
    other.transactions.init()
    write(world, dead, b"hangs", partition=0)
    write(world, other, b"seen", partition=1)
    other.transactions.commit()

    world.until(lambda: world.ends(world.state, committed=True) == {0: 0, 1: 2}, "the ends")
    assert values(world, world.state) == [b"seen"]


def test_an_open_transaction_in_the_input_hides_what_follows(world: World) -> None:
    """The end that the source reports is not the end of the partition."""
    world.make_topics()
    writer, client = world.client("writer"), world.client("a")
    writer.transactions.init()
    writer.transactions.begin()
    writer.transactions.produce([Output(world.input, b"k", b"open", 0)])
    writer.transactions.flush()
    world.send([b"x"] * 5)
    member = joined(world, client, begin=0)

    poll_until(world, lambda: member.ends == {0: 0}, "an end", member)
    assert member.offsets == {}
    assert client.offsets.input_ends([0], 10) == {0: 6}

    writer.transactions.abort()
    poll_until(world, lambda: member.ends == {0: 7}, "the end", member)
    assert member.offsets == {0: [1, 2, 3, 4, 5]}


def test_a_successor_ends_at_once_what_was_left_open(world: World) -> None:
    """`init` with the same id aborts it: nobody waits for its time to run out."""
    world.make_topics()
    dead = world.client("a", limits=Limits(transaction_s=600))
    dead.transactions.init()
    write(world, dead, b"torn")
    world.crash(dead)

    began_s = world.monotonic_s()
    heir = world.client("a")
    heir.transactions.init()
    settle(world, world.state)

    assert world.monotonic_s() - began_s < 10
    assert world.ends(world.state) == {0: 2}
    write(world, heir, b"whole")
    heir.transactions.commit()
    appear(world, world.state, b"whole")
    assert values(world, world.state, committed=False) == [b"torn", b"whole"]


def test_what_a_dead_member_left_open_ends_when_its_time_is_up(world: World) -> None:
    """`transaction.timeout.ms` after it began, and some seconds: it is aborted."""
    world.make_topics()
    dead = world.client("a", limits=BRIEF)
    dead.transactions.init()
    began_s = world.monotonic_s()
    write(world, dead, b"torn")
    world.crash(dead)

    assert world.ends(world.state, committed=True) == {0: 0}
    world.until(lambda: world.ends(world.state) == {0: 2}, "its marker", TIMED_OUT_S)

    assert world.monotonic_s() - began_s >= BRIEF.transaction_s
    settle(world, world.state)
    assert values(world, world.state) == []
