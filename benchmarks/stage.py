"""The Kafka that figures are taken on, and the topics of one run."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.job import Job
from consumer.embedded import EmbeddedKafka
from tests.harness import Cluster

PARTITIONS = 4
"""Of every topic."""


def add_option(parser: argparse.ArgumentParser) -> None:
    """`--bootstrap-servers`, for all programs."""
    parser.add_argument("--bootstrap-servers", help="a Kafka to use; without it, one is started")


def is_whole(parser: argparse.ArgumentParser, given: argparse.Namespace, *apart: str) -> bool:
    """Whether a program does all that it does by default, or more; on any Kafka.

    Options named `apart` do not count.
    """
    return all(
        _is_enough(value, parser.get_default(name))
        for name, value in vars(given).items()
        if name not in {"bootstrap_servers", *apart}
    )


def _is_enough(value: object, default: object) -> bool:
    both = isinstance(value, int | float) and isinstance(default, int | float)
    return value >= default if both else value == default  # type: ignore[operator]


@contextmanager
def kafka(given: str | None) -> Iterator[Cluster]:
    """The given one, or an embedded one that is gone afterwards."""
    if given:
        yield Cluster(given)
    else:
        with EmbeddedKafka(on_progress=print) as embedded:
            yield Cluster(embedded.bootstrap_servers)


@contextmanager
def topics(cluster: Cluster, job: Job) -> Iterator[None]:
    """Those of a job, gone afterwards with whatever was made beside them."""
    for topic in (job.callbacks, job.reports, job.metrics):
        cluster.create(topic, PARTITIONS)
    cluster.create(job.dead_letters, PARTITIONS, max_message_bytes="1200000")
    try:
        yield
    finally:
        for topic in cluster.topics(job.name):
            cluster.delete(topic)
