"""Settings of the daemon that are tried one at a time, and what they are otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

import msgspec

from benchmarks.contenders.ours import Ours
from benchmarks.workloads import Workload
from consumer.daemon import client_options
from consumer.kafka import properties
from consumer.settings.catalogue import SETTINGS, property_of
from consumer.settings.effective import plain
from consumer.settings.load import load
from consumer.settings.model import Settings

DEFAULT = "default"
"""The daemon as it is; all others are measured by it."""
AGAIN = "default, again"
"""The same once more: how far it is from the first tells what a difference means."""
TRIED = (
    "kafka.consumer.fetch.queue.backoff.ms=1,20,1000",
    "kafka.consumer.queued.min.messages=10000,1000000",
    "kafka.consumer.queued.max.messages.kbytes=16384,262144",
    "kafka.consumer.fetch.min.bytes=100000,1000000",
    "kafka.consumer.max.partition.fetch.bytes=262144,4194304",
    "kafka.producer.compression.type=none,snappy,zstd",
    "kafka.producer.linger.ms=0,50",
    "kafka.producer.batch.size=100000",
    "kafka.producer.queue.buffering.max.kbytes=65536,2097152",
    "commit.interval=100ms,500ms",
)
"""Without `--try`: values on either side of ours, or of librdkafka's where we set none."""
_ANY_SIZE = 2**31 - 1
"""For what depends on topics, which do not matter here."""


class Alternative(msgspec.Struct, frozen=True):
    """One setting with another value."""

    setting: str
    value: str

    @property
    def name(self) -> str:
        """Of its contender, and what `--set` takes."""
        return f"{self.setting}={self.value}"

    @classmethod
    def of_name(cls, name: str) -> Self:
        """The inverse of `name`."""
        setting, _, value = name.partition("=")
        return cls(setting, value)


def read(text: str) -> list[Alternative]:
    """Those that `NAME=VALUE,VALUE` stands for.

    Raises:
        ConfigError: The daemon would refuse one of them. What only librdkafka can tell is not
            found here.
    """
    setting, _, values = text.partition("=")
    alternatives = [Alternative(setting, value) for value in values.split(",")]
    for one in alternatives:
        load(None, [one.name], {})
    return alternatives


def contenders(alternatives: Sequence[Alternative]) -> list[Ours]:
    """Each as a contender, and two with the defaults: in front, and where it is farthest away."""
    tried = [Ours(name=one.name, changed={one.setting: one.value}) for one in alternatives]
    half = len(tried) // 2
    return [Ours(name=DEFAULT), *tried[:half], Ours(name=AGAIN), *tried[half:]]


def otherwise(alternatives: Iterable[Alternative], mix: Workload) -> dict[str, str]:
    """By setting, its value in the runs with the defaults; "" where it is left to librdkafka."""
    settings = load(None, [f"{name}={value}" for name, value in mix.settings.items()], {})
    return {one.setting: _value(one.setting, settings) for one in alternatives}


def _value(name: str, settings: Settings) -> str:
    found = property_of(name)
    if name in SETTINGS or found is None:
        return str(plain(SETTINGS[name], SETTINGS[name].of(settings)))
    options = client_options(settings)
    source = properties.source(options)
    producer = properties.producer(options, message_max_bytes=_ANY_SIZE, batch_max_bytes=_ANY_SIZE)
    client, key = found
    by_client = {"consumer": source, "producer": producer, "common": {**source, **producer}}
    return by_client[client].get(key, "")
