"""A daemon's telemetry with a clock that is moved by hand."""

from collections.abc import Callable

import pytest

from consumer.telemetry.build import Build
from consumer.telemetry.health import Health
from consumer.telemetry.metrics import Metrics

TOPIC = "thingspace.callbacks"
CAUSES = ("producer_fenced", "commit_timed_out")
BUILD = Build(version="1.2.3", python="3.11.7", librdkafka="2.16.0", confluent_kafka="2.16.1")


class Clock:
    """A monotonic and a wall clock that move together."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def monotonic_s(self) -> float:
        """What `time.monotonic` would say."""
        return 100.0 + self.passed_s

    def wall_s(self) -> float:
        """What `time.time` would say."""
        return 1_795_487_512.123 + self.passed_s  # 2026-11-24T02:31:52.123Z


@pytest.fixture
def clock() -> Clock:
    """The clock of `health`."""
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    """Stalled after 30 s."""
    return Health(30.0, clock.monotonic_s, clock.wall_s)


@pytest.fixture
def metrics(health: Health) -> Metrics:
    """Nothing has happened yet."""
    return Metrics(health, TOPIC, CAUSES, BUILD)


@pytest.fixture
def value(metrics: Metrics) -> Callable[..., float | None]:
    """Looks up a sample of ours by its name without prefix, and its labels."""

    def look_up(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"session_reports_{name}", labels)

    return look_up
