from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from consumer.aggregation.tallies import Tallies
from consumer.kafka.offsets import Offsets
from consumer.pipeline.partition import Event, Partition
from consumer.pipeline.reporting import Reporting
from consumer.telemetry.build import Build
from consumer.telemetry.health import Health
from consumer.telemetry.metrics import Metrics
from tests.harness import Cluster, Sending
from tests.unit.aggregation.feed import TOPIC, callback, usage
from tests.unit.pipeline.member import POLICY, Clock, offsets, running

OPEN = callback("t", usage("1"))
COMPLETE = callback("full", usage("1"), usage("2"), usage("3"))
BUILD = Build(version="1", python="3", librdkafka="2", confluent_kafka="2")
Gauge = Callable[..., float | None]


@pytest.fixture
def clock() -> Clock:
    """At the beginning."""
    return Clock()


@pytest.fixture
def health() -> Health:
    """What the world sees of readiness."""
    return Health(30.0)


@pytest.fixture
def metrics(health: Health) -> Metrics:
    """Nothing published yet."""
    return Metrics(health, TOPIC, (), BUILD)


@pytest.fixture
def gauge(metrics: Metrics) -> Gauge:
    """Looks a sample of ours up by its name and labels."""

    def look_up(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"session_reports_{name}", labels)

    return look_up


@pytest.fixture
def reporting(clock: Clock, metrics: Metrics) -> Reporting:
    """Of a member whose Kafka does not answer."""
    return Reporting(POLICY, offsets(), clock, metrics)


def partitions(*restored: bool) -> dict[int, Partition]:
    """Assigned partitions, some of them running already."""
    found = {number: Partition(number, 100.0) for number in range(len(restored))}
    for number, partition in found.items():
        if restored[number]:
            partition.move(Event.FRESH)
    return found


def test_a_member_is_ready_once_all_are_restored(reporting: Reporting, health: Health) -> None:
    """Each change is told at once, and only changes are."""
    assert reporting.tell_readiness(partitions(False, True))
    assert health.ready() == (False, "not ready: restoring 1 of 2 partitions")
    assert not reporting.tell_readiness(partitions(True, False))

    assert reporting.tell_readiness(partitions(True, True))
    assert health.ready() == (True, "ready: 2 partitions assigned and restored")


def test_gauges_show_what_is_held(reporting: Reporting, clock: Clock, gauge: Gauge) -> None:
    """Sums over all partitions, ages by the partition's own clock; Kafka need not answer."""
    clock.passed_s = 3.0
    reporting.step({}, {0: running(0, OPEN, COMPLETE), 1: running(1, OPEN)})

    assert gauge("open_txids") == 2
    assert gauge("remembered_txids") == 1
    assert (gauge("state_bytes") or 0) > 1_000
    assert gauge("oldest_open_seconds") == 3.0
    assert gauge("consumer_lag_records", topic=TOPIC, partition="0") is None


def test_gauges_of_a_standby_are_zero(reporting: Reporting, gauge: Gauge) -> None:
    """A member with nothing holds nothing."""
    reporting.step({}, {})

    assert [gauge(name) for name in ("open_txids", "state_bytes", "oldest_open_seconds")] == [0] * 3


def test_gauges_are_looked_at_now_and_then(
    reporting: Reporting, clock: Clock, gauge: Gauge
) -> None:
    """Counting costs: once in `gauges_s`, or when the assignment has changed."""
    reporting.step({}, {})
    reporting.step({}, {0: running(0, OPEN)})
    assert gauge("open_txids") == 0

    clock.passed_s = POLICY.gauges_s
    reporting.step({}, {0: running(0, OPEN)})
    assert gauge("open_txids") == 1

    reporting.step(partitions(True), {})
    assert gauge("open_txids") == 0


def test_a_summary_once_a_minute(reporting: Reporting, clock: Clock) -> None:
    """How many are open, and when the next one closes, by the partition's clock."""
    clock.passed_s = POLICY.summary_s
    at_ms = clock.wall_ms()
    with capture_logs() as lines:
        reporting.step({}, {0: running(0, OPEN, at=at_ms), 1: running(1)})
        reporting.step({}, {})

    (line,) = [line for line in lines if line["event"] == "summary"]
    assert (line["partitions"], line["open_txids"]) == (2, 1)
    assert line["next_closes_in_s"] == pytest.approx(0.1, abs=0.1)


def test_a_summary_of_nothing(reporting: Reporting, clock: Clock) -> None:
    """With nothing open, nothing closes."""
    clock.passed_s = POLICY.summary_s
    with capture_logs() as lines:
        reporting.step({}, {0: running(0, COMPLETE)})

    (line,) = lines
    assert (line["open_txids"], line["next_closes_in_s"]) == (0, None)
    assert (line["records"], line["records_per_s"], line["reports"]) == (0, 0, 0)
    assert line["lag_records"] is None  # Kafka does not answer


def tallies(callbacks: int, reports: int = 0) -> Tallies:
    """What a commit held."""
    return Tallies(callbacks=callbacks, reports={("complete", "device_limit"): reports})


def test_a_summary_tells_what_was_done_since_the_last(reporting: Reporting, clock: Clock) -> None:
    """What commits held, in all and by the second; then it starts over."""
    with capture_logs() as lines:
        reporting.committed(tallies(3_000, 200))
        reporting.committed(tallies(300, 100))
        clock.passed_s = POLICY.summary_s
        reporting.step({}, {})
        clock.passed_s += POLICY.summary_s
        reporting.step({}, {})

    first, second = lines
    assert (first["records"], first["reports"]) == (3_300, 300)
    assert (first["seconds"], first["records_per_s"]) == (60.0, 55)
    assert (second["records"], second["reports"]) == (0, 0)


def test_the_first_commit_after_an_assignment_is_told(reporting: Reporting) -> None:
    """The first one with anything in it: not that which only says where a history begins."""
    with capture_logs() as lines:
        reporting.committed(tallies(1))
        reporting.assigned()
        reporting.committed(tallies(0))
        reporting.committed(tallies(12, 3))
        reporting.committed(tallies(9))
        reporting.assigned()
        reporting.committed(tallies(0, 1))

    told = [(line["event"], line["records"], line["reports"]) for line in lines]
    assert told == [("first_commit", 12, 3), ("first_commit", 0, 1)]


@pytest.mark.kafka
def test_lag_is_what_is_unread(
    clock: Clock, metrics: Metrics, gauge: Gauge, bootstrap_servers: str, topic_prefix: str
) -> None:
    """End offset minus position, of each running partition, and never below 0."""
    cluster = Cluster(bootstrap_servers)
    cluster.create(topic_prefix, partitions=2)
    cluster.send(topic_prefix, [Sending(OPEN, partition=0)] * 5)
    asked: Offsets = offsets(bootstrap_servers, topic_prefix)
    metrics.rebalanced("assigned", [0, 1])
    behind, ahead = running(0, OPEN, OPEN), running(1, OPEN)
    patient = structs.replace(POLICY, request_s=20.0)
    reporting = Reporting(patient, asked, clock, metrics)

    clock.passed_s = POLICY.summary_s
    with capture_logs() as lines:
        reporting.step({}, {0: behind, 1: ahead})

    (line,) = lines
    assert line["lag_records"] == 3
    assert gauge("consumer_lag_records", topic=TOPIC, partition="0") == 3
    assert gauge("consumer_lag_records", topic=TOPIC, partition="1") == 0
