"""Questions to the cluster about offsets, and the two deeds that go with them.

Asked through the admin client, which belongs to no group. A question that Kafka cannot
answer for the moment (an election, a coordinator that loads) is asked again until its time
is up.
"""

from __future__ import annotations

import concurrent.futures
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
)
from confluent_kafka import TopicPartition as At
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, says its manual
    AdminClient,
    OffsetSpec,
)

from consumer.errors import Action, Fault
from consumer.kafka import faults, properties
from consumer.kafka.faults import Call

_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_AGAIN_S = 0.02
_REQUEST_S = 0.1  # the shortest time that a request is given

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Future = concurrent.futures.Future[Any]


class Committed(NamedTuple):
    """A committed offset of the group; `metadata` is empty when it has none."""

    offset: int
    metadata: str


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
        self._refusal_logged = False

    def committed(
        self, partitions: Sequence[int], timeout_s: float, *, stable: bool = True
    ) -> Mapping[int, Committed] | None:
        """The group's offsets in the input topic; partitions with none are absent.

        `stable` waits for transactions under way that hold new offsets (KIP-447). Kafka
        says at once that it has to wait, so a time-out of 0 asks just once.

        Returns:
            None when such transactions were still under way at the end of the time.

        Raises:
            Fault: no answer in time, or a refusal.
        """
        deadline = time.monotonic() + timeout_s
        wanted = [At(self._input, partition) for partition in partitions]
        while True:
            found = self._group_offsets(wanted, deadline, stable=stable)
            errors = [at.error for at in found if at.error is not None]
            if not errors:
                return {at.partition: _committed(at) for at in found if at.offset >= 0}
            for error in errors:
                if error.code() != KafkaError.UNSTABLE_OFFSET_COMMIT:
                    raise faults.fault(error, Call.OFFSETS, f"group {self._options.group}")
            if time.monotonic() + _AGAIN_S > deadline:
                return None
            time.sleep(_AGAIN_S)

    def group_has_offsets(self, timeout_s: float) -> bool:
        """Whether the group has a committed offset in any partition of the input.

        Raises:
            Fault: no answer in time, or a refusal.
        """
        found = self._group_offsets(None, time.monotonic() + timeout_s, stable=False)
        return any(at.topic == self._input and at.offset >= 0 for at in found)

    def input_range(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, tuple[int, int]]:
        """Earliest and READ_UNCOMMITTED end offset of input partitions.

        Raises:
            Fault: no answer in time, or a refusal.
        """
        return self._range(self._input, partitions, timeout_s)

    def state_range(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, tuple[int, int]]:
        """Earliest and READ_UNCOMMITTED end offset of state partitions.

        Raises:
            Fault: no answer in time, or a refusal.
        """
        return self._range(self._state, partitions, timeout_s)

    def input_ends(self, partitions: Sequence[int], timeout_s: float) -> Mapping[int, int] | None:
        """READ_UNCOMMITTED end offsets of input partitions; None without an answer in time.

        Raises:
            Fault: a refusal.
        """
        deadline = time.monotonic() + timeout_s
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

    def free_writer(self, transactional_id: str, timeout_s: float) -> bool:
        """End the hanging transaction of a dead member, whose id is fenced thereby.

        Returns:
            False when that did not work in time.
        """
        config = properties.liberator(self._options, transactional_id)
        producer = properties.create(Producer, config)
        try:
            producer.init_transactions(timeout_s)
        except KafkaException as error:
            _log.warning("could not free %s: %s", transactional_id, error.args[0].str())
            return False
        return True

    def _group_offsets(
        self, wanted: list[At] | None, deadline: float, *, stable: bool
    ) -> Sequence[At]:
        group = self._options.group

        def ask(timeout_s: float) -> Sequence[At]:
            request = [ConsumerGroupTopicPartitions(group, wanted)]
            answer = self._admin.list_consumer_group_offsets(
                request, require_stable=stable, request_timeout=timeout_s
            )
            found: Sequence[At] = answer[group].result().topic_partitions
            return found

        return _until(deadline, ask, f"group {group}")

    def _range(
        self, topic: str, partitions: Sequence[int], timeout_s: float
    ) -> dict[int, tuple[int, int]]:
        deadline = time.monotonic() + timeout_s
        starts = self._list(topic, partitions, _EARLIEST, deadline)
        ends = self._list(topic, partitions, _LATEST, deadline)
        return {partition: (starts[partition], ends[partition]) for partition in partitions}

    def _list(
        self, topic: str, partitions: Iterable[int], spec: OffsetSpec, deadline: float
    ) -> dict[int, int]:
        wanted = {At(topic, partition): spec for partition in partitions}

        def ask(timeout_s: float) -> dict[int, int]:
            if not wanted:
                return {}
            answer = self._admin.list_offsets(
                wanted, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=timeout_s
            )
            return {at.partition: future.result().offset for at, future in answer.items()}

        return _until(deadline, ask, f"topic {topic}")

    def _deleted(self, future: Future) -> None:
        error = future.exception()
        if error is None or self._refusal_logged:
            return
        self._refusal_logged = True
        reason = error.args[0].str() if isinstance(error, KafkaException) else error
        _log.warning(
            "old records of %s are not deleted, the topic will grow: %s", self._state, reason
        )


def _committed(at: At) -> Committed:
    return Committed(at.offset, at.metadata or "")


def _until(deadline: float, ask: Callable[[float], Answer], subject: str) -> Answer:
    """Ask until Kafka answers or the time is up; a refusal ends it at once."""
    while True:
        left_s = deadline - time.monotonic()
        try:
            return ask(max(left_s, _REQUEST_S))
        except KafkaException as error:
            if error.args[0].code() not in faults.TRANSIENT or left_s < _AGAIN_S:
                raise faults.fault(error.args[0], Call.OFFSETS, subject) from None
        time.sleep(_AGAIN_S)
