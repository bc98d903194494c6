"""What librdkafka may hold in memory for one member, by the properties of its clients.

A consumer with one queue for all partitions, as ours are, fetches no further while
`queued.max.messages.kbytes` wait in it. What is on its way then still comes: of each
partition no more than `max.partition.fetch.bytes`, or one batch that is larger by itself.
Both count records, not what the library needs besides, and fetches count as compressed.
A producer takes records up to `queue.buffering.max.kbytes` and lets us wait for room.
"""

from __future__ import annotations

from collections.abc import Mapping

from consumer.kafka import properties
from consumer.kafka.properties import ClientOptions

KIB = 1024
_QUEUED_KBYTES = 65_536
_PARTITION_FETCH_BYTES = 1_048_576
"""librdkafka's defaults, as its CONFIGURATION.md has them."""


def fetched_bytes(options: ClientOptions, partitions: int) -> int:
    """Fetched and not yet read: of the callbacks, and of the state log while it is restored.

    The properties are such that librdkafka takes them; `partitions` are those of the input.
    """
    clients = (properties.source(options), properties.state_reader(options))
    return sum(_of_consumer(config, partitions) for config in clients)


def _of_consumer(config: Mapping[str, str], partitions: int) -> int:
    queued = int(config.get("queued.max.messages.kbytes", _QUEUED_KBYTES)) * KIB
    names = ("max.partition.fetch.bytes", "fetch.message.max.bytes")  # two names of one property
    of_each = [int(config[name]) for name in names if name in config]
    return queued + partitions * max(of_each, default=_PARTITION_FETCH_BYTES)


def queued_bytes(options: ClientOptions) -> int:
    """Produced and not yet delivered."""
    config = properties.producer(options, message_max_bytes=0, batch_max_bytes=0)
    return int(config["queue.buffering.max.kbytes"]) * KIB
