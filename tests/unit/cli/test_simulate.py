from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from confluent_kafka import Producer

from consumer.cli.app import app
from consumer.cli.simulate import send
from consumer.errors import SessionReportsError
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
from tests.harness import Cluster
from tests.oracle.topics import read_topic
from tests.unit.cli.conftest import Command
from tests.waiting import until


def create(bootstrap_servers: str, topic: str) -> None:
    """Make a topic of one partition, and wait until it shows."""
    cluster = Cluster(bootstrap_servers)
    cluster.create(topic)
    until(lambda: cluster.partitions(topic) == 1, f"{topic} shows")


@pytest.mark.parametrize(("name", "default"), dataclasses.asdict(Options()).items())
def test_everything_the_simulator_can_do_can_be_asked_for(name: str, default: Any) -> None:
    """Each of its options is one of the command line, and reaches it."""
    value = default + (1 if isinstance(default, int) else 0.25)
    words = ["simulate", f"--{name.replace('_', '-')}", str(value)]
    _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    changed: dict[str, Any] = {name: value}

    assert bound.arguments["simulated"] == dataclasses.replace(Options(), **changed)


def test_a_record_that_is_too_large_is_an_error() -> None:
    """It is refused at once; the line names the topic."""
    with pytest.raises(SessionReportsError, match=r"topic callbacks: .* too large"):
        send(iter([(None, bytes(2_000_000), 0)]), Producer({}), "callbacks", paced=False)


def test_records_that_do_not_arrive_are_an_error() -> None:
    """It says how many, and why."""
    producer = Producer({"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 100})
    records = iter([(b"t", b"{}", 0)] * 3)

    with pytest.raises(SessionReportsError, match=r"3 of 3 records .* timed out"):
        send(records, producer, "callbacks", paced=False)


def test_progress_is_told_while_it_waits_and_at_the_end() -> None:
    """A slow simulation shows that it lives."""
    producer = Producer({"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 100})
    told: list[int] = []

    with pytest.raises(SessionReportsError):
        send(
            iter([(b"t", b"{}", 0), (b"t", b"{}", 30), (b"t", b"{}", 60)]),
            producer,
            "callbacks",
            paced=True,
            on_progress=told.append,
        )

    assert told == [1, 2, 3]


@pytest.mark.kafka
def test_the_same_seed_puts_the_same_bytes_on_the_topic(
    command: Command, bootstrap_servers: str, topic_prefix: str
) -> None:
    """What arrives is what the plan says, in its order, each time."""
    plan = Plan(Options(requests=20, seed=5))
    for number in range(2):
        topic = f"{topic_prefix}.{number}"
        create(bootstrap_servers, topic)
        ended = command(
            *("simulate", "--requests", "20", "--seed", "5", "--rate", "0"),
            *("--set", f"kafka.bootstrap.servers={bootstrap_servers}"),
            *("--set", f"topics.callbacks={topic}"),
        )

        assert (ended.code, ended.out) == (0, "")
        assert f"sent {plan.totals().records} records to {topic}" in ended.err
        arrived = [(record.key, record.value) for record in read_topic(bootstrap_servers, topic)]
        assert arrived == [(key, value) for key, value, _ in plan.records()]


@pytest.mark.kafka
def test_records_go_out_at_their_times(bootstrap_servers: str, topic_prefix: str) -> None:
    """Never early, so that a retry comes as long after its callback as was asked for."""
    create(bootstrap_servers, topic_prefix)
    times_ms = [0, 0, 120, 121, 300]
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    sent = send(iter([(b"t", b"{}", at) for at in times_ms]), producer, topic_prefix, paced=True)
    found_ms = [record.timestamp_ms for record in read_topic(bootstrap_servers, topic_prefix)]

    assert sent == len(times_ms)
    assert all(
        found_ms[-1] - found >= times_ms[-1] - at - 50
        for found, at in zip(found_ms, times_ms, strict=True)
    )
    assert found_ms[2] - found_ms[1] >= 100


@pytest.mark.kafka
def test_without_pace_times_do_not_matter(bootstrap_servers: str, topic_prefix: str) -> None:
    """What lies an hour ahead goes out now."""
    create(bootstrap_servers, topic_prefix)
    producer = Producer({"bootstrap.servers": bootstrap_servers})

    assert send(iter([(b"t", b"{}", 3_600_000)]), producer, topic_prefix, paced=False) == 1


@pytest.mark.kafka
def test_a_topic_that_is_not_there_is_a_wrong_setting(
    command: Command, bootstrap_servers: str, topic_prefix: str
) -> None:
    """The line says which command makes it; nothing is made by accident."""
    ended = command(
        *("simulate", "--set", f"kafka.bootstrap.servers={bootstrap_servers}"),
        *("--set", f"topics.callbacks={topic_prefix}"),
    )

    assert ended.code == 78
    (line,) = ended.complaints
    assert "topics.callbacks" in line
    assert "session-reports topics create" in line
    assert Cluster(bootstrap_servers).partitions(topic_prefix) == 0
