"""Sorting what one poll brought into batches."""

from __future__ import annotations

from confluent_kafka import Message

from consumer.kafka.source import _batches


def message(partition: int, offset: int) -> Message:
    """A record whose contents tell where it lies."""
    value = b"%d@%d" % (partition, offset)
    return Message(
        topic="callbacks",
        partition=partition,
        offset=offset,
        key=b"k" + value,
        value=value,
        timestamp=(1, 1000 + offset),
    )


def test_nothing_gives_no_batch() -> None:
    """A poll may bring ends of partitions alone."""
    assert _batches([]) == []


def test_one_partition_gives_one_batch() -> None:
    """Lists of the same length, in the order of the records."""
    messages = [message(3, offset) for offset in range(7, 10)]

    (batch,) = _batches(messages)

    assert batch.partition == 3
    assert list(batch.offsets) == [7, 8, 9]
    assert batch.timestamps == [1007, 1008, 1009]
    assert batch.keys == [b"k3@7", b"k3@8", b"k3@9"]
    assert batch.values == [b"3@7", b"3@8", b"3@9"]
    assert [each.value() for each in batch.messages] == batch.values


def test_gaps_between_offsets_are_kept() -> None:
    """Control records and compaction leave them."""
    (batch,) = _batches([message(0, offset) for offset in (1, 2, 5, 9)])

    assert list(batch.offsets) == [1, 2, 5, 9]


def test_runs_of_a_partition_are_joined_in_order() -> None:
    """However they are interleaved."""
    order = [(0, 0), (0, 1), (2, 0), (0, 2), (1, 5), (2, 1), (2, 2)]

    batches = _batches([message(*each) for each in order])

    assert {batch.partition: list(batch.offsets) for batch in batches} == {
        0: [0, 1, 2],
        2: [0, 1, 2],
        1: [5],
    }
    assert [value for batch in batches for value in batch.values] == [
        *(b"0@0", b"0@1", b"0@2"),
        *(b"2@0", b"2@1", b"2@2"),
        b"1@5",
    ]
