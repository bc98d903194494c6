"""What the group has committed, and what is under way."""

from __future__ import annotations

from tests.contract.acts import commit, joined, poll_until, settle, write
from tests.contract.world import Limits, Position, World
from tests.harness.cluster import Committed

FOREVER = Limits(transaction_s=600)
BRIEF_S = 0.5


def seen(found: object) -> dict[int, Committed] | None:
    """The answer of `Offsets.committed`, to be compared."""
    if found is None:
        return None
    assert isinstance(found, dict)
    return {number: Committed(at.offset, at.metadata) for number, at in found.items()}


def test_metadata_comes_back_as_it_was(world: World) -> None:
    """Offset 0 is an offset; partitions with none are absent."""
    world.make_topics(3)
    client = world.client("a")
    joined(world, client, 3)
    client.transactions.init()
    metadata = '{"sequence":7,"name":"é"}' + "x" * 3000
    client.transactions.begin()
    commit(client, Position(1, 0, metadata), Position(2, 5))

    found = client.offsets.committed([0, 1, 2], 10)

    assert seen(found) == {1: Committed(0, metadata), 2: Committed(5, "")}
    assert client.offsets.group_has_offsets(10)


def test_of_a_group_that_never_committed(world: World) -> None:
    """It has none, and that is an answer."""
    world.make_topics()
    client = world.client("a")

    assert seen(client.offsets.committed([0], 10)) == {}
    assert not client.offsets.group_has_offsets(10)


def test_an_answer_waits_for_the_transaction_that_holds_newer_ones(world: World) -> None:
    """None says that it is still under way; other partitions have nothing to wait for."""
    world.make_topics(2)
    client, asking = world.client("a"), world.client("b")
    joined(world, client, 2)
    client.transactions.init()
    write(world, client, b"one")
    commit(client, Position(0, 5), Position(1, 5))
    assert seen(asking.offsets.committed([0, 1], 10)) == {0: Committed(5, ""), 1: Committed(5, "")}
    write(world, client, b"two")
    client.transactions.send_offsets([Position(0, 9)], client.source.group_metadata())

    assert asking.offsets.committed([0], BRIEF_S) is None
    assert asking.offsets.committed([0, 1], BRIEF_S) is None
    assert seen(asking.offsets.committed([1], BRIEF_S)) == {1: Committed(5, "")}
    assert world.committed() == {0: Committed(5, ""), 1: Committed(5, "")}
    assert asking.offsets.group_has_offsets(10)

    client.transactions.commit()
    assert seen(asking.offsets.committed([0, 1], 10)) == {0: Committed(9, ""), 1: Committed(5, "")}


def test_those_under_way_are_none_yet(world: World) -> None:
    """A group whose first ones are not committed has none."""
    world.make_topics()
    client, asking = world.client("a"), world.client("b")
    joined(world, client)
    client.transactions.init()
    client.transactions.begin()
    client.transactions.send_offsets([Position(0, 5)], client.source.group_metadata())

    assert not asking.offsets.group_has_offsets(10)
    client.transactions.commit()
    world.until(lambda: asking.offsets.group_has_offsets(10), "the first ones")


def test_of_two_transactions_the_one_that_sent_later_decides(world: World) -> None:
    """Not the one that committed later."""
    world.make_topics()
    first, second = world.client("a"), world.client("b")
    joined(world, first)
    metadata = first.source.group_metadata()
    for client in (first, second):
        client.transactions.init()
        client.transactions.begin()
    first.transactions.send_offsets([Position(0, 9, "sent first")], metadata)
    second.transactions.send_offsets([Position(0, 5, "sent last")], metadata)
    second.transactions.commit()
    assert first.offsets.committed([0], BRIEF_S) is None

    first.transactions.commit()

    assert seen(first.offsets.committed([0], 10)) == {0: Committed(5, "sent last")}


def test_those_of_an_aborted_transaction_never_were(world: World) -> None:
    """Whoever aborts it: here the one who takes over from the dead."""
    world.make_topics()
    dead = world.client("a", limits=FOREVER)
    joined(world, dead)
    dead.transactions.init()
    dead.transactions.begin()
    commit(dead, Position(0, 5, "five"))
    dead.transactions.begin()
    dead.transactions.send_offsets([Position(0, 9, "nine")], dead.source.group_metadata())
    world.crash(dead)

    heir = world.client("a")
    assert heir.offsets.committed([0], BRIEF_S) is None
    heir.transactions.init()

    assert seen(heir.offsets.committed([0], 10)) == {0: Committed(5, "five")}


def test_those_of_an_operator_have_no_metadata(world: World) -> None:
    """Whatever there was before."""
    world.make_topics(2)
    client, asking = world.client("a"), world.client("b")
    joined(world, client, 2)
    client.transactions.init()
    client.transactions.begin()
    commit(client, Position(0, 5, "state"), Position(1, 5, "state"))
    client.source.close()

    world.set_offsets({0: 3})

    assert seen(asking.offsets.committed([0, 1], 10)) == {
        0: Committed(3, ""),
        1: Committed(5, "state"),
    }


def test_those_that_have_expired_are_gone(world: World) -> None:
    """The group is as good as new; the state log is not."""
    world.make_topics()
    client, asking = world.client("a"), world.client("b")
    joined(world, client)
    client.transactions.init()
    write(world, client, b"one")
    commit(client, Position(0, 5, "state"))
    settle(world, world.state)
    client.source.close()

    world.expire_offsets()

    assert seen(asking.offsets.committed([0], 10)) == {}
    assert not asking.offsets.group_has_offsets(10)
    assert asking.offsets.state_range([0], 10) == {0: (0, 2)}


def test_one_that_the_topic_no_longer_holds_is_not_skipped(world: World) -> None:
    """Kafka keeps it, and the range of the topic tells."""
    world.make_topics()
    world.send([b"x"] * 10)
    client = world.client("a")
    member = joined(world, client)
    client.transactions.init()
    client.transactions.begin()
    commit(client, Position(0, 3, "state"))

    world.delete_records(world.input, {0: 5})

    assert seen(client.offsets.committed([0], 10)) == {0: Committed(3, "state")}
    assert client.offsets.input_range([0], 10) == {0: (5, 10)}
    client.source.start(0, 5)
    poll_until(world, lambda: member.ends == {0: 10}, "the end", member)
    assert member.offsets == {0: [5, 6, 7, 8, 9]}
