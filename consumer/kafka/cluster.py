"""Asks a cluster about its topics and settings, and makes topics.

A thin, typed layer over the admin client: questions in, values out. `Topic` says what was
found under a name, which may be nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, says its manual
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from consumer.errors import ConfigError, UnreachableError
from consumer.kafka import properties

_REQUEST_S = 15.0
_UNLIMITED = 2**31 - 1
_ABSENT = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.UNKNOWN_TOPIC_ID)

_log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as Kafka shows it to us.

    No `partitions`: it does not exist, or (`refused`, with the reason) is hidden from us.
    `operations` are those that the ACL permits us, None where Kafka does not say;
    `config` is empty where the ACL hides it.
    """

    partitions: int = 0
    refused: str = ""
    operations: frozenset[str] | None = None
    config: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether it was found."""
        return self.partitions > 0

    @property
    def max_bytes(self) -> int:
        """`max.message.bytes`; Kafka's default where it is hidden from us."""
        return int(self.config.get("max.message.bytes", "1048588"))

    def permits(self, operation: str) -> bool:
        """Whether the ACL permits us an operation (`READ`, ...), as far as Kafka says."""
        return self.operations is None or operation in self.operations


class Cluster:
    """The cluster behind `bootstrap.servers`."""

    def __init__(self, options: properties.ClientOptions, connect_timeout_s: float) -> None:
        """Make the client.

        Raises:
            ConfigError: librdkafka does not take the properties.
        """
        self._servers = options.bootstrap_servers
        self._connect_timeout_s = connect_timeout_s
        self._last_error = ""
        self._connected = False
        config = {**properties.admin(options), "error_cb": self._remember}
        self._admin = properties.create(AdminClient, config)

    def connect(self) -> None:
        """Wait until a broker answers.

        Raises:
            UnreachableError: none did within `kafka.connect_timeout`.
        """
        if self._connected:
            return
        try:
            self._admin.describe_cluster(request_timeout=self._connect_timeout_s).result()
        except KafkaException as error:
            self._admin.poll(0)  # lets out what went wrong on the way
            reason = self._last_error or error.args[0].str()
            raise UnreachableError(
                f"Kafka at bootstrap.servers={self._servers} did not answer within "
                f"kafka.connect_timeout ({self._connect_timeout_s:g} s): {reason}"
            ) from None
        self._connected = True

    def describe(self, names: Sequence[str]) -> dict[str, Topic]:
        """What Kafka shows of each topic.

        Raises:
            UnreachableError: no answer in time.
        """
        unique = list(dict.fromkeys(names))
        answers = self._admin.describe_topics(
            TopicCollection(unique), request_timeout=_REQUEST_S, include_authorized_operations=True
        )
        found: dict[str, Topic] = {}
        for name, answer in answers.items():
            try:
                description = answer.result()
            except KafkaException as error:
                found[name] = self._hidden(error)
                continue
            operations = description.authorized_operations
            found[name] = Topic(
                partitions=len(description.partitions),
                operations=None if operations is None else frozenset(op.name for op in operations),
            )
        configs = self._configs(ResourceType.TOPIC, [n for n in unique if found[n].exists])
        return {
            name: dataclasses.replace(topic, config=configs.get(name, {}))
            for name, topic in found.items()
        }

    def broker_setting(self, name: str) -> str | None:
        """A setting of a broker, None where the ACL hides it."""
        description = self._admin.describe_cluster(request_timeout=_REQUEST_S).result()
        broker = str(description.nodes[0].id)
        return self._configs(ResourceType.BROKER, [broker]).get(broker, {}).get(name)

    def create(self, wanted: Sequence[NewTopic]) -> None:
        """Make topics; one that has come into being meanwhile is as good.

        Raises:
            ConfigError: Kafka refuses, with its reason.
        """
        if not wanted:
            return
        answers = self._admin.create_topics(list(wanted), request_timeout=_REQUEST_S)
        for name, answer in answers.items():
            try:
                answer.result()
            except KafkaException as error:
                reason: KafkaError = error.args[0]
                if reason.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise ConfigError(
                        f"Kafka does not let us create topic {name}: {reason.str()}"
                    ) from None

    def _configs(self, kind: ResourceType, names: Sequence[str]) -> dict[str, dict[str, str]]:
        if not names:
            return {}
        wanted = [ConfigResource(kind, name) for name in names]
        found: dict[str, dict[str, str]] = {}
        for resource, answer in self._admin.describe_configs(
            wanted, request_timeout=_REQUEST_S
        ).items():
            try:
                entries = answer.result().values()
            except KafkaException as error:
                reason = error.args[0].str()
                _log.warning("topic_not_checked", topic=resource.name, reason=reason)
                continue
            found[resource.name] = {entry.name: entry.value for entry in entries}
        return found

    def _hidden(self, error: KafkaException) -> Topic:
        reason: KafkaError = error.args[0]
        if reason.code() in _ABSENT:
            return Topic()
        if reason.code() in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT):  # noqa: SLF001
            raise UnreachableError(
                f"Kafka at bootstrap.servers={self._servers} stopped answering: {reason.str()}"
            )
        return Topic(refused=reason.str())

    def _remember(self, error: KafkaError) -> None:
        self._last_error = error.str()
