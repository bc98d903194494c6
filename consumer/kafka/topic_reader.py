"""Reads ranges of any topics as a consumer downstream would, in no group.

Partitions are assigned by hand and nothing is ever committed. A range ends at an offset that
was asked for beforehand. Under read_committed that end may lie behind a transaction that is
still open: reading then waits, and says so when it takes too long, for what comes out of
it belongs to the range.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, Message
from confluent_kafka import TopicPartition as At

from consumer.errors import SessionReportsError
from consumer.kafka import faults, properties
from consumer.kafka.faults import Call

_ANSWER_S = 30.0
_LEADERS_S = 0.5
_BATCH = 5_000
_POLL_S = 0.05


class Extent(NamedTuple):
    """What a partition holds: offsets from `start` up to (exclusive) `end`."""

    start: int
    end: int


class TopicReader:
    """A consumer that is told what to read. Not to be shared between threads."""

    def __init__(self, options: properties.ClientOptions, *, patience_s: float = 60.0) -> None:
        """Make the client; `patience_s` is how long reading may stand still.

        Raises:
            ConfigError: librdkafka does not take the properties.
        """
        self._patience_s = patience_s
        self._consumer = properties.create(Consumer, properties.topic_reader(options))

    def since(self, topic: str, extents: Mapping[int, Extent], time_ms: int) -> dict[int, int]:
        """Offset of the first record of each partition that is not older; the end for none.

        Raises:
            Fault: no answer in time, or a refusal.
        """
        wanted = [At(topic, number, time_ms) for number in extents]
        try:
            found = self._consumer.offsets_for_times(wanted, _ANSWER_S)
        except KafkaException as failure:
            raise faults.fault(failure.args[0], Call.OFFSETS, f"topic {topic}") from None
        for at in found:
            if at.error is not None:
                raise faults.fault(at.error, Call.OFFSETS, f"topic {topic}")
        ends = {number: extent.end for number, extent in extents.items()}
        return {at.partition: at.offset if at.offset >= 0 else ends[at.partition] for at in found}

    def read(
        self, topic: str, ranges: Mapping[int, Extent]
    ) -> Iterator[tuple[Sequence[Message], int]]:
        """The records of these ranges, each partition's in order, a batch at a time.

        With each batch comes how many offsets have been passed so far.

        Raises:
            Fault: a refusal.
            SessionReportsError: records were deleted meanwhile, or an open transaction held the
                reading up for too long.
        """
        try:
            yield from self._read(topic, ranges)
        finally:
            self._consumer.unassign()

    def close(self) -> None:
        """Free the client."""
        self._consumer.close()

    def _read(
        self, topic: str, ranges: Mapping[int, Extent]
    ) -> Iterator[tuple[Sequence[Message], int]]:
        positions = {number: range_.start for number, range_ in ranges.items()}
        left = {number for number, range_ in ranges.items() if range_.start < range_.end}
        with contextlib.suppress(KafkaException):  # it goes on asking by itself
            self._consumer.list_topics(topic, _LEADERS_S)  # or it learns of leaders once a second
        self._consumer.assign([At(topic, number, positions[number]) for number in left])
        moved_s = time.monotonic()
        while left:
            records = []
            for message in self._messages(topic):
                number, offset = message.partition() or 0, message.offset() or 0
                if number not in left:
                    continue
                if message.error() is None:
                    if offset < ranges[number].end:
                        records.append(message)
                    offset += 1
                if offset > positions[number]:
                    positions[number], moved_s = offset, time.monotonic()
                if offset >= ranges[number].end:
                    left.discard(number)
                    self._consumer.incremental_unassign([At(topic, number)])
            yield records, sum(at - ranges[number].start for number, at in positions.items())
            if time.monotonic() - moved_s > self._patience_s:
                number = min(left)
                raise SessionReportsError(
                    f"{topic}[{number}] cannot be read on from offset {positions[number]} (its end "
                    f"is {ranges[number].end}): a transaction stays open there"
                )

    def _messages(self, topic: str) -> Iterator[Message]:
        """A batch: records, and ends of partitions. Raises `Fault`."""
        try:
            messages = self._consumer.consume(_BATCH, _POLL_S)
        except KafkaException as failure:
            raise faults.fault(failure.args[0], Call.CONSUME, f"topic {topic}") from None
        for message in messages:
            error = message.error()
            if error is None or error.code() == faults.END_OF_PARTITION:
                yield message
            elif faults.classify(error, Call.CONSUME) is faults.INPUT_GONE:
                raise SessionReportsError(
                    f"{topic}[{message.partition()}]: records were deleted before they were read; "
                    "try again, with a later beginning"
                )
            elif error.code() not in faults.TRANSIENT:
                raise faults.fault(error, Call.CONSUME, f"topic {topic}")
