"""Fixtures that every room's tests share: a Kafka, and names that no other test uses."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator

import pytest
import structlog

from consumer.embedded import EmbeddedKafka
from tests import broker
from tests.harness.stage import Stage

# A shell that starts us in the background has us ignore Ctrl-C, and so would our children.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A command line sets up structlog for its process, which is ours: put back what was."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def bootstrap_servers() -> Iterator[str]:
    """The Kafka of this test run, shared by all tests: use names of your own in it."""
    with broker.kafka() as servers:
        yield servers


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topics, groups and transactional ids that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def own_kafka() -> Iterator[EmbeddedKafka]:
    """A Kafka of this test alone, to be stopped and started again at will."""
    with EmbeddedKafka() as kafka:
        yield kafka


@pytest.fixture
def stage(bootstrap_servers: str, topic_prefix: str) -> Iterator[Stage]:
    """An application of this test alone on the Kafka of this test run; see `tests.harness`."""
    with Stage(bootstrap_servers, topic_prefix) as stage:
        yield stage
