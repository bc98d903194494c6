"""What Kafka knows of the group: which member has which partition, and how far all are.

Asked from outside, so the answer is there while members are dead. A member that was killed
keeps its partitions in Kafka's eyes until its session ends. Members are told apart by
their `client.id`.
"""

from __future__ import annotations

import time
from typing import Self

from confluent_kafka import Consumer, ConsumerGroupState, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec import Struct, field

from consumer.errors import SessionReportsError
from consumer.kafka import properties
from consumer.kafka.properties import ClientOptions

ANSWER_S = 2.0
PATIENCE_S = 20.0
"""For so long Kafka may fail to answer: it may be electing, or loading."""


class Standing(Struct):
    """Of each input partition: its owner's `client.id`, the committed and the end offset."""

    owners: dict[int, str] = field(default_factory=dict)
    committed: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)

    def partitions_of(self, member: str) -> list[int]:
        """Those that a member has."""
        return sorted(number for number, owner in self.owners.items() if owner == member)

    def lag(self, partition: int) -> int:
        """Records that no committed transaction has read."""
        return max(self.ends.get(partition, 0) - self.committed.get(partition, 0), 0)


class Group:
    """One group and its input topic. A context manager, which frees the clients."""

    def __init__(self, options: ClientOptions, topic: str, partitions: int) -> None:
        self.standing = Standing()
        """As Kafka last told it. In the middle of a rebalance the owners stay as they were."""
        self._servers = options.bootstrap_servers
        self._group = options.group
        self._places = [TopicPartition(topic, number) for number in range(partitions)]
        # As a reader of committed records it would wait for transactions of the dead.
        reader = {**properties.state_reader(options), "isolation.level": "read_uncommitted"}
        self._consumer = properties.create(Consumer, reader)
        self._admin = properties.create(AdminClient, properties.admin(options))
        self._answered_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def look(self) -> None:
        """Ask once more. Raises `SessionReportsError` when Kafka has long not answered."""
        try:
            self._look()
        except KafkaException as error:
            if time.monotonic() - self._answered_s > PATIENCE_S:
                raise SessionReportsError(
                    f"Kafka at {self._servers} has not answered for {PATIENCE_S:g} s: "
                    f"{error.args[0].str()}"
                ) from None
        else:
            self._answered_s = time.monotonic()

    def _look(self) -> None:
        standing = self.standing
        for place in self._consumer.committed(self._places, ANSWER_S):
            if place.offset >= 0:
                standing.committed[place.partition] = place.offset
        for place in self._places:
            _, end = self._consumer.get_watermark_offsets(place, ANSWER_S)
            standing.ends[place.partition] = end
        answers = self._admin.describe_consumer_groups([self._group], request_timeout=ANSWER_S)
        found = answers[self._group].result()
        if found.state == ConsumerGroupState.STABLE:
            standing.owners = {
                place.partition: member.client_id
                for member in found.members
                for place in member.assignment.topic_partitions
            }
