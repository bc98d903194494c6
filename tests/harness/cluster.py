"""The Kafka of a test: questions and deeds, as an operator would with Kafka's own tools."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, says its manual
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
)

from tests.waiting import until

_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_REQUEST_S = 20.0
_NOBODY = "User:ANONYMOUS"  # whom a client without credentials is taken for
_AGAIN_S = 0.05
_QUIET: Mapping[str, Any] = {"log_level": 2}  # what goes wrong is raised
_WAITS = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    # A machine that stood still for a while: the broker has lost its controller.
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError._NOENT,  # no partition has a leader
)
_Answer = TypeVar("_Answer")
Offsets = Mapping[int, int]
"""By partition."""


class Sending(NamedTuple):
    """A record to be sent. `partition` -1 is the key's (murmur2), `timestamp_ms` 0 is now."""

    value: bytes | None
    key: bytes | None = None
    partition: int = -1
    timestamp_ms: int = 0
    headers: Sequence[tuple[str, bytes | None]] = ()


class Committed(NamedTuple):
    """What a group has committed for a partition."""

    offset: int
    metadata: str


class Cluster:
    """A Kafka by its bootstrap servers."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, **_QUIET})
        self._groups: dict[tuple[str, str], Consumer] = {}

    # Topics

    def create(self, topic: str, partitions: int = 1, **config: str) -> None:
        """Make a topic; `max_message_bytes="1000"` is `max.message.bytes`."""
        named = {name.replace("_", "."): value for name, value in config.items()}
        new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=named)
        _all(self._admin.create_topics([new], request_timeout=_REQUEST_S))

    def delete(self, topic: str) -> None:
        """Delete a topic."""
        _all(self._admin.delete_topics([topic], request_timeout=_REQUEST_S))
        until(lambda: self.partitions(topic) == 0, f"the end of {topic}")

    def topics(self, part: str) -> list[str]:
        """Names that have `part` in them: an application's own topics bear its name somewhere."""
        return [name for name in self._admin.list_topics(timeout=_REQUEST_S).topics if part in name]

    def add_partitions(self, topic: str, count: int) -> None:
        """Give a topic `count` partitions in all."""
        _all(
            self._admin.create_partitions([NewPartitions(topic, count)], request_timeout=_REQUEST_S)
        )
        until(lambda: self.partitions(topic) == count, f"{count} partitions of {topic}")

    def configure(self, topic: str, name: str, value: str) -> None:
        """Change a setting of a topic."""
        self._configure(ResourceType.TOPIC, topic, {name: value})

    def setting(self, topic: str, name: str) -> str:
        """A setting of a topic as it is in force."""
        resource = ConfigResource(ResourceType.TOPIC, topic)
        answer = self._admin.describe_configs([resource], request_timeout=_REQUEST_S)
        return str(answer[resource].result()[name].value)

    def partitions(self, topic: str) -> int:
        """How many a topic has; 0 when there is none of that name."""
        found = self._admin.list_topics(timeout=_REQUEST_S).topics.get(topic)
        return 0 if found is None else len(found.partitions)

    # Offsets of records

    def starts(self, topic: str) -> Offsets:
        """First offsets that are still there."""
        return self._offsets(topic, _EARLIEST, IsolationLevel.READ_UNCOMMITTED)

    def ends(self, topic: str) -> Offsets:
        """End offsets, open transactions included."""
        return self._offsets(topic, _LATEST, IsolationLevel.READ_UNCOMMITTED)

    def stable_ends(self, topic: str) -> Offsets:
        """End offsets up to the first open transaction (last stable offsets)."""
        return self._offsets(topic, _LATEST, IsolationLevel.READ_COMMITTED)

    def delete_records(self, topic: str, before: Offsets) -> None:
        """Delete all records below these offsets."""
        wanted = [TopicPartition(topic, number, offset) for number, offset in before.items()]
        _all(self._admin.delete_records(wanted, request_timeout=_REQUEST_S))

    def forbid(self, topic: str, operation: AclOperation) -> None:
        """Let nobody do this to a topic; all else is allowed."""

        def rule(what: AclOperation, how: AclPermissionType) -> AclBinding:
            pattern = ResourcePatternType.LITERAL
            return AclBinding(ResourceType.TOPIC, topic, pattern, _NOBODY, "*", what, how)

        rules = [
            rule(AclOperation.ALL, AclPermissionType.ALLOW),
            rule(operation, AclPermissionType.DENY),
        ]
        _all(self._admin.create_acls(rules, request_timeout=_REQUEST_S))

    # Groups

    def committed(
        self, group: str, topic: str, *, stable: bool = True, timeout_s: float = _REQUEST_S
    ) -> dict[int, Committed]:
        """A group's committed offsets of a topic.

        `stable` waits for transactions that hold newer ones; raises KafkaException (_TIMED_OUT)
        when they take too long. Asked through consumers that never join, for the admin
        client of librdkafka 2.16.1 crashes when a coordinator has just moved.
        """
        isolation = "read_committed" if stable else "read_uncommitted"
        if (group, isolation) not in self._groups:
            self._groups[group, isolation] = Consumer(
                {
                    "bootstrap.servers": self.bootstrap_servers,
                    "group.id": group,
                    "isolation.level": isolation,
                    **_QUIET,
                }
            )
        wanted = [TopicPartition(topic, number) for number in range(self.partitions(topic))]
        found = patiently(lambda: self._groups[group, isolation].committed(wanted, timeout_s))
        for at in found:
            assert at.error is None, at.error
        return {
            at.partition: Committed(at.offset, at.metadata or "") for at in found if at.offset >= 0
        }

    def reset_offsets(self, group: str, topic: str, offsets: Offsets) -> None:
        """Set a group's offsets, as `kafka-consumer-groups --reset-offsets` does: no metadata."""
        wanted = [TopicPartition(topic, number, offset) for number, offset in offsets.items()]
        asked = ConsumerGroupTopicPartitions(group, wanted)
        _all(self._admin.alter_consumer_group_offsets([asked], request_timeout=_REQUEST_S))

    def configure_group(self, group: str, settings: Mapping[str, str]) -> None:
        """Change, all at once, settings that Kafka keeps for a group of the new protocol."""
        self._configure(ResourceType.GROUP, group, settings)

    def delete_group(self, group: str) -> None:
        """Delete a group with no members, its offsets with it: as if they had expired."""
        _all(self._admin.delete_consumer_groups([group], request_timeout=_REQUEST_S))

    def members(self, group: str) -> int:
        """How many members a group has."""

        def ask() -> int:
            answer = self._admin.describe_consumer_groups([group], request_timeout=_REQUEST_S)
            return len(answer[group].result().members)

        return patiently(ask)

    # Records

    def send(self, topic: str, sendings: Iterable[Sending], **config: str) -> int:
        """Send records in order and wait until Kafka has them; how many there were."""
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "partitioner": "murmur2_random",
                "max.in.flight.requests.per.connection": 1,  # keeps the order
                "linger.ms": 2,
                "message.max.bytes": 10_000_000,
                **_QUIET,
                **{name.replace("_", "."): value for name, value in config.items()},
            }
        )
        count = queue(producer, topic, sendings)
        assert producer.flush(_REQUEST_S) == 0
        return count

    def _configure(self, kind: ResourceType, name: str, settings: Mapping[str, str]) -> None:
        entries = [
            ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
            for setting, value in settings.items()
        ]
        resource = ConfigResource(kind, name, incremental_configs=entries)
        _all(self._admin.incremental_alter_configs([resource], request_timeout=_REQUEST_S))

    def _offsets(self, topic: str, spec: Any, isolation: IsolationLevel) -> Offsets:
        wanted = {TopicPartition(topic, number): spec for number in range(self.partitions(topic))}

        def ask() -> Offsets:
            answer = self._admin.list_offsets(
                wanted, isolation_level=isolation, request_timeout=_REQUEST_S
            )
            return {at.partition: found.result().offset for at, found in answer.items()}

        return patiently(ask)


def queue(producer: Producer, topic: str, sendings: Iterable[Sending]) -> int:
    """Hand records to a producer; a delivery that fails raises from its next poll or flush."""
    count = 0
    for sending in sendings:
        producer.produce(
            topic,
            sending.value,
            sending.key,
            sending.partition,
            _delivered,
            None,
            sending.timestamp_ms,
            list(sending.headers),
        )
        producer.poll(0)
        count += 1
    return count


def _delivered(error: KafkaError | None, _: Message) -> None:
    assert error is None, error


def patiently(ask: Callable[[], _Answer]) -> _Answer:
    """Ask; again, while who could answer is still coming up or moving."""
    deadline = time.monotonic() + _REQUEST_S
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in _WAITS or time.monotonic() > deadline:
                raise
        time.sleep(_AGAIN_S)


def _all(answers: Mapping[Any, Any]) -> None:
    for answer in answers.values():
        answer.result()
