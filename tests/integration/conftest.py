"""Fixtures of the tests that run the daemon against a Kafka which they stop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from consumer.embedded import EmbeddedKafka


@pytest.fixture(scope="package")
def second_kafka() -> Iterator[EmbeddedKafka]:
    """Besides the one that all tests share; they must not notice."""
    with EmbeddedKafka() as kafka:
        yield kafka


@pytest.fixture
def stoppable(second_kafka: EmbeddedKafka) -> EmbeddedKafka:
    """A Kafka that may be stopped and left so. It runs, whatever the test before has done."""
    second_kafka.start_broker()
    return second_kafka
