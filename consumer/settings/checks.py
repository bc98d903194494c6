"""What is wrong with settings that are right one by one.

Each check looks at the whole and yields what does not go together. Nothing here asks a
broker: that is done at the start, with the same kind of message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from msgspec import Struct

from consumer.settings import librdkafka
from consumer.settings.catalogue import SETTINGS, effective_property
from consumer.settings.model import Settings

TOPICS = [f"topics.{key}" for key in ("callbacks", "reports", "metrics", "dead_letters", "state")]

_TOPIC_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_TRANSACTION_TIMEOUT_MS = (1_000, 2**31 - 1)


class Mismatch(Struct, frozen=True):
    """Settings that do not fit."""

    names: tuple[str, ...]
    """Of all that take part; the first is the one to blame."""
    message: str


def mismatches(settings: Settings) -> Iterator[Mismatch]:
    """Everything that does not fit together."""
    yield from _topics(settings)
    yield from _group(settings)
    yield from _transactions(settings)


def _topics(settings: Settings) -> Iterator[Mismatch]:
    topics = {name: str(SETTINGS[name].of(settings)) for name in TOPICS}
    for name, topic in topics.items():
        if not _TOPIC_NAME.fullmatch(topic) or topic in (".", ".."):
            message = f'"{topic}" is no name of a topic: 1 to 249 of a-z A-Z 0-9 . _ -'
            if name == "topics.state" and topic == f"{settings.app.id}.state":
                yield Mismatch(("app.id", name), f"as name of the state topic {message}")
            else:
                yield Mismatch((name,), message)
    for (one, topic), (other, same) in combinations(topics.items(), 2):
        # Kafka itself refuses a topic that differs from another in . and _ alone, as
        # both have the same name in its metrics.
        if topic.replace(".", "_") == same.replace(".", "_"):
            message = f'"{same}" is taken by {one} (. and _ count as the same); choose another'
            yield Mismatch((other, one), message)
    if settings.topics.replication_factor == 0:
        message = "given 0, expected 1 or more, or -1 for the broker's default"
        yield Mismatch(("topics.replication_factor",), message)


def _group(settings: Settings) -> Iterator[Mismatch]:
    protocol = effective_property(settings, "consumer", "group.protocol")
    if protocol and protocol[1] not in ("classic", "consumer"):
        yield Mismatch((protocol[0],), 'expected "classic" or "consumer"')
    if settings.kafka.group_protocol == "consumer":
        for name, reason in librdkafka.KIP_848_REFUSED.items():
            if found := effective_property(settings, "consumer", name):
                yield Mismatch((found[0],), reason)


def _transactions(settings: Settings) -> Iterator[Mismatch]:
    name, text = effective_property(settings, "producer", "transaction.timeout.ms") or ("", "")
    low, high = _TRANSACTION_TIMEOUT_MS
    if not low <= _number(text) <= high:
        yield Mismatch((name,), f"expected milliseconds from {low} to {high}")


def _number(text: str) -> int:
    """A property's number; -1 when it is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) else -1
