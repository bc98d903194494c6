"""Partitions that belong to nobody, since a static member died when it was to give them up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.crew import PARTITIONS, TORN_DOWN, Crew
from tests.faults.load import Load, Requests
from tests.harness.membership import Membership
from tests.harness.stage import Stage

pytestmark = pytest.mark.kafka

REQUESTS = Requests(callbacks=12_000, txids=1_200, seed=31)
RATE = 600
HEALED_S = 60.0
PREDECESSOR = """
import sys, time
from confluent_kafka import Consumer

def assigned(consumer, partitions):
    consumer.incremental_assign(partitions)
    print("assigned", len(partitions), flush=True)

def revoked(consumer, partitions):
    print("revoked", len(partitions), flush=True)
    time.sleep(3600)

servers, group, topic, name = sys.argv[1:]
consumer = Consumer({
    "bootstrap.servers": servers,
    "group.id": group,
    "group.instance.id": name,
    "partition.assignment.strategy": "cooperative-sticky",
    "session.timeout.ms": 300000,
    "heartbeat.interval.ms": 500,
    "enable.auto.commit": False,
})
consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked)
while True:
    consumer.poll(0.1)
"""
"""A static member that has got no further than into a revocation when it is killed."""


@contextmanager
def predecessor(stage: Stage, name: str) -> Iterator[subprocess.Popen[str]]:
    """It, with all partitions; killed in the end."""
    arguments = (stage.cluster.bootstrap_servers, stage.app, stage.callbacks, name)
    with subprocess.Popen(
        [sys.executable, "-c", PREDECESSOR, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            await_line(process, f"assigned {PARTITIONS}")
            yield process
        finally:
            process.kill()


def await_line(process: subprocess.Popen[str], line: str) -> None:
    """Wait until it says this."""
    assert process.stdout is not None
    assert line in map(str.strip, process.stdout)


def test_what_nobody_has_is_handed_out_within_a_minute(stage: Stage) -> None:
    """By the member that has the least to lose by it; then everything is read, exactly once."""
    crew = Crew(stage, REQUESTS, membership=Membership(static=True, session_s=300))
    with predecessor(stage, "member-0") as killed:
        other = crew.start("member-1")
        await_line(killed, f"revoked {PARTITIONS // 2}")
    back = crew.start("member-0")
    back.await_ready(PARTITIONS // 2)
    assert sum(map(len, crew.evidence.owned().values())) == PARTITIONS // 2

    with Load(stage, REQUESTS.sendings(), RATE):
        line = other.await_log("left_over", timeout_s=HEALED_S)
        crew.await_owners()
        assert len(line["partitions"]) == PARTITIONS // 2
        assert not set(line["partitions"]) & set(crew.held("member-0"))
    crew.conclude()
    assert len(other.seen("left_over")) == 1
    assert not back.seen("left_over")
    assert not back.seen(TORN_DOWN)
    assert not other.seen(TORN_DOWN)
