"""What librdkafka may hold, by its properties."""

from __future__ import annotations

import dataclasses

from consumer.kafka.footprint import fetched_bytes, queued_bytes
from consumer.kafka.properties import ClientOptions

OPTIONS = ClientOptions(group="app", transactional_id="app-a")
MIB = 2**20


def test_the_library_s_defaults_hold_where_nothing_is_set() -> None:
    """64 MiB for each of two consumers, and 1 MiB on its way for each partition."""
    assert fetched_bytes(OPTIONS, 5) == 2 * (64 + 5) * MIB
    assert queued_bytes(OPTIONS) == 1024 * MIB


def test_the_users_word_counts() -> None:
    """In both tables, under both names of a property; the special table goes over the common."""
    options = dataclasses.replace(
        OPTIONS,
        common={"queued.max.messages.kbytes": "1024", "queue.buffering.max.kbytes": "1"},
        consumer={"fetch.message.max.bytes": "1000"},
        producer={"queue.buffering.max.kbytes": "2048"},
    )
    assert fetched_bytes(options, 3) == 2 * (MIB + 3_000)
    assert queued_bytes(options) == 2 * MIB
