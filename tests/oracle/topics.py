"""Reads a whole topic, and surely all of it."""

from __future__ import annotations

import time
from typing import Any, cast

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from tests.oracle.record import Record
from tests.waiting import until

_BATCH = 10_000
_LOG_LEVEL = 2  # what goes wrong is raised
_MOVING = {KafkaError.UNKNOWN_LEADER_EPOCH, KafkaError.FENCED_LEADER_EPOCH}
"""What a broker that has just started may say."""
_POLL_S = 0.02  # waited out by each poll: a whole batch is hardly ever there


def read_topic(
    bootstrap: str, topic: str, isolation: str = "read_committed", timeout_s: float = 60.0
) -> list[Record]:
    """All records of a topic, by partition and offset.

    Reads on until each partition's position has reached the end offset that was asked for
    beforehand, transactions still open and control records included. So what an open
    transaction holds back is waited for, never left out. Raises TimeoutError where that
    takes too long.
    """
    starts, ends = _range(bootstrap, topic, timeout_s)
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "oracle",  # never joined: partitions are assigned by hand
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
            "log_level": _LOG_LEVEL,
        }
    )
    try:
        # From the offset of the first record: for "the beginning" the client takes half a second.
        consumer.assign([TopicPartition(topic, number, starts[number]) for number in ends])
        records = _read_until(consumer, ends, time.monotonic() + timeout_s)
    finally:
        consumer.close()
    return sorted(records, key=lambda record: (record.partition, record.offset))


def _range(bootstrap: str, topic: str, timeout_s: float) -> tuple[dict[int, int], dict[int, int]]:
    """First offsets (0 unless records were deleted); ends, of partitions that hold anything.

    Ends are read_uncommitted, so they are those of everything that was ever written.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": _LOG_LEVEL})
    described = admin.list_topics(topic, timeout=timeout_s).topics[topic]
    if described.error is not None:
        raise KafkaException(described.error)

    def asked(spec: Any) -> dict[int, int]:
        futures = admin.list_offsets(
            {TopicPartition(topic, partition): spec for partition in described.partitions},
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=timeout_s,
        )
        return {at.partition: answer.result().offset for at, answer in futures.items()}

    def offsets(spec: Any) -> dict[int, int]:
        found: dict[int, int] = {}

        def is_told() -> bool:
            try:
                found.update(asked(spec))
            except KafkaException as error:
                if error.args[0].code() not in _MOVING:
                    raise
            return bool(found)

        until(is_told, f"offsets of {topic}", timeout_s)
        return found

    starts = offsets(OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    ends = offsets(OffsetSpec.latest())  # type: ignore[no-untyped-call]
    return starts, {number: end for number, end in ends.items() if end > starts[number]}


def _read_until(consumer: Consumer, ends: dict[int, int], deadline_s: float) -> list[Record]:
    records = []
    left = set(ends)
    while left:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"partitions {sorted(left)} did not reach their ends {ends}")
        for message in consumer.consume(_BATCH, _POLL_S):
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            # Past its control records, which are no messages, only EOF tells the position.
            record = _record(message)
            position = record.offset
            if error is None:
                records.append(record)
                position += 1
            if position >= ends[record.partition]:
                left.discard(record.partition)
    return records


def _record(message: Message) -> Record:
    _, timestamp_ms = message.timestamp()
    headers: Any = message.headers() or ()
    return Record(
        topic=cast("str", message.topic()),
        partition=cast("int", message.partition()),
        offset=cast("int", message.offset()),
        timestamp_ms=timestamp_ms,
        key=message.key(),
        value=message.value(),
        headers=tuple(headers),
    )
