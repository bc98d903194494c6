"""Reading ranges of topics as anybody would, on a real broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

import pytest
from confluent_kafka import Producer

from consumer.errors import SessionReportsError
from consumer.kafka.topic_reader import Extent, TopicReader
from tests.integration.kafka.world import World

pytestmark = pytest.mark.kafka

Read = list[tuple[int, int, bytes]]


@pytest.fixture
def reader(world: World) -> Iterator[TopicReader]:
    """One that soon loses patience."""
    reader = TopicReader(world.options(), patience_s=1.0)
    yield reader
    reader.close()


def everything(reader: TopicReader, topic: str, ranges: Mapping[int, Extent]) -> Read:
    """Partition, offset and value of each record."""
    return [
        (message.partition() or 0, message.offset() or 0, message.value() or b"")
        for messages, _ in reader.read(topic, ranges)
        for message in messages
    ]


def test_reads_what_lies_in_the_ranges(world: World, reader: TopicReader) -> None:
    """Each partition's in order; neither before nor after, nor of partitions not asked for."""
    world.make(world.input, 3)
    for partition in range(3):
        world.write(world.input, partition, [b"%d" % number for number in range(10)])

    found = everything(reader, world.input, {0: Extent(2, 5), 2: Extent(0, 10), 1: Extent(4, 4)})

    assert [one[1] for one in found if one[0] == 0] == [2, 3, 4]
    assert [one[1] for one in found if one[0] == 2] == list(range(10))
    assert {one[0] for one in found} == {0, 2}
    assert everything(reader, world.input, {}) == []


def test_tells_how_far_it_has_come(world: World, reader: TopicReader) -> None:
    """In offsets, so that what is no record counts as well."""
    world.make(world.input)
    world.open_transaction(world.input, 0, [b"1", b"2"]).commit_transaction(20)

    passed = [done for _, done in reader.read(world.input, {0: Extent(0, 3)})]

    assert passed[-1] == 3
    assert passed == sorted(passed)


def test_passes_what_was_aborted(world: World, reader: TopicReader) -> None:
    """Up to the end, though no record stands there."""
    world.make(world.input)
    world.write(world.input, 0, [b"one"])
    world.open_transaction(world.input, 0, [b"no"] * 3).abort_transaction(20)

    assert everything(reader, world.input, {0: Extent(0, 5)}) == [(0, 0, b"one")]


def test_waits_for_an_open_transaction(world: World) -> None:
    """What it holds belongs to the range, if it is committed."""
    world.make(world.input)
    world.write(world.input, 0, [b"one"])
    hanging = world.open_transaction(world.input, 0, [b"two"])
    ending = threading.Timer(0.5, hanging.commit_transaction, (20,))
    reader = TopicReader(world.options(), patience_s=20.0)
    try:
        ending.start()
        found = everything(reader, world.input, {0: Extent(0, 2)})
    finally:
        ending.join()
        reader.close()

    assert [value for _, _, value in found] == [b"one", b"two"]


def test_says_what_holds_it_up(world: World, reader: TopicReader) -> None:
    """It does not wait for ever."""
    world.make(world.input)
    hanging = world.open_transaction(world.input, 0, [b"one"])

    with pytest.raises(SessionReportsError) as caught:
        everything(reader, world.input, {0: Extent(0, 1)})

    hanging.abort_transaction(20)
    assert str(caught.value) == (
        f"{world.input}[0] cannot be read on from offset 0 (its end is 1): "
        "a transaction stays open there"
    )


def test_records_that_are_gone_are_told(world: World, reader: TopicReader) -> None:
    """Retention may overtake a long reading."""
    world.make(world.input)
    world.write(world.input, 0, [b"x"] * 10)
    world.delete_before(world.input, 0, 5)

    with pytest.raises(SessionReportsError, match=r"\[0\]: records were deleted before they were"):
        everything(reader, world.input, {0: Extent(3, 10)})


def test_can_be_stopped_and_read_something_else(world: World, reader: TopicReader) -> None:
    """Nothing is left over from before."""
    for topic in (world.input, world.state):
        world.make(topic, 2)
        for partition in range(2):
            world.write(topic, partition, [topic.encode()] * 100)
    whole = {0: Extent(0, 100), 1: Extent(0, 100)}
    for messages, _ in reader.read(world.input, whole):
        if messages:
            break

    found = everything(reader, world.state, whole)

    assert len(found) == 200
    assert {value for _, _, value in found} == {world.state.encode()}


def test_finds_offsets_by_time(world: World, reader: TopicReader) -> None:
    """The first record that is not older, and the end where all are."""
    world.make(world.input, 2)
    producer = Producer(world.servers)
    for number in range(5):
        producer.produce(world.input, b"x", partition=0, timestamp=1_000_000 + 10 * number)
    assert producer.flush(20) == 0
    extents = {0: Extent(0, 5), 1: Extent(0, 0)}

    assert reader.since(world.input, extents, 0) == {0: 0, 1: 0}
    assert reader.since(world.input, extents, 1_000_011) == {0: 2, 1: 0}
    assert reader.since(world.input, extents, 1_000_041) == {0: 5, 1: 0}
