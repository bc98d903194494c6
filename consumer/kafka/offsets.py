"""Questions to the cluster about offsets and members, and the two deeds that go with them.

A question that Kafka cannot answer for the moment (an election, a coordinator that loads)
is asked again until its time is up. What the group has committed is asked through consumers
that never join it, not through the admin client: librdkafka 2.16.1 crashes the process in
`list_consumer_group_offsets` when the group's coordinator has just moved.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import structlog
from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
)
from confluent_kafka import TopicPartition as At
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, says its manual
    AdminClient,
    OffsetSpec,
)

from consumer.errors import Action, Fault
from consumer.kafka import faults, properties
from consumer.kafka.faults import Call
from consumer.kafka.group import members_of
from consumer.kafka.records import headers_of
from consumer.kafka.transactions import WRITER_HEADER, Timeouts, Transactions

_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_AGAIN_S = 0.02
_ANSWER_S = 1.0  # how long Kafka may take before it counts as unreachable
_REQUEST_S = 0.1  # the shortest time that a request is given
_HEADS = 100
_EMPTY_BYTES = 10_000  # room enough for a record without content
_READ_COMMITTED = IsolationLevel.READ_COMMITTED

_log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")
Future = concurrent.futures.Future[Any]


class Committed(NamedTuple):
    """A committed offset of the group; `metadata` is empty when it has none."""

    offset: int
    metadata: str


class Hanging(NamedTuple):
    """An open transaction: where it begins in a state partition, whose it is, and with what."""

    partition: int
    offset: int
    writer: str
    value: bytes


class Offsets:
    """Offsets of the input topic, of the state topic, and of the group."""

    def __init__(
        self, options: properties.ClientOptions, *, input_topic: str, state_topic: str
    ) -> None:
        """Make the client.

        Raises:
            ConfigError: librdkafka does not take the properties.
        """
        self._options = options
        self._input = input_topic
        self._state = state_topic
        self._admin = properties.create(AdminClient, properties.admin(options))
        reader = properties.state_reader(options)
        self._stable = properties.create(Consumer, reader)
        self._latest = properties.create(
            Consumer, {**reader, "isolation.level": "read_uncommitted"}
        )
        self._refusal_logged = False

    def committed(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, Committed] | None:
        """The group's offsets in the input topic; partitions with none are absent.

        Waits for transactions under way that hold new offsets (KIP-447).

        Returns:
            None when such transactions were still under way at the end of the time.

        Raises:
            Fault: no answer in time, or a refusal.
        """
        wanted = [At(self._input, partition) for partition in partitions]
        try:
            return self._group_offsets(self._stable, wanted, timeout_s)
        except Fault as fault:
            if fault.cause != faults.BROKER_UNREACHABLE.cause:
                raise
        # Either new offsets are under way or Kafka does not answer at all: this one tells.
        self._group_offsets(self._latest, wanted, max(timeout_s, _ANSWER_S))
        return None

    def members(self, timeout_s: float) -> Mapping[str, Sequence[int]] | None:
        """Partitions of the input by member id, as the group has dealt them.

        Returns:
            None without an answer in time, and during a rebalance.
        """
        return members_of(self._admin, self._options.group, self._input, timeout_s)

    def group_has_offsets(self, timeout_s: float) -> bool:
        """Whether the group has a committed offset in any partition of the input.

        Raises:
            Fault: no answer in time, or a refusal.
        """
        deadline = time.monotonic() + timeout_s
        cluster = _until(
            deadline,
            lambda left_s: self._latest.list_topics(self._input, left_s),
            f"topic {self._input}",
        )
        wanted = [At(self._input, number) for number in cluster.topics[self._input].partitions]
        return bool(self._group_offsets(self._latest, wanted, deadline - time.monotonic()))

    def input_range(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, tuple[int, int]]:
        """Earliest and READ_UNCOMMITTED end offset of input partitions.

        Raises:
            Fault: no answer in time, or a refusal.
        """
        return self.topic_range(self._input, partitions, timeout_s)

    def state_range(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, tuple[int, int]]:
        """Earliest and READ_UNCOMMITTED end offset of state partitions.

        Raises:
            Fault: no answer in time, or a refusal.
        """
        return self.topic_range(self._state, partitions, timeout_s)

    def input_ends(self, partitions: Sequence[int], timeout_s: float) -> Mapping[int, int] | None:
        """READ_UNCOMMITTED end offsets of input partitions; None without an answer in time.

        Raises:
            Fault: a refusal.
        """
        deadline = time.monotonic() + timeout_s
        self._drain()
        try:
            return self._list(self._input, partitions, _LATEST, deadline)
        except Fault as fault:
            if fault.action is Action.GIVE_UP:
                raise
            return None

    def delete_state_before(self, offsets: Mapping[int, int]) -> None:
        """Ask Kafka to delete the records before these offsets of state partitions.

        Nothing waits for it and nothing depends on it; the first refusal is logged.
        """
        if not offsets:
            return
        wanted = [At(self._state, partition, offset) for partition, offset in offsets.items()]
        for future in self._admin.delete_records(wanted).values():
            future.add_done_callback(self._deleted)

    def hanging(self, partitions: Sequence[int], timeout_s: float) -> Sequence[Hanging]:
        """The oldest open transaction of each of these state partitions that has one.

        The last stable offset is where it begins, and the record there names its writer.
        One that does not (no member wrote it) is left out.

        Raises:
            Fault: no answer in time, or a refusal.
        """
        deadline = time.monotonic() + timeout_s
        ends = self._list(self._state, partitions, _LATEST, deadline)
        stable = self._list(self._state, partitions, _LATEST, deadline, _READ_COMMITTED)
        begins = {number: begin for number, begin in stable.items() if begin < ends[number]}
        if not begins:
            return []
        self._latest.assign([At(self._state, *begin) for begin in begins.items()])
        try:
            return self._heads(begins, deadline)
        finally:
            self._latest.unassign()

    def free_writer(
        self, transactional_id: str, timeout_s: float, partitions: Sequence[int] = ()
    ) -> bool:
        """End the hanging transaction of a dead member, whose id is fenced thereby.

        To take over its id ends what the coordinator knows of; see `Transactions.end_orphans`
        for what it does not. Which of the two it is only the attempt would tell, and a second
        one would fence the writer again, which may be well by then: so both are done at once.

        Args:
            transactional_id: whose it is.
            timeout_s: for all of it.
            partitions: of the state, that it holds back.

        Returns:
            False when that did not work in time.
        """
        writer = Transactions(
            dataclasses.replace(self._options, transactional_id=transactional_id),
            input_topic=self._input,
            state_topic=self._state,
            message_max_bytes=_EMPTY_BYTES,
            batch_max_bytes=_EMPTY_BYTES,
            timeouts=Timeouts(
                init_s=timeout_s / 2,
                queue_s=0.0,
                flush_s=timeout_s / 4,
                abort_s=timeout_s / 4,
            ),
        )
        try:
            writer.init()
            if partitions:
                writer.end_orphans(partitions)
        except Fault as fault:
            _log.warning("transaction_not_ended", writer=transactional_id, reason=str(fault))
            return False
        finally:
            writer.close()
        return True

    def _heads(self, begins: Mapping[int, int], deadline: float) -> Sequence[Hanging]:
        """What stands at these offsets of the state topic, aborted or not yet committed."""
        found: list[Hanging] = []
        left = set(begins.items())
        while left and time.monotonic() < deadline:
            for message in self._latest.consume(_HEADS, _AGAIN_S):
                head = (message.partition(), message.offset())
                if message.error() is None and head in left:
                    left.discard(head)
                    writer = dict(headers_of(message) or ()).get(WRITER_HEADER)
                    if isinstance(writer, bytes):
                        name = writer.decode(errors="replace")
                        found.append(Hanging(*head, name, message.value() or b""))
        return found

    def close(self) -> None:
        """Free the clients."""
        self._stable.close()
        self._latest.close()

    def _drain(self) -> None:
        """Let out what the clients want to log; else they keep every line in memory.

        Done where the daemon comes by again and again.
        """
        self._admin.poll(0)
        for consumer in (self._stable, self._latest):
            consumer.consume(_HEADS, 0)

    def _group_offsets(
        self, consumer: Consumer, wanted: list[At], timeout_s: float
    ) -> Mapping[int, Committed]:
        """As a consumer sees them: with or without waiting for what is under way."""
        group = f"group {self._options.group}"
        found = _until(
            time.monotonic() + timeout_s, lambda left_s: consumer.committed(wanted, left_s), group
        )
        for at in found:
            if at.error is not None:
                raise faults.fault(at.error, Call.OFFSETS, group)
        return {at.partition: _committed(at) for at in found if at.offset >= 0}

    def topic_range(
        self, topic: str, partitions: Sequence[int], timeout_s: float
    ) -> dict[int, tuple[int, int]]:
        """Earliest and READ_UNCOMMITTED end offset of partitions of any topic.

        Raises:
            Fault: no answer in time, or a refusal.
        """
        deadline = time.monotonic() + timeout_s
        starts = self._list(topic, partitions, _EARLIEST, deadline)
        ends = self._list(topic, partitions, _LATEST, deadline)
        return {partition: (starts[partition], ends[partition]) for partition in partitions}

    def _list(
        self,
        topic: str,
        partitions: Iterable[int],
        spec: OffsetSpec,
        deadline: float,
        isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    ) -> dict[int, int]:
        wanted = {At(topic, partition): spec for partition in partitions}

        def ask(timeout_s: float) -> dict[int, int]:
            if not wanted:
                return {}
            answer = self._admin.list_offsets(
                wanted, isolation_level=isolation, request_timeout=timeout_s
            )
            try:
                found = {at.partition: future.result().offset for at, future in answer.items()}
            except KafkaException as error:
                if error.args[0].code() == KafkaError.FENCED_LEADER_EPOCH:
                    left_s = max(deadline - time.monotonic(), _REQUEST_S)
                    self._admin.list_topics(topic, left_s)  # else it asks as before for minutes
                raise
            if min(found.values()) < 0:  # how the client says that there was no answer
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001
            return found

        return _until(deadline, ask, f"topic {topic}")

    def _deleted(self, future: Future) -> None:
        error = future.exception()
        if error is None or self._refusal_logged:
            return
        self._refusal_logged = True
        reason = error.args[0].str() if isinstance(error, KafkaException) else error
        _log.warning("state_not_deleted", topic=self._state, reason=str(reason))


def _committed(at: At) -> Committed:
    return Committed(at.offset, at.metadata or "")


def _until(deadline: float, ask: Callable[[float], Answer], subject: str) -> Answer:
    """Ask until Kafka answers or the time is up; a refusal ends it at once."""
    while True:
        left_s = deadline - time.monotonic()
        try:
            return ask(max(left_s, _REQUEST_S))
        except KafkaException as error:
            row = faults.classify(error.args[0], Call.OFFSETS)
            passing = row is faults.BROKER_UNREACHABLE or error.args[0].code() in faults.TRANSIENT
            if not passing or left_s < _AGAIN_S:
                raise faults.fault(error.args[0], Call.OFFSETS, subject) from None
        time.sleep(_AGAIN_S)
