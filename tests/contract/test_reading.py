"""Reading: positions and ends, what is skipped, and what is no longer there."""

from __future__ import annotations

import pytest

from consumer.errors import Action
from tests.contract.acts import (
    Reading,
    appear,
    fault_of,
    joined,
    pass_time,
    poll_until,
    settle,
    values,
    write,
)
from tests.contract.world import Client, Output, World

THE_PAST_MS = 1_700_000_000_000


def transact(world: World, client: Client, count: int, *, end: str) -> None:
    """A transaction of so many records in the input."""
    client.transactions.begin()
    client.transactions.produce([Output(world.input, None, b"%d" % n, 0) for n in range(count)])
    client.transactions.flush()
    getattr(client.transactions, end)()


def test_aborted_records_are_skipped_and_the_end_lies_behind_them(world: World) -> None:
    """Control records count, so the distance to the end does become 0."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    world.send([b"x"] * 5)
    for count, end in ((5, "abort"), (3, "commit"), (5, "abort")):
        transact(world, client, count, end=end)
    settle(world, world.input)

    member = joined(world, client, begin=0)
    (end_offset,) = (client.offsets.input_ends([0], 10) or {}).values()
    poll_until(world, lambda: member.ends == {0: end_offset}, "the end", member)

    assert end_offset == 5 + (5 + 1) + (3 + 1) + (5 + 1)
    assert member.offsets == {0: [0, 1, 2, 3, 4, 11, 12, 13]}


def test_the_end_of_an_empty_partition_is_reported(world: World) -> None:
    """And that of one that is started at its end."""
    world.make_topics(2)
    world.send([b"x"] * 5, 1)
    member = joined(world, world.client("a"), 2)

    member.client.source.start(0, 0)
    member.client.source.start(1, 5)
    poll_until(world, lambda: len(member.ends) == 2, "the ends", member)

    assert member.ends == {0: 0, 1: 5}
    assert member.offsets == {}


def test_the_end_is_reported_again_after_more_records(world: World) -> None:
    """Once they have been read."""
    world.make_topics()
    member = joined(world, world.client("a"), begin=0)
    world.send([b"x"] * 3)
    poll_until(world, lambda: member.ends == {0: 3}, "the end", member)
    world.send([b"x"] * 3)
    poll_until(world, lambda: member.ends == {0: 6}, "the new end", member)

    assert member.offsets == {0: [0, 1, 2, 3, 4, 5]}


def test_a_poll_brings_no_more_than_asked_for(world: World) -> None:
    """And in order."""
    world.make_topics()
    world.send([b"x"] * 50)
    member = joined(world, world.client("a"), begin=0)
    member.most = 7
    sizes: list[int] = []

    def at_end() -> bool:
        sizes.append(sum(map(len, member.poll().values())))
        return member.ends == {0: 50}

    world.until(at_end, "the end")

    assert member.offsets == {0: list(range(50))}
    assert max(sizes) <= 7


def test_a_poll_waits_its_whole_time_unless_as_many_as_asked_for_are_there(world: World) -> None:
    """For fewer it waits, and brings them then."""
    world.make_topics()
    world.send([b"x"] * 5)
    client = world.client("a")
    member = joined(world, client, begin=0)
    poll_until(world, lambda: member.ends == {0: 5}, "the end", member)
    client.source.start(0, 0)

    began_s = world.monotonic_s()
    (few,) = client.source.poll(10, 0.5).batches
    between_s = world.monotonic_s()
    client.source.start(0, 0)
    (enough,) = client.source.poll(5, 10).batches

    assert list(few.offsets) == list(enough.offsets) == list(range(5))
    assert between_s - began_s > 0.49
    assert world.monotonic_s() - between_s < 5


def test_records_come_as_they_were_sent(world: World) -> None:
    """Offset, time, key, value and headers stand at the same index."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    headers: list[tuple[str, bytes | None]] = [("a", b"1"), ("a", b"2"), ("n", None)]
    client.transactions.begin()
    client.transactions.produce([Output(world.input, b"k", b"v", 0, 1234, headers)])
    client.transactions.produce([Output(world.input, None, None, 0, 5678)])
    client.transactions.produce([Output(world.input, b"", b"", 0)])
    client.transactions.flush()
    client.transactions.commit()
    settle(world, world.input)
    member = joined(world, client, begin=0)

    poll_until(world, lambda: member.ends == {0: 4}, "the end", member)

    batches = member.batches
    assert [offset for batch in batches for offset in batch.offsets] == [0, 1, 2]
    times = [ms for batch in batches for ms in batch.timestamps]
    assert times[:2] == [1234, 5678]
    assert times[2] > THE_PAST_MS  # time 0 is now
    assert [key for batch in batches for key in batch.keys] == [b"k", None, b""]
    assert [value for batch in batches for value in batch.values] == [b"v", None, b""]
    messages = [message for batch in batches for message in batch.messages]
    assert (messages[0].key(), messages[0].value()) == (b"k", b"v")
    assert messages[0].headers() == headers
    assert [message.timestamp()[1] for message in messages] == times


def test_a_paused_partition_delivers_nothing_and_goes_on_where_it_stood(world: World) -> None:
    """What had been fetched of it already does not leak out."""
    world.make_topics(2)
    for partition in range(2):
        world.send([b"x"] * 100, partition)
    member = joined(world, world.client("a"), 2)
    source = member.client.source
    member.most = 5
    source.start(0, 0)
    poll_until(world, lambda: bool(member.offsets[0]), "the first records", member)
    source.pause(0)
    before = len(member.offsets[0])
    member.most = 1000

    source.start(1, 0)
    poll_until(world, lambda: member.ends == {1: 100}, "the end of the other", member)
    assert len(member.offsets[0]) == before < 100
    source.resume(0)
    poll_until(world, lambda: member.ends == {0: 100, 1: 100}, "both ends", member)

    assert member.offsets == {0: list(range(100)), 1: list(range(100))}


def test_a_partition_may_be_started_anew_at_an_earlier_offset(world: World) -> None:
    """Records come a second time."""
    world.make_topics()
    world.send([b"x"] * 5)
    member = joined(world, world.client("a"), begin=2)
    poll_until(world, lambda: member.ends == {0: 5}, "the end", member)
    member.ends.clear()

    member.client.source.start(0, 1)
    poll_until(world, lambda: member.ends == {0: 5}, "the end", member)

    assert member.offsets == {0: [2, 3, 4, 1, 2, 3, 4]}


@pytest.mark.parametrize("offset", [3, 11], ids=["below", "above"])
def test_an_offset_of_the_input_that_is_not_there_is_a_fault(world: World, offset: int) -> None:
    """Below the first record or above the end: nothing is skipped and nothing repeated."""
    world.make_topics()
    world.send([b"x"] * 10)
    world.delete_records(world.input, {0: 5})
    member = joined(world, world.client("a"), begin=offset)

    fault = fault_of(lambda: poll_until(world, lambda: False, "a fault", member))

    assert (fault.action, fault.cause) == (Action.TEAR_DOWN, "input_gone")
    assert member.offsets == {}


def test_an_offset_of_the_input_that_is_not_there_is_told_once(world: World) -> None:
    """Then no word and nothing more of that partition, which does not come to itself again."""
    world.make_topics(2)
    for partition in range(2):
        world.send([b"x"] * 10, partition)
    world.delete_records(world.input, {0: 5})
    member = joined(world, world.client("a"), 2)
    member.client.source.start(0, 3)
    fault_of(lambda: poll_until(world, lambda: False, "a fault", member))

    member.client.source.start(1, 0)
    poll_until(world, lambda: member.ends == {1: 10}, "the end of the other", member)
    pass_time(world, 1, member)
    assert set(member.offsets) == {1}

    fault = fault_of(lambda: member.client.source.start(0, 5))
    assert fault.action is Action.TEAR_DOWN


@pytest.mark.parametrize("offset", [1, 9], ids=["below", "above"])
def test_an_offset_of_the_state_that_is_not_there_is_a_fault(world: World, offset: int) -> None:
    """The log does not hold what the committed offset names."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    for value in (b"one", b"two"):
        write(world, client, value)
        client.transactions.commit()
    settle(world, world.state)
    world.delete_records(world.state, {0: 2})
    reading = Reading(client)
    reading.reader.start(0, offset)

    fault = fault_of(lambda: reading.until_at(world, 0, -1))

    assert (fault.action, fault.cause) == (Action.GIVE_UP, "state_damaged")
    assert reading.found == []


def test_the_reader_gives_what_is_committed_and_passes_the_rest(world: World) -> None:
    """Its position counts markers and aborted records."""
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    for value, end in ((b"one", "commit"), (b"no", "abort"), (b"two", "commit"), (b"no", "abort")):
        write(world, client, value)
        getattr(client.transactions, end)()
    settle(world, world.state)

    reading = Reading(client)
    reading.reader.start(0, 0)
    found = reading.until_at(world, 0, 8)

    assert found == [b"one", b"two"]
    assert [(record.partition, record.offset) for record in reading.found] == [(0, 0), (0, 4)]


def test_transactions_that_lie_among_each_other_are_told_apart(world: World) -> None:
    """Of two producers in one partition, one commits and the other does not."""
    world.make_topics()
    good, bad = world.client("good"), world.client("bad")
    for client in (good, bad):
        client.transactions.init()
        client.transactions.begin()
    for number in range(3):
        for client, name in ((good, "good"), (bad, "bad")):
            client.transactions.produce_state(0, [f"{name} {number}".encode()])
            client.transactions.flush()
    good.transactions.commit()
    reading = Reading(good)
    reading.reader.start(0, 0)
    world.until(lambda: world.ends(world.state) == {0: 7}, "its marker")
    assert reading.until_at(world, 0, 1) == [b"good 0"]

    bad.transactions.abort()

    assert reading.until_at(world, 0, 8) == [b"good 0", b"good 1", b"good 2"]


def test_the_reader_reads_the_partitions_that_it_was_started_for(world: World) -> None:
    """From their offsets on, until it is stopped; each in order."""
    world.make_topics(3)
    client = world.client("a")
    client.transactions.init()
    client.transactions.begin()
    for partition in range(3):
        client.transactions.produce_state(partition, [b"%d" % n for n in range(10)])
    client.transactions.flush()
    client.transactions.commit()
    settle(world, world.state)
    reading = Reading(client)

    reading.reader.start(0, 7)
    reading.reader.start(2, 0)
    assert len(reading.reader.poll(2, 1)) <= 2
    reading.reader.start(0, 7)
    reading.reader.start(2, 0)
    reading.until_at(world, 0, 11)
    reading.until_at(world, 2, 11)
    assert sorted((record.partition, record.offset) for record in reading.found) == [
        *((0, offset) for offset in (7, 8, 9)),
        *((2, offset) for offset in range(10)),
    ]

    reading.found.clear()
    reading.reader.stop(0)
    reading.reader.start(2, 9)
    assert reading.until_at(world, 2, 11) == [b"9"]


def test_deleted_state_records_move_the_beginning(world: World) -> None:
    """What is deleted cannot be read any more; the end, the offsets and the rest stay."""
    world.make_topics(2)
    client = world.client("a")
    client.transactions.init()
    for value in (b"one", b"two", b"three"):
        write(world, client, value, partition=1)
        client.transactions.commit()
    settle(world, world.state)

    client.offsets.delete_state_before({1: 2})
    world.until(
        lambda: client.offsets.state_range([0, 1], 10) == {0: (0, 0), 1: (2, 6)}, "the deletion"
    )
    client.offsets.delete_state_before({1: 1})
    for _ in range(5):
        assert client.offsets.state_range([1], 10) == {1: (2, 6)}

    assert values(world, world.state) == [b"two", b"three"]
    reading = Reading(client)
    reading.reader.start(1, 2)
    assert reading.until_at(world, 1, 6) == [b"two", b"three"]


def test_who_may_not_delete_state_records_keeps_them_and_works_on(lax_world: World) -> None:
    """Nothing is deleted, and all else is as before."""
    world = lax_world
    world.make_topics()
    client = world.client("a")
    client.transactions.init()
    write(world, client, b"one")
    client.transactions.commit()
    settle(world, world.state)
    world.forbid_deletions()

    client.offsets.delete_state_before({0: 2})
    write(world, client, b"two")
    client.transactions.commit()
    appear(world, world.state, b"one", b"two")

    assert client.offsets.state_range([0], 10) == {0: (0, 4)}


def test_ranges_tell_the_first_offset_and_the_end(world: World) -> None:
    """Of the input and of the state; nothing where nothing is asked."""
    world.make_topics(2)
    world.send([b"x"] * 3, 1)
    world.delete_records(world.input, {1: 2})
    client = world.client("a")

    assert client.offsets.input_range([0, 1], 10) == {0: (0, 0), 1: (2, 3)}
    assert client.offsets.input_ends([0, 1], 10) == {0: 0, 1: 3}
    assert client.offsets.state_range([1], 10) == {1: (0, 0)}
    assert client.offsets.input_ends([], 10) == {}
    assert client.offsets.state_range([], 10) == {}
