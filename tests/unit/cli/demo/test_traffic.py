"""Traffic that does not come through, or is left; the whole of it is in integration."""

from __future__ import annotations

import pytest

from consumer.cli.demo.traffic import LEAVE_S, Traffic
from consumer.errors import SessionReportsError
from consumer.kafka.properties import ClientOptions
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
from tests.waiting import until

NOWHERE = ClientOptions(
    group="g",
    transactional_id="t",
    common={"bootstrap.servers": "127.0.0.1:1"},
    producer={"message.timeout.ms": "300"},
)


def checked(traffic: Traffic) -> bool:
    """False, unless the check raises."""
    traffic.check()
    return False


def test_records_that_kafka_does_not_take_are_an_error() -> None:
    """It is raised where the demo looks, with the topic and the reason."""
    with (
        Traffic(Plan(Options(requests=3, rate=0)), "callbacks", NOWHERE) as traffic,
        pytest.raises(SessionReportsError, match=r"topic callbacks: .* were not delivered"),
    ):
        until(lambda: checked(traffic), "it fails")

    assert not traffic.is_over


def test_traffic_that_is_left_ends() -> None:
    """In the middle of a long run, at once."""
    with Traffic(Plan(Options(requests=1_000, rate=10)), "callbacks", NOWHERE) as traffic:
        until(lambda: traffic.sent > 0, "something is sent")

    assert LEAVE_S > 1
    assert not traffic._thread.is_alive()
    assert not traffic.is_over
    traffic.check()
