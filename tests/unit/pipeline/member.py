"""The real clients of a member, a clock that is moved by hand, and partitions at work."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from consumer.kafka.offsets import Offsets
from consumer.kafka.properties import ClientOptions
from consumer.kafka.records import Record
from consumer.kafka.source import Batch
from consumer.pipeline.partition import Running
from consumer.pipeline.policy import PipelinePolicy
from tests.unit.aggregation.feed import POLICY as AGGREGATION
from tests.unit.aggregation.feed import TOPIC, WALL_MS

NOWHERE = "127.0.0.1:1"
"""A Kafka that does not answer."""

POLICY = PipelinePolicy(
    aggregation=AGGREGATION,
    callbacks=TOPIC,
    reports="reports",
    metrics="metrics",
    dead_letters="dead-letters",
    state="state",
    idle_s=5.0,
    gauges_s=10.0,
    summary_s=60.0,
    max_reports=3,
    request_s=0.1,
)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def wall_ms(self) -> int:
        """What the daemon's clock would say."""
        return WALL_MS + round(self.passed_s * 1000)

    def monotonic_s(self) -> float:
        """A time of its own."""
        return 100.0 + self.passed_s


def options(bootstrap_servers: str = NOWHERE, group: str = "app") -> ClientOptions:
    """What its clients are made with."""
    return ClientOptions(
        group=group,
        transactional_id=f"{group}-member",
        common={"bootstrap.servers": bootstrap_servers},
    )


def offsets(bootstrap_servers: str = NOWHERE, topic: str = TOPIC) -> Offsets:
    """Who asks Kafka for ends."""
    return Offsets(options(bootstrap_servers), input_topic=topic, state_topic="state")


def batch(
    *values: bytes | None,
    partition: int = 0,
    offset: int = 0,
    at: int = WALL_MS,
    messages: Sequence[Record] = (),
    key: bytes | None = None,
) -> Batch:
    """Records from `offset` on, all with one key and one timestamp."""
    return Batch(
        partition=partition,
        offsets=range(offset, offset + len(values)),
        timestamps=[at] * len(values),
        keys=[key] * len(values),
        values=values,
        messages=messages,
    )


def running(number: int = 0, *values: bytes, now_s: float = 100.0, at: int = WALL_MS) -> Running:
    """A partition that has applied these records from its beginning."""
    found = Running.fresh(
        number, AGGREGATION, incarnation="life", start=0, offset=0, now_s=now_s, unnamed=False
    )
    for offset, value in zip(itertools.count(), values, strict=False):
        found.aggregator.apply(batch(value, offset=offset, at=at), 0, max(at, WALL_MS), 1_000)
        found.position = offset + 1
    return found
