"""The member's transactional producer.

The rule of this module: between `begin` and `commit` no error may get lost, because Kafka
would commit the rest. A record can fail at two times. `produce` can refuse it at once: the
client raises then, but does not spoil the transaction, so every such exception becomes a
`Fault`. Or its delivery fails later: that does spoil the transaction, since librdkafka counts
the records that failed and refuses to commit, whether anybody was told of them or not.

A delivery callback tells topic and reason of it, but costs a third of all that a record
costs here. So the bulk (`produce_keyed`) bears none as long as all goes well. What is refused
without a reason is sent once more (`flight.py`), and after an abort each record bears one.
(`delivery.report.only.error` would hide the offsets of state records. `produce_batch` is no
faster than a plain loop, and ignores a record's partition.)

A commit or an abort that times out leaves its request under way, where it could end a
later transaction of this producer (librdkafka has no KIP-890). Hence the rule that after
any fault but a resend this object is only good for `abort` and `close`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka import TopicPartition as At

from consumer.background import Background
from consumer.errors import Fault
from consumer.kafka import faults, properties
from consumer.kafka.faults import Call

WRITER_HEADER = "writer"
"""Of state records: the `transactional.id` that wrote them, should its transaction hang."""

_ANYWHERE = -1
_ROOM_S = 0.05
_GRACE_S = 0.5

Delivered = Callable[[KafkaError | None, Message], None]
Headers = Sequence[tuple[str, bytes | None]]


class Output(Protocol):
    """One record to produce; `partition` -1 lets the partitioner choose, time 0 is now."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int
    timestamp_ms: int
    headers: Headers | None


class Position(Protocol):
    """Where the group goes on in a partition of the input, with the state's name."""

    partition: int
    offset: int
    metadata: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long each call may block, in seconds."""

    init_s: float = 10.0
    queue_s: float = 10.0
    flush_s: float = 10.0
    offsets_s: float = 5.0
    commit_s: float = 10.0
    abort_s: float = 5.0


class Transactions:
    """One producer with one `transactional.id`. One thread at a time may use it."""

    def __init__(
        self,
        options: properties.ClientOptions,
        *,
        input_topic: str,
        state_topic: str,
        message_max_bytes: int,
        batch_max_bytes: int,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Make the client; see `properties.producer` for the sizes.

        Raises:
            ConfigError: librdkafka does not take the properties.
        """
        self.transactional_id = options.transactional_id
        self._signed: Headers = [(WRITER_HEADER, options.transactional_id.encode())]
        self._input_topic = input_topic
        self._state_topic = state_topic
        self._message_max_bytes = message_max_bytes
        self._timeouts = timeouts or Timeouts()
        config = properties.producer(
            options, message_max_bytes=message_max_bytes, batch_max_bytes=batch_max_bytes
        )
        self._producer: Producer | None = properties.create(Producer, config)
        self._open = False
        self._doubtful = False  # whether the last transaction was aborted
        self._asked = self._heard = 0
        self._begun_s = 0.0
        self._state_offsets: dict[int, int] = {}
        self._failures: dict[tuple[str | None, int], Fault] = {}

    def init(self) -> None:
        """Fence and abort what a predecessor with this id left behind.

        Raises:
            Fault: Kafka does not answer, or does not take the id or its time-out.
        """
        with self._translated(Call.INIT):
            self._client.init_transactions(self._timeouts.init_s)

    def begin(self) -> None:
        """Begin a transaction."""
        self._asked = self._heard = 0
        self._state_offsets = {}
        self._failures = {}
        self._begun_s = time.monotonic()
        with self._translated(Call.BEGIN):
            self._client.begin_transaction()
        self._open = True

    def produce(self, outputs: Sequence[Output]) -> None:
        """Queue records.

        Raises:
            Fault: one was refused at once (`output_too_large`, ...); abort.
        """
        done = self._on_output
        self._asked += len(outputs)
        for output in outputs:
            self._queue(
                output.topic,
                output.value,
                output.key,
                output.partition,
                done,
                output.timestamp_ms,
                output.headers,
            )

    def produce_keyed(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
        """Queue many records of one topic, each a key, which places it, and a value.

        Raises:
            Fault: one was refused at once; abort.
        """
        produce = self._client.produce
        done = self._on_output if self._doubtful else None
        self._asked += len(records) * self._doubtful
        for key, value in records:
            try:
                produce(topic, value, key, _ANYWHERE, done)
            except (BufferError, KafkaException):  # it has to wait, or to be named
                self._queue(topic, value, key, _ANYWHERE, done)

    def produce_state(self, partition: int, values: Sequence[bytes]) -> None:
        """Queue records for one partition of the state topic, in order.

        Raises:
            Fault: one was refused at once; abort.
        """
        done = self._on_state
        self._asked += len(values)
        for value in values:
            self._queue(self._state_topic, value, None, partition, done, headers=self._signed)

    def flush(self) -> Mapping[int, int]:
        """Wait until everything queued is delivered.

        Returns:
            For each state partition the offset of its first record in this transaction.

        Raises:
            Fault: a record was not delivered; the message names its topic. Abort. Of those
                of `produce_keyed` it may be `send_offsets` or `commit` that raises.
        """
        with self._translated(Call.FLUSH):
            left = self._client.flush(self._timeouts.flush_s)
        begins = self._settled(left)
        if begins is None:
            raise self._undelivered(left)
        return begins

    def delivered(self) -> Mapping[int, int] | None:
        """What `flush` returns, once everything queued is delivered; waits for nothing.

        Raises:
            Fault: a record was not delivered, or it takes longer than `flush` would wait.
        """
        with self._translated(Call.FLUSH):
            self._client.poll(0)
        left = len(self._client)
        begins = self._settled(left)
        if begins is None and time.monotonic() > self._begun_s + self._timeouts.flush_s:
            raise self._undelivered(left)
        return begins

    def _settled(self, left: int) -> Mapping[int, int] | None:
        if self._failures:
            topics = sorted({topic or "" for topic, _ in self._failures})
            raise self._verdict(Call.DELIVER, f"topics {', '.join(topics)}")
        if left:
            return None
        if self._heard != self._asked:
            raise faults.raised(
                faults.INTERNAL, f"{self._heard} of {self._asked} deliveries were told"
            )
        return self._state_offsets

    def _undelivered(self, left: int) -> Fault:
        detail = f"{left} records not delivered after {self._timeouts.flush_s:g} s"
        return faults.raised(faults.BROKER_UNREACHABLE, detail)

    def send_offsets(self, positions: Sequence[Position], group_metadata: object) -> None:
        """Add the group's offsets and their metadata to the transaction.

        Raises:
            ValueError: an offset is below 0; the client would drop it without a word.
            Fault: `rebalance_race` (resend), `fenced`, `not_a_member`, ..., and
                `broker_unreachable` when it takes longer than its time.
        """
        for position in positions:
            if position.offset < 0:
                raise ValueError(f"offset {position.offset} for partition {position.partition}")
        offsets = [At(self._input_topic, p.partition, p.offset, p.metadata) for p in positions]
        limit_s = self._timeouts.offsets_s
        send = self._client.send_offsets_to_transaction
        with self._translated(Call.SEND_OFFSETS):
            _in_time(lambda: send(offsets, group_metadata, limit_s), limit_s)

    def commit(self) -> None:
        """Commit what was queued and the offsets.

        Raises:
            Fault: nothing was committed, or (`commit_timeout`) it is not known. With a record
                that was not delivered and had no callback it is `commit_failed` (resend).
        """
        with self._translated(Call.COMMIT):
            self._client.commit_transaction(self._timeouts.commit_s)
        self._open = self._doubtful = False

    def abort(self) -> None:
        """Abort the open transaction, if there is one.

        Raises:
            Fault: not even that worked; Kafka will end it after `transaction.timeout.ms`.
        """
        if not self._open:
            return
        self._doubtful = True
        with self._translated(Call.ABORT):
            self._client.abort_transaction(self._timeouts.abort_s)
        self._open = False

    def end_orphans(self, partitions: Sequence[int]) -> None:
        """End transactions of this id in state partitions that its coordinator does not know of.

        A record came when its transaction was over, and the partition took it (KIP-890; brokers
        that verify do not). Nobody will end that but the marker of another transaction of the
        same id in the same partition: one with an empty record, which is taken back.

        Raises:
            Fault: a partition did not take it, or not back.
        """
        self.begin()
        try:
            for partition in partitions:
                self.produce_state(partition, [b""])
            self.flush()
        finally:
            self.abort()

    def close(self) -> None:
        """Free the client; what is still queued is thrown away, nothing is waited for.

        The client's own `close` would flush first, without a limit. Purged records must be
        polled for once, else their callbacks keep this object alive.
        """
        producer, self._producer = self._producer, None
        if producer is None:
            return
        with contextlib.suppress(KafkaException):
            producer.purge(blocking=False)
            producer.poll(0)

    @property
    def _client(self) -> Producer:
        if self._producer is None:
            raise RuntimeError("the producer is closed")
        return self._producer

    def _queue(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        done: Delivered | None,
        timestamp_ms: int = 0,
        headers: Headers | None = None,
    ) -> None:
        pairs: list[tuple[str, str | bytes | None]] | None = None
        if headers is not None:
            pairs = list(headers)  # the client takes no other sequence
        deadline = 0.0
        while True:
            try:
                self._client.produce(topic, value, key, partition, done, None, timestamp_ms, pairs)
            except BufferError:
                now = time.monotonic()
                deadline = deadline or now + self._timeouts.queue_s
                if now > deadline:
                    raise faults.raised(
                        faults.BROKER_UNREACHABLE, f"topic {topic}: the queue stays full"
                    ) from None
                with self._translated(Call.PRODUCE, topic):
                    self._client.poll(_ROOM_S)
            except KafkaException as error:
                size = len(value or b"") + len(key or b"")
                limits = f"{size} bytes without headers, limit {self._message_max_bytes}"
                raise self._verdict(Call.PRODUCE, f"topic {topic}, {limits}", error) from None
            else:
                return

    def _on_output(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._heard += 1
        else:
            self._failed(error, message)

    def _on_state(self, error: KafkaError | None, message: Message) -> None:
        partition, offset = message.partition(), message.offset()
        if error is not None:
            self._failed(error, message)
        elif partition is not None and offset is not None:
            self._heard += 1
            self._state_offsets.setdefault(partition, offset)

    def _failed(self, error: KafkaError, message: Message) -> None:
        topic = message.topic()
        size = f"a batch with a record of {len(message)} bytes"
        self._failures.setdefault(
            (topic, error.code()), faults.fault(error, Call.DELIVER, f"topic {topic}, {size}")
        )

    @contextlib.contextmanager
    def _translated(self, call: Call, topic: str = "") -> Iterator[None]:
        try:
            yield
        except (KafkaException, SystemError) as error:
            subject = f"topic {topic}" if topic else f"transactional.id {self.transactional_id}"
            raise self._verdict(call, subject, error) from None

    def _verdict(
        self, call: Call, subject: str, error: KafkaException | SystemError | None = None
    ) -> Fault:
        """The fault behind an exception or failed deliveries: the one that says most.

        One refusal shows in several places. Records that failed because of it, and calls
        that are refused after it, only say that; the reason is with the first record, or is
        what `poll` raises when it is fatal, or else what beginning a transaction is refused
        with, which cannot succeed while one is open.
        """
        found = [] if call is Call.ABORT else list(self._failures.values())
        reasons = [] if error is None else faults.reasons(error)
        for ask in (lambda: self._client.poll(0), self._client.begin_transaction):
            if any(reason.fatal() for reason in reasons) or not self._open:
                break  # after a fatal error there is no more to learn
            try:
                ask()
            except (KafkaException, SystemError) as answer:
                reasons += faults.reasons(answer)
        found += [faults.fault(reason, call, subject) for reason in reasons]
        if error is not None and not found:
            raise error
        return faults.worst(found)


def _in_time(call: Callable[[], object], limit_s: float) -> None:
    """Make a call that does not keep its own time limit when the coordinator goes.

    It is made on a thread of its own, since librdkafka (issue 5456) may never return from it,
    nor from waiting for it. Such a thread is left alone, with the client that it holds.
    """
    sending = Background(call, "send_offsets")
    if not sending.done(wait=True, limit_s=limit_s + _GRACE_S):
        detail = f"{Call.SEND_OFFSETS}: no answer within {limit_s:g} s"
        raise faults.raised(faults.BROKER_UNREACHABLE, detail)
