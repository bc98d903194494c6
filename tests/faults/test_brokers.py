"""Kafka itself goes away, stands still, or refuses what it took before."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from consumer.embedded import EmbeddedKafka
from tests.faults.crew import PARTITIONS, TORN_DOWN, Crew
from tests.faults.load import Load, Requests
from tests.harness.stage import Stage
from tests.waiting import until

pytestmark = pytest.mark.kafka

REQUESTS = Requests(callbacks=12_000, txids=1_200, seed=17)
RATE = 600


@pytest.fixture
def crew(own_kafka: EmbeddedKafka, topic_prefix: str) -> Iterator[Crew]:
    """Two members to be, on a Kafka of their own."""
    with Stage(own_kafka.bootstrap_servers, topic_prefix) as stage:
        yield Crew(stage, REQUESTS)


def test_a_restart_of_the_broker_under_load(crew: Crew, own_kafka: EmbeddedKafka) -> None:
    """It goes down with transactions open, and comes back: all is read on, nothing twice."""
    crew.start_all()
    with Load(crew.stage, REQUESTS.sendings(), RATE) as load:
        until(lambda: load.sent > REQUESTS.callbacks // 10, "some load", 60)
        assert crew.evidence.await_open(range(PARTITIONS), 30)
        own_kafka.stop_broker()
        own_kafka.start_broker()
        committed = crew.stage.committed()
        until(
            lambda: all(
                offset > committed[number] for number, offset in crew.stage.committed().items()
            ),
            "commits after the restart",
            120,
        )
    crew.conclude()


def test_a_broker_that_stands_still(crew: Crew, own_kafka: EmbeddedKafka) -> None:
    """Members do not know how their commit ended, and never use that producer again.

    What they had sent may be committed after all, when the broker thaws.
    """
    crew.start_all()
    with Load(crew.stage, REQUESTS.sendings(), RATE) as load:
        until(lambda: load.sent > REQUESTS.callbacks // 10, "some load", 60)
        assert crew.evidence.await_open(range(PARTITIONS), 30)
        assert own_kafka.pid is not None
        os.kill(own_kafka.pid, signal.SIGSTOP)
        try:
            for member in crew.members.values():
                member.await_log(TORN_DOWN, timeout_s=90)
        finally:
            os.kill(own_kafka.pid, signal.SIGCONT)
        crew.await_owners()
    crew.conclude()


def test_a_topic_that_takes_no_report_any_more(stage: Stage) -> None:
    """The member ends with a line that names the topic; mended, it goes on as if nothing was."""
    crew = Crew(stage, REQUESTS, size=1)
    crew.start_all()
    with Load(stage, REQUESTS.sendings(), RATE):
        until(lambda: bool(stage.read(stage.reports)), "a first report", 60)
        stage.cluster.configure(stage.reports, "max.message.bytes", "100")
        ended = crew.members.pop("member-0")
        assert ended.wait(60) == 1
        committed = stage.committed()
        assert crew.evidence.unread(range(PARTITIONS)) > 0
        assert not crew.evidence.open_transactions(range(PARTITIONS))
        (line,) = ended.errors()
        assert stage.reports in line
        assert "max.message.bytes" in line
        stage.cluster.configure(stage.reports, "max.message.bytes", "1048588")
        crew.start("member-0")
        crew.await_owners()
        assert all(at >= committed[number] for number, at in stage.committed().items())
    crew.conclude()
