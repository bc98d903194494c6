from __future__ import annotations

import dataclasses

import pytest
from structlog.testing import capture_logs

from consumer.pipeline.keys import KeySample
from consumer.telemetry.build import Build
from consumer.telemetry.health import Health
from consumer.telemetry.metrics import Metrics
from consumer.wire.placement import partition_for
from tests.unit.aggregation.feed import TOPIC
from tests.unit.pipeline.member import batch

PARTITIONS = 8
BUILD = Build(version="1", python="3", librdkafka="2", confluent_kafka="2")


@pytest.fixture
def metrics() -> Metrics:
    """Nothing published yet."""
    return Metrics(Health(30.0), TOPIC, (), BUILD)


@pytest.fixture
def sample(metrics: Metrics) -> KeySample:
    """Of a topic with so many partitions."""
    return KeySample(TOPIC, PARTITIONS, metrics)


def counted(metrics: Metrics) -> float | None:
    """The counter, as Prometheus reads it."""
    return metrics.registry.get_sample_value("session_reports_misplaced_keys_total")


def test_keys_in_their_place_are_not_counted(sample: KeySample, metrics: Metrics) -> None:
    """Nor are records without a key: nobody could have placed them."""
    for number in range(100):
        key = b"txid-%d" % number
        sample.look(batch(b"{}", partition=partition_for(key, PARTITIONS), key=key))
    sample.look(batch(b"{}", partition=3))
    assert counted(metrics) == 0


def test_a_misplaced_key_is_counted_and_explained_once(sample: KeySample, metrics: Metrics) -> None:
    """The line names topic and partitions, never the key."""
    key = b"txid-1"
    right = partition_for(key, PARTITIONS)
    wrong = (right + 1) % PARTITIONS
    with capture_logs() as lines:
        for _ in range(3):
            sample.look(batch(b"{}", b"{}", partition=wrong, key=key))
    assert counted(metrics) == 3
    (line,) = lines
    assert line["log_level"] == "warning"
    assert line["event"] == "key_misplaced"
    assert (line["topic"], line["partition"], line["expected"]) == (TOPIC, wrong, right)
    assert "txid-1" not in str(line)


def test_one_key_of_a_batch_is_enough(sample: KeySample, metrics: Metrics) -> None:
    """It is a sample: hashing every key would cost more than decoding its record."""
    key = b"txid-1"
    one = batch(b"{}", b"{}", partition=partition_for(key, PARTITIONS), key=key)
    keys = [b"%d" % number for number in range(100)]
    misplaced = next(key for key in keys if partition_for(key, PARTITIONS) != one.partition)
    sample.look(dataclasses.replace(one, keys=[key, misplaced]))
    assert counted(metrics) == 0
