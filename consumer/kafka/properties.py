"""From settings to the configurations of our librdkafka clients.

Each client gets, in this order: our defaults, what the user wrote for all clients
(`[kafka]`), what the user wrote for this kind of client, and last the few properties that
correctness owns. `OWNED` says why a user cannot have those; the settings refuse them with
that reason, so what is overwritten here was never the user's wish.

Names and values of librdkafka are not checked against a list of ours, which would age:
the library refuses what it does not know when a client is made, and `create` turns that
into a `ConfigError` that carries the name.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaException, Producer

from consumer.errors import ConfigError

Client = TypeVar("Client")

_log = logging.getLogger("librdkafka")

OWNED: Mapping[str, str] = {
    "isolation.level": "only committed records are read: exactly once is the only mode",
    "enable.auto.commit": "offsets are committed in the transaction",
    "enable.auto.offset.store": "offsets are committed in the transaction",
    "auto.offset.reset": "an offset that is gone must stop the daemon; see app.start_at",
    "enable.partition.eof": "the clock of an idle partition needs to know its end",
    "partition.assignment.strategy": "rebalances are handled as cooperative-sticky makes them",
    "group.id": "it is app.id",
    "group.instance.id": "it is app.instance, with app.static = true",
    "transactional.id": "it is made of app.id and app.instance",
    "enable.idempotence": "transactions need it",
    "acks": "transactions need all",
    "request.required.acks": "transactions need all",
    "partitioner": "records are placed as a Java client would place them",
    "message.max.bytes": "it follows from max.message.bytes of the topics",
    "delivery.report.only.error": "every delivery is counted before a commit",
    "allow.auto.create.topics": "session-reports topics create makes the topics",
}
"""Property -> why no setting may change it."""

_COMMON: Mapping[str, str] = {
    "bootstrap.servers": "localhost:9092",
    "allow.auto.create.topics": "false",
}
_CLASSIC_GROUP: Mapping[str, str] = {"session.timeout.ms": "10000"}
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
    "transaction.timeout.ms": "10000",
    "compression.type": "lz4",
    "linger.ms": "5",
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
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """What the settings say about all clients of one member.

    `common`, `consumer` and `producer` are librdkafka properties as the user wrote them
    in `[kafka]`, `[kafka.consumer]` and `[kafka.producer]`. `instance` is set for a
    static member only.
    """

    group: str
    transactional_id: str
    instance: str | None = None
    common: Mapping[str, str] = dataclasses.field(default_factory=dict)
    consumer: Mapping[str, str] = dataclasses.field(default_factory=dict)
    producer: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def bootstrap_servers(self) -> str:
        """`bootstrap.servers` in effect."""
        return {**_COMMON, **self.common}["bootstrap.servers"]

    @property
    def transaction_timeout_ms(self) -> int:
        """`transaction.timeout.ms` in effect: what may be open for so long at most."""
        name = "transaction.timeout.ms"
        value = {**_PRODUCER, **self.common, **self.producer}[name]
        try:
            return int(value)
        except ValueError:
            raise ConfigError(f"kafka.producer.{name} is no number: {value!r}") from None


def source(options: ClientOptions) -> dict[str, str]:
    """The group member that reads the callbacks."""
    user = {**options.common, **options.consumer}
    own = {"group.id": options.group, **_READS_COMMITTED}
    if options.instance is not None:
        own["group.instance.id"] = options.instance
    if user.get("group.protocol", "classic") == "consumer":
        # The broker owns session time-out and assignor; naming them is an error there.
        return {**_COMMON, **_SOURCE, **user, **own}
    own["partition.assignment.strategy"] = "cooperative-sticky"
    return {**_COMMON, **_CLASSIC_GROUP, **_SOURCE, **user, **own}


def state_reader(options: ClientOptions) -> dict[str, str]:
    """A consumer that is assigned by hand; it bears the group's name but never joins."""
    user = {**options.common, **options.consumer}
    for name in ("group.protocol", "group.remote.assignor", "session.timeout.ms"):
        user.pop(name, None)
    own = {"group.id": options.group, **_READS_COMMITTED}
    return {**_COMMON, **user, **_RESTORE, **own}


def producer(
    options: ClientOptions, *, message_max_bytes: int, batch_max_bytes: int
) -> dict[str, str]:
    """The transactional producer.

    `message_max_bytes` is the largest record that it may try to send, `batch_max_bytes`
    the smallest `max.message.bytes` of its topics: a broker measures whole batches, so a
    larger one would be refused although each of its records is small.
    """
    user = {**_COMMON, **_PRODUCER, **options.common, **options.producer}
    batch = min(int(user.get("batch.size", "1000000")), batch_max_bytes)
    own = {
        "transactional.id": options.transactional_id,
        "enable.idempotence": "true",
        "partitioner": "murmur2_random",
        "message.max.bytes": str(message_max_bytes),
        "batch.size": str(batch),
    }
    return {**user, **own}


def liberator(options: ClientOptions, transactional_id: str) -> dict[str, str]:
    """A producer that lives only to take over the id of a dead member."""
    user = {**_COMMON, **_PRODUCER, **options.common, **options.producer}
    return {**user, "transactional.id": transactional_id, "enable.idempotence": "true"}


def admin(options: ClientOptions) -> dict[str, str]:
    """The client that asks the cluster about topics and offsets."""
    return {**_COMMON, **options.common}


def create(client: Callable[[dict[str, Any]], Client], config: Mapping[str, Any]) -> Client:
    """Make a client whose log goes to the `librdkafka` logger.

    Raises:
        ConfigError: librdkafka knows no such property, or not such a value of it.
    """
    try:
        return client({**config, "logger": _log})
    except KafkaException as error:
        raise ConfigError(f"[kafka] does not fit librdkafka: {error.args[0].str()}") from None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"[kafka] does not fit librdkafka: {error}") from None


def validate(options: ClientOptions) -> None:
    """Let librdkafka judge every property, without asking any broker.

    Raises:
        ConfigError: it knows no such property, or not such a value of it.
    """
    offline = {"bootstrap.servers": ""}
    create(Consumer, source(options) | offline)
    limits = {"message_max_bytes": 1_000_000, "batch_max_bytes": 1_000_000}
    create(Producer, producer(options, **limits) | offline)
