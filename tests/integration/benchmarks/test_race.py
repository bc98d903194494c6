"""The race on a real Kafka: small, but all that is done for a large one."""

from __future__ import annotations

import sys
from typing import NamedTuple

import pytest
from confluent_kafka import Consumer

from benchmarks import stage
from benchmarks.contenders.bare import BARE
from benchmarks.contenders.naive import NAIVE
from benchmarks.contenders.ours import OURS
from benchmarks.contenders.protocol import Contender
from benchmarks.contenders.tuned import TUNED
from benchmarks.job import Job
from benchmarks.race import run
from benchmarks.results import Throughput
from benchmarks.rounds import rounds
from benchmarks.sampled import by_stage
from benchmarks.stages import measured
from benchmarks.traffic import Channel, Traffic
from benchmarks.workloads import workload
from tests.harness import Cluster

pytestmark = pytest.mark.kafka

CALLBACKS = 2_000


@pytest.mark.parametrize(
    ("contender", "name"),
    [(BARE, "steady"), (OURS, "steady"), (OURS, "wide"), (TUNED, "wide"), (NAIVE, "steady")],
)
def test_a_contender_runs(
    contender: Contender, name: str, bootstrap_servers: str, topic_prefix: str
) -> None:
    """Its reports are right, also those of txids that are closed only after the race."""
    mix, cluster = workload(name), Cluster(bootstrap_servers)
    traffic = Traffic.of(mix, CALLBACKS)
    took = run(contender, mix, traffic, cluster, number=3, name=topic_prefix)
    assert took.problems == []
    assert (took.contender, took.round, took.callbacks) == (contender.name, 3, CALLBACKS)
    assert took.seconds > 0 < took.peak_bytes
    assert cluster.topics(topic_prefix) == []


def test_a_lost_report_is_found(bootstrap_servers: str, topic_prefix: str) -> None:
    """One that was to come and does not."""
    mix, cluster = workload("steady"), Cluster(bootstrap_servers)
    traffic = Traffic.of(mix, CALLBACKS)
    traffic.truth["never sent"] = next(iter(traffic.truth.values()))
    took = run(TUNED, mix, traffic, cluster, number=1, name=topic_prefix)
    assert took.problems == ["1 of 221 txids have no report"]


class Hopeless(NamedTuple):
    """Ends as soon as it has begun."""

    name: str = "hopeless"
    guarantee: str = "none"
    reports: bool = False

    def missing(self) -> str | None:
        """Nothing."""
        return None

    def command(self, job: Job) -> list[str]:
        """Says who it is."""
        return [sys.executable, "-c", f"import sys; sys.exit({job.name!r})"]


def test_a_contender_that_fails_does_not_hide_the_others(
    bootstrap_servers: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left out after its failure, which is told; its topics are gone."""
    monkeypatch.setattr("secrets.token_hex", lambda _: topic_prefix)
    found = Throughput(workload="steady", machine={}, runs=[])
    cluster = Cluster(bootstrap_servers)
    contenders = (Hopeless(), BARE)
    done = rounds(cluster, workload("steady"), contenders, found, callbacks=CALLBACKS, count=2)
    assert list(done) == [1, 2]
    assert [(one.contender, one.round) for one in found.runs] == [("bare", 1), ("bare", 2)]
    assert found.failed == {"hopeless": "round 1, its process ended with 1 before the warm-up"}
    assert cluster.topics(topic_prefix) == []


def test_the_sampler_sees_all_that_the_loop_works(
    bootstrap_servers: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it samples adds up to the processor time of the thread, a few samples aside."""
    monkeypatch.setattr("secrets.token_hex", lambda _: topic_prefix)
    mix, cluster = workload("steady"), Cluster(bootstrap_servers)
    traffic = Traffic.of(mix, 10 * CALLBACKS)
    found = measured(cluster, mix, traffic, probed=True)
    assert found.samples > 3
    assert sum(found.worked_ns.values()) / 1e9 == pytest.approx(found.thread_s, abs=0.03)
    assert by_stage(found.worked_ns)["aggregate"] > 0


def test_the_gate_holds_records_back(bootstrap_servers: str, topic_prefix: str) -> None:
    """All of those behind it, and none of those before it; it shows no record of its own."""
    cluster = Cluster(bootstrap_servers)
    job = Job(servers=bootstrap_servers, name=topic_prefix)
    traffic = Traffic.of(workload("steady"), CALLBACKS)
    with stage.topics(cluster, job):
        channel = Channel(cluster, job.callbacks, traffic)
        assert cluster.stable_ends(job.callbacks) == channel.before_gate
        channel.open_gate()
        consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": topic_prefix,
                "auto.offset.reset": "earliest",
            }
        )
        consumer.subscribe([job.callbacks])
        sent = sorted(value for _, value, _ in traffic.records)
        read = consumer.consume(len(sent), 20)
        consumer.close()
    assert sorted(one.value() or b"" for one in read) == sent
