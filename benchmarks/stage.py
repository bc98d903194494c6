"""The Kafka that figures are taken on."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from consumer.embedded import EmbeddedKafka
from tests.harness import Cluster


def add_option(parser: argparse.ArgumentParser) -> None:
    """`--bootstrap-servers`, for all programs."""
    parser.add_argument("--bootstrap-servers", help="a Kafka to use; without it, one is started")


@contextmanager
def kafka(given: str | None) -> Iterator[Cluster]:
    """The given one, or an embedded one that is gone afterwards."""
    if given:
        yield Cluster(given)
    else:
        with EmbeddedKafka(on_progress=print) as embedded:
            yield Cluster(embedded.bootstrap_servers)
