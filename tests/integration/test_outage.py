"""Kafka goes away and comes back: the daemon waits, recovers, and nothing shows in the outputs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from consumer.embedded import EmbeddedKafka
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
from tests.harness import Stage
from tests.harness.records import OLD_MS, callback, simulated, tick, usage

pytestmark = pytest.mark.kafka


@pytest.fixture
def alone(stoppable: EmbeddedKafka, topic_prefix: str) -> Iterator[Stage]:
    """A stage on a Kafka that can be stopped."""
    with Stage(stoppable.bootstrap_servers, topic_prefix) as stage:
        yield stage


def test_an_outage_while_records_stream_in(stoppable: EmbeddedKafka, alone: Stage) -> None:
    """In the middle of traffic: what was not committed is done again, and only that."""
    alone.create(partitions=2, inactivity_ms=2_000, window_ms=5_000)
    alone.settings = {"completion.idle": "1h", "commit.max_reports": "50"}
    options = Options(requests=1_000, rate=500, silent=0.1, hostile=0.01, seed=6)
    alone.send(simulated(options, OLD_MS))
    alone.send(tick(partition, OLD_MS + 600_000) for partition in (0, 1))
    member = alone.member()
    member.until(lambda: sum(alone.committed().values()) > 0, "the first commits")
    stoppable.stop_broker()
    stoppable.start_broker()
    alone.await_exact(timeout_s=60)
    assert member.stop() == 0
    assert len(alone.txids()) == Plan(options).totals().reports


def test_an_outage_while_nothing_comes(stoppable: EmbeddedKafka, alone: Stage) -> None:
    """Open txids wait: their time has come meanwhile, but whether it may act nobody can say."""
    alone.create(partitions=2, inactivity_ms=1_000, window_ms=1_000)
    alone.settings = {
        "completion.idle": "100ms",
        "kafka.consumer.session.timeout.ms": "45000",  # it outlasts the outage
    }
    member = alone.member()
    member.await_ready(partitions=2)
    alone.send(callback(f"t{part}", usage("1"), partition=part) for part in (0, 1))
    alone.await_consumed()
    stoppable.stop_broker()
    stoppable.start_broker()
    alone.send([callback("t2", usage("1"))])
    alone.await_live(reports=3, timeout_s=60)
    assert member.exit_code is None
