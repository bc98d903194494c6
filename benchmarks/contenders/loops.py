"""What the hand-written loops in Python have in common: how they start, and when they commit.

A loop of this kind is its own program: `python -m benchmarks.contenders.NAME JOB`.
"""

from __future__ import annotations

import sys

import msgspec
from confluent_kafka import Consumer

from benchmarks.job import Job


class Loop(msgspec.Struct, frozen=True):
    """A contender that is a module of this package."""

    name: str
    module: str
    reports: bool = True
    guarantee: str = "none"

    def missing(self) -> str | None:
        """Nothing: it needs what we need."""
        return None

    def command(self, job: Job) -> list[str]:
        """Its module as a program."""
        return [sys.executable, "-m", self.module, *job.arguments()]


class Progress:
    """Counts records, and commits where that costs a loop no time: in a pause, and at the end."""

    def __init__(self, consumer: Consumer, records: int) -> None:
        self._consumer = consumer
        self._records = records
        self._read = self._committed = 0

    def most(self, batch: int) -> int:
        """How many records to ask for: `consume` would wait for more than there will be."""
        left = self._records - self._read
        return min(batch, left) if left > 0 else batch

    def pauses(self, came: int) -> bool:
        """Count `came` records more; whether it is time to `commit`."""
        self._read += came
        return (not came or self._read == self._records) and self._read > self._committed

    def commit(self) -> None:
        """Commit what was read; reports must have been flushed."""
        self._consumer.commit(asynchronous=False)
        self._committed = self._read


def consumer_of(job: Job, **tuning: int) -> Consumer:
    """A member of the job's group; `fetch_queue_backoff_ms=5` is `fetch.queue.backoff.ms`."""
    consumer = Consumer(
        {
            "bootstrap.servers": job.servers,
            "group.id": job.name,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **{name.replace("_", "."): value for name, value in tuning.items()},
        }
    )
    consumer.subscribe([job.callbacks])
    return consumer
