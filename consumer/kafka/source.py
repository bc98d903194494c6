"""The group member that reads the callbacks topic.

Partitions come paused. `on_assign` runs inside of `poll`, where nothing counts as life
towards the group, so it only pauses the partitions, takes them, and tells the listener.
`start` later resumes and seeks. Three other ways, each of them tried, are wrong:

- To take partitions first and pause them then: the fetch at whatever offset they were
  taken at can be faster, and an offset that is gone breaks the partition for good.
- To take them at their end, or to seek there: when the answer to the question for the end
  comes after a later seek, librdkafka 2.16 asks again, and half a second later jumps over
  everything in between.
- To assign anew in `start`: outside of the callback and while a rebalance waits in the
  queue that counts as the answer to it, and the group would hand our partitions on while
  we still write.

librdkafka numbers its operations on a partition: what was fetched before a pause, a seek
or an assignment is thrown away unseen, so neither a record from before `start`'s offset
nor one prefetched before a `pause` leaks out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, cast

import structlog
from confluent_kafka import Consumer, KafkaException, Message
from confluent_kafka import TopicPartition as At

from consumer.background import Background
from consumer.errors import Fault
from consumer.kafka import faults, properties
from consumer.kafka.faults import Call
from consumer.kafka.records import Record, Records

_SEEK_S = 5.0
_SEEK_PAUSE_S = 0.01
_WAKE_S = 1.0
_CLOSE_S = 5.0

_METADATA = struct.Struct("=7si")  # magic, generation: rd_kafka_consumer_group_metadata_write
_METADATA_MAGIC = b"CGMDv2:"

_log = structlog.get_logger(__name__)


class Listener(Protocol):
    """Told of rebalances from within `Source.poll` and `Source.close`, on their caller's thread."""

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """New partitions, assigned and paused."""

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Orderly revocation: what was read of them can still be committed."""

    def on_lost(self, partitions: Sequence[int]) -> None:
        """Gone: another member may own them already."""


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one partition in offset order, as parallel lists."""

    partition: int
    offsets: Sequence[int]
    timestamps: Sequence[int]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    messages: Sequence[Record]


@dataclasses.dataclass(frozen=True, slots=True)
class Polled:
    """What one poll brought: batches, and partitions whose end was reached, with it."""

    batches: Sequence[Batch]
    ends: Mapping[int, int]


_NOTHING = Polled((), {})

# The library types them as optional, for messages that were never in Kafka.
_partition = cast("Callable[[Message], int]", Message.partition)
_offset = cast("Callable[[Message], int]", Message.offset)


class Source:
    """A consumer of one topic in the group. Not to be shared between threads."""

    def __init__(self, options: properties.ClientOptions, topic: str) -> None:
        """Make the client; it joins the group at the first `poll` after `subscribe`.

        Raises:
            ConfigError: librdkafka does not take the properties.
        """
        self._topic = topic
        self._consumer = properties.create(Consumer, properties.source(options))
        self._listener: Listener | None = None
        self._owned: set[int] = set()
        self._positions: dict[int, int] = {}  # of started partitions: what comes next
        self._closing = False

    def subscribe(self, listener: Listener) -> None:
        """Ask for partitions of the topic; `listener` learns of them."""
        self._listener = listener
        with self._translated():
            self._consumer.subscribe(
                [self._topic],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        """At most `max_records` records; waits the whole time for fewer (librdkafka does).

        What the listener raises comes out of here as it is.

        Raises:
            Fault: `input_gone`, `poll_exceeded`, `unauthorized`, ...
        """
        try:
            messages = self._consumer.consume(max_records, timeout_s)
        except KafkaException as error:
            raise self._fault(error) from None
        if not messages:
            return _NOTHING
        ends: dict[int, int] = {}
        if any(map(Message.error, messages)):
            messages = self._sound(messages, ends)
        batches = _batches(messages)
        for batch in batches:
            self._positions[batch.partition] = batch.offsets[-1] + 1
            if ends.get(batch.partition, -1) <= batch.offsets[-1]:
                ends.pop(batch.partition, None)  # records followed it in the same poll
        return Polled(batches, ends)

    def start(self, partition: int, offset: int) -> None:
        """Begin to deliver an assigned partition from exactly `offset` (0 or more)."""
        if offset < 0:
            raise ValueError(f"partition {partition} cannot start at offset {offset}")
        self._positions[partition] = offset
        self.resume(partition)

    def pause(self, partition: int) -> None:
        """Deliver nothing more of a partition, prefetched records included."""
        with self._translated():
            self._consumer.pause([At(self._topic, partition)])

    def resume(self, partition: int) -> None:
        """Go on where the last delivered record ended; nothing to do if it was revoked.

        The thread that talks with the broker overlooks a resumption for up to a second
        while the connection is idle. A seek wakes it, unless it goes to 0; then a question
        has to.
        """
        offset = self._positions.get(partition)
        if offset is None:
            return
        at = At(self._topic, partition, offset)
        with self._translated():
            self._consumer.resume([at])
        self._seek(at)
        if offset == 0:
            with contextlib.suppress(KafkaException):
                self._consumer.get_watermark_offsets(at, _WAKE_S)

    def is_member(self) -> bool:
        """Whether the group has taken this consumer in, be it without partitions."""
        return self._membership() is not None

    def member_id(self) -> str:
        """What the group calls this member; empty while it is none."""
        return "" if self._membership() is None else self._consumer.memberid()

    def group_metadata(self) -> object:
        """Group metadata for the next commit; never to be kept for another one.

        Raises:
            Fault: `not_a_member`. Metadata of a consumer that never joined, or was thrown
                out, has no generation; the broker would take a commit with it from anyone.
        """
        metadata = self._membership()
        if metadata is None:
            raise faults.raised(faults.NOT_A_MEMBER, f"topic {self._topic}")
        return metadata

    def rejoin(self) -> None:
        """Join the group anew, with nothing: a rebalance that hands out everything.

        All that this member has is revoked from within the next `poll`, where it can still
        commit. Then librdkafka joins again: under its old name, or, if it had nothing, after
        it has left, as even a static member does here. Where a rebalance is under way, that
        one has to do: then nothing is revoked.

        Raises:
            Fault: the client cannot work any more.
        """
        with self._translated():
            self._consumer.unsubscribe()
        self.subscribe(self._told())

    def close(self) -> None:
        """Leave the group (a static member stays) and free the client.

        The listener is told of a revocation first, on the thread of the caller; what it
        raises comes out, after the client has been freed. Nothing can be committed any more:
        in the middle of a rebalance the client would soon be no member, and asked for its
        metadata raise a RuntimeError or never return.

        Nor does a close in the middle of a rebalance always return (librdkafka 2.16). After a
        while it is left to itself, and what it is told then nobody hears. It can do no harm:
        it reads nothing more, and joins no rebalance, so that the group puts it out when the
        next one has lasted `max.poll.interval.ms`. The next pipeline of this member brings one
        about, or takes its place at once (a static member).
        """
        if self._closing:
            return
        self._closing = True
        owned, self._owned = sorted(self._owned), set()
        try:
            if owned:
                self._told().on_revoked(owned)
        finally:
            if not Background(self._consumer.close, "close").done(wait=True, limit_s=_CLOSE_S):
                _log.warning("close_overdue", within_s=_CLOSE_S)

    def _membership(self) -> bytes | None:
        """The group metadata of a member; None of who is none (any more)."""
        if self._closing:
            return None
        metadata = self._consumer.consumer_group_metadata()
        magic, generation = _METADATA.unpack_from(metadata)
        # Under group.protocol=consumer there is a member id before there is a member.
        is_member = (magic != _METADATA_MAGIC or generation >= 1) and self._consumer.memberid()
        return metadata if is_member else None

    def _on_assign(self, consumer: Consumer, partitions: list[At]) -> None:
        taken = [At(self._topic, at.partition, 0) for at in partitions]
        for at in taken:  # the client can pause only what it has heard of
            consumer.get_watermark_offsets(at, cached=True)
        consumer.pause(taken)
        consumer.incremental_assign(taken)
        self._owned.update(at.partition for at in partitions)
        if not self._closing:
            self._told().on_assigned([at.partition for at in partitions])

    def _on_revoke(self, _: Consumer, partitions: list[At]) -> None:
        self._forget(partitions)
        if not self._closing:
            self._told().on_revoked([at.partition for at in partitions])
        self._consumer.incremental_unassign(partitions)

    def _on_lost(self, _: Consumer, partitions: list[At]) -> None:
        self._forget(partitions)
        if not self._closing:
            self._told().on_lost([at.partition for at in partitions])
        self._consumer.incremental_unassign(partitions)

    def _forget(self, partitions: list[At]) -> None:
        for at in partitions:
            self._owned.discard(at.partition)
            self._positions.pop(at.partition, None)

    def _told(self) -> Listener:
        if self._listener is None:
            raise RuntimeError("a rebalance before subscribe()")
        return self._listener

    def _seek(self, at: At) -> None:
        deadline = time.monotonic() + _SEEK_S
        while True:
            try:
                self._consumer.seek(at)
            except KafkaException as error:
                # Its fetcher is not up yet: another partition's is still being stopped.
                if error.args[0].code() not in faults.BUSY or time.monotonic() > deadline:
                    raise self._fault(error) from None
                time.sleep(_SEEK_PAUSE_S)
            else:
                return

    def _sound(self, messages: list[Message], ends: dict[int, int]) -> list[Message]:
        """The messages that are records; ends of partitions go into `ends`.

        Raises:
            Fault: one of them is an error that does not mend itself.
        """
        records = []
        for message in messages:
            error = message.error()
            if error is None:
                records.append(message)
            elif error.code() == faults.END_OF_PARTITION:
                ends[_partition(message)] = _offset(message)
            elif error.code() not in faults.TRANSIENT:
                raise faults.fault(error, Call.CONSUME, self._subject(message))
        return records

    def _subject(self, message: Message) -> str:
        """What an error among the messages is about: a place, or all of the client."""
        if message.topic() is None:
            return f"topic {self._topic}"
        return f"{message.topic()}[{message.partition()}]@{message.offset()}"

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            raise self._fault(error) from None

    def _fault(self, error: KafkaException) -> Fault:
        return faults.fault(error.args[0], Call.CONSUME, f"topic {self._topic}")


def _batches(messages: list[Message]) -> list[Batch]:
    """One batch for each partition among the messages, in order of appearance.

    Written for speed: a C method mapped over the list costs a third of a call per record,
    and offsets without gaps need two calls instead of one per record.
    """
    if not messages:
        return []
    partitions = list(map(_partition, messages))
    if partitions.count(partitions[0]) == len(partitions):
        return [_batch(partitions[0], messages)]
    grouped: dict[int, list[Message]] = {}
    start = 0
    for partition, run in itertools.groupby(partitions):
        end = start + sum(1 for _ in run)
        grouped.setdefault(partition, []).extend(messages[start:end])
        start = end
    return [_batch(partition, part) for partition, part in grouped.items()]


def _batch(partition: int, messages: list[Message]) -> Batch:
    return Batch(
        partition=partition,
        offsets=_offsets(messages),
        timestamps=[ms for _, ms in map(Message.timestamp, messages)],
        keys=list(map(Message.key, messages)),
        values=list(map(Message.value, messages)),
        messages=Records(messages),
    )


def _offsets(messages: list[Message]) -> Sequence[int]:
    first, last = _offset(messages[0]), _offset(messages[-1])
    if last - first == len(messages) - 1:
        return range(first, last + 1)
    return list(map(_offset, messages))
