"""Reads partitions of the state topic, by hand and outside of any group.

Positions come from two sources: the last record, and the ends of the partition, which
count what is no record (commit markers, records of aborted transactions). An end here is
where reading stands still, which under read_committed may lie before committed records
(KAFKA-10167); it is a position and no promise.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as At

from consumer.kafka import faults, properties
from consumer.kafka.faults import Call

_LEADERS_S = 0.5


class StateRecord(NamedTuple):
    """One record of the state log."""

    partition: int
    offset: int
    value: bytes


class StateReader:
    """A consumer of the state topic. Not to be shared between threads."""

    def __init__(self, options: properties.ClientOptions, topic: str) -> None:
        """Make the client.

        Raises:
            ConfigError: librdkafka does not take the properties.
        """
        self._topic = topic
        self._consumer = properties.create(Consumer, properties.state_reader(options))
        self._positions: dict[int, int] = {}

    def start(self, partition: int, offset: int) -> None:
        """Read a partition from `offset` (0 or more) on."""
        if offset < 0:
            raise ValueError(f"partition {partition} cannot start at offset {offset}")
        self.stop(partition)
        if not self._positions:
            self._meet_leaders()
        self._positions[partition] = offset
        try:
            self._consumer.incremental_assign([At(self._topic, partition, offset)])
        except KafkaException as failure:
            raise faults.fault(failure.args[0], Call.RESTORE, self._name(partition)) from None

    def stop(self, partition: int) -> None:
        """Read no more of a partition, if it is read at all."""
        if self._positions.pop(partition, None) is None:
            return
        try:
            self._consumer.incremental_unassign([At(self._topic, partition)])
        except KafkaException as failure:
            raise faults.fault(failure.args[0], Call.RESTORE, self._name(partition)) from None

    def poll(self, max_records: int, timeout_s: float) -> Sequence[StateRecord]:
        """At most `max_records` records of started partitions, each one's in order.

        Raises:
            Fault: `state_damaged` where the log does not reach back to the start offset.
        """
        try:
            messages = self._consumer.consume(max_records, timeout_s)
        except KafkaException as failure:
            raise faults.fault(failure.args[0], Call.RESTORE, f"topic {self._topic}") from None
        records: list[StateRecord] = []
        for message in messages:
            error, partition, offset = message.error(), message.partition(), message.offset()
            if error is not None and error.code() in faults.TRANSIENT:
                continue
            if error is not None and error.code() != faults.END_OF_PARTITION:
                subject = f"{self._name(partition)}@{offset}"
                raise faults.fault(error, Call.RESTORE, subject)
            if partition is None or offset is None or partition not in self._positions:
                continue
            if error is None:
                records.append(StateRecord(partition, offset, message.value() or b""))
                offset += 1
            self._positions[partition] = offset
        return records

    def position(self, partition: int) -> int:
        """The offset that a started partition is read from next."""
        return self._positions[partition]

    def close(self) -> None:
        """Free the client."""
        self._consumer.close()

    def _meet_leaders(self) -> None:
        """Let the client learn who leads the partitions.

        Of a topic that is new to it it finds out when it happens to connect, or else once a
        second. Measured: a restore takes 0.1 s in place of 1.
        """
        with contextlib.suppress(KafkaException):  # it goes on asking by itself
            self._consumer.list_topics(self._topic, _LEADERS_S)

    def _name(self, partition: int | None) -> str:
        return f"{self._topic}[{partition}]"
