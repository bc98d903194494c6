"""From settings to the configurations of our librdkafka clients.

Each client gets, in this order: defaults that speed asks for, what the user wrote for all
clients (`[kafka]`), what the user wrote for this kind of client, and last the properties
that correctness owns. The settings refuse those with the reason, so what is overwritten
here was never the user's wish; time-outs and addresses have their defaults there too.

Names and values of librdkafka are not checked against a list of ours, which would age:
the library refuses what it does not know when a client is made, and `create` turns that
into a `ConfigError` that carries the name.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import confluent_kafka
from confluent_kafka import KafkaException

from consumer.errors import ConfigError
from consumer.kafka import client_log

Client = TypeVar("Client")

_NO_NEW_TOPICS: Mapping[str, str] = {"allow.auto.create.topics": "false"}
_SOURCE: Mapping[str, str] = {
    # With the default of a second a full queue stops the fetching for that long.
    "fetch.queue.backoff.ms": "5",
    # How long a partition that has just been started waits behind a fetch that found
    # nothing, and how late the end of a partition is noticed.
    "fetch.wait.max.ms": "100",
}
_RESTORE: Mapping[str, str] = {
    "fetch.queue.backoff.ms": "5",
    "fetch.wait.max.ms": "20",  # each further partition waits for it, and so does each end
}
_PRODUCER: Mapping[str, str] = {
    "compression.type": "lz4",
    "linger.ms": "5",
    # A topic that is gone is to be named before a flush runs out of time.
    "topic.metadata.propagation.max.ms": "5000",
    # A transaction is produced whole before it is flushed, so the queue must hold it.
    "queue.buffering.max.messages": "1000000",
    "queue.buffering.max.kbytes": "1048576",
}
_READS_COMMITTED: Mapping[str, str] = {
    "isolation.level": "read_committed",
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    "auto.offset.reset": "error",
    "enable.partition.eof": "true",
    **_NO_NEW_TOPICS,
}

_DEBUG_GROUP: Mapping[str, str] = {"debug": "cgrp"}
_DEBUG_TRANSACTIONS: Mapping[str, str] = {"debug": "eos"}
"""What librdkafka tells of a member's life at `log.level=debug`, unless `debug` is given."""

_OF_A_GROUP = ("group.protocol", "group.remote.assignor", "session.timeout.ms")
"""What a consumer that never joins has no use for."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """What the settings say about all clients of one member.

    `common`, `consumer` and `producer` are librdkafka properties as they stand in
    `[kafka]`, `[kafka.consumer]` and `[kafka.producer]`. `instance` is set for a static
    member only. With `debug` the clients tell what they do, in their log.
    """

    group: str
    transactional_id: str
    instance: str | None = None
    debug: bool = False
    common: Mapping[str, str] = dataclasses.field(default_factory=dict)
    consumer: Mapping[str, str] = dataclasses.field(default_factory=dict)
    producer: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def bootstrap_servers(self) -> str:
        """`bootstrap.servers`, to be named in errors."""
        return self.common.get("bootstrap.servers", "")

    @property
    def transaction_timeout_ms(self) -> int:
        """For how long a transaction may be open at most; 60,000 is librdkafka's default."""
        return int({**self.common, **self.producer}.get("transaction.timeout.ms", "60000"))


def source(options: ClientOptions) -> dict[str, str]:
    """The group member that reads the callbacks."""
    debug = _DEBUG_GROUP if options.debug else {}
    user = {**debug, **options.common, **options.consumer}
    own = {"group.id": options.group, **_READS_COMMITTED}
    if options.instance is not None:
        own["group.instance.id"] = options.instance
    if user.get("group.protocol", "classic") != "classic":
        # The broker owns assignor and heartbeat there (KIP-848); naming them is an error.
        return {**_SOURCE, **user, **own}
    own["partition.assignment.strategy"] = "cooperative-sticky"
    return {**_SOURCE, "heartbeat.interval.ms": _heartbeat_ms(user), **user, **own}


def _heartbeat_ms(user: Mapping[str, str]) -> str:
    """A second, or what the session time-out has room for three times.

    Members learn of a rebalance by the answer to a heartbeat, and a cooperative one has two
    rounds: with the default of 3 s rebalances took four times as long.
    """
    session_ms = user.get("session.timeout.ms", "")
    return str(min(1000, int(session_ms) // 3)) if _is_number(session_ms) else "1000"


def _is_number(text: str) -> bool:
    """Whether a property is one that `int` can read; all others are librdkafka's to refuse."""
    return re.fullmatch(r"[0-9]{1,18}", text) is not None


def state_reader(options: ClientOptions) -> dict[str, str]:
    """A consumer that is assigned by hand; it bears the group's name but never joins."""
    user = {**options.common, **options.consumer}
    for name in _OF_A_GROUP:
        user.pop(name, None)
    own = {"group.id": options.group, **_READS_COMMITTED}
    return {**user, **_RESTORE, **own}


def producer(
    options: ClientOptions, *, message_max_bytes: int, batch_max_bytes: int
) -> dict[str, str]:
    """The transactional producer.

    `message_max_bytes` is the largest record that it may try to send, `batch_max_bytes`
    the smallest `max.message.bytes` of its topics: a broker measures whole batches, so a
    larger one would be refused although each of its records is small.
    """
    debug = _DEBUG_TRANSACTIONS if options.debug else {}
    user = {**_PRODUCER, **debug, **options.common, **options.producer}
    batch = user.get("batch.size", "1000000")
    if _is_number(batch):
        batch = str(min(int(batch), batch_max_bytes))
    own = {
        "transactional.id": options.transactional_id,
        "enable.idempotence": "true",
        "partitioner": "murmur2_random",
        **_NO_NEW_TOPICS,
        "message.max.bytes": str(message_max_bytes),
        "batch.size": batch,
    }
    return {**user, **own}


def simulator(options: ClientOptions) -> dict[str, str]:
    """A plain producer that plays ThingSpace; keys are placed as a Java client would."""
    user = {**options.common, **options.producer}
    user.pop("transaction.timeout.ms", None)
    return {**user, "partitioner": "murmur2_random", "linger.ms": "20"}


def onlooker(options: ClientOptions) -> dict[str, str]:
    """A consumer outside of the group that sees what anyone downstream would see."""
    user = {**options.common, **options.consumer}
    for name in _OF_A_GROUP:
        user.pop(name, None)
    return {**user, "group.id": f"{options.group}-onlooker", **_READS_COMMITTED}


def topic_reader(options: ClientOptions) -> dict[str, str]:
    """The same, to read topics whole: it must not wait at the end of each partition."""
    return {**onlooker(options), **_RESTORE, "queued.max.messages.kbytes": "16384"}


def admin(options: ClientOptions) -> dict[str, str]:
    """The client that asks the cluster about topics and offsets."""
    return {**options.common, **_NO_NEW_TOPICS}


def create(client: Callable[[dict[str, Any]], Client], config: Mapping[str, Any]) -> Client:
    """Make a client whose log goes to the `librdkafka` logger.

    Raises:
        ConfigError: librdkafka knows no such property, or not such a value of it.
    """
    try:
        return client({**config, "logger": client_log.logger()})
    except KafkaException as error:
        said = " ".join(error.args[0].str().split())  # it may end with a line end
        raise ConfigError(f"[kafka] does not fit librdkafka: {said}") from None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"[kafka] does not fit librdkafka: {error}") from None


def versions() -> tuple[str, str]:
    """Of confluent-kafka and of the librdkafka in it."""
    return str(confluent_kafka.__version__), confluent_kafka.libversion()[0]
