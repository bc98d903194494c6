"""The wiring. A daemon at work is for the integration tests; here it gets as far as its start."""

from __future__ import annotations

import ast
import itertools
import signal
import socket
import time
from pathlib import Path

import pytest

import consumer
from consumer.daemon import (
    CAUSES,
    Daemon,
    SystemClock,
    build,
    client_options,
    pipeline_policy,
    topics_of,
)
from consumer.errors import ConfigError, Fault, UnreachableError
from consumer.kafka.topics import Facts
from consumer.settings.load import load
from consumer.settings.model import Settings

NOWHERE = "127.0.0.1:1"


def settings(*overrides: str) -> Settings:
    """Settings with these values, on a Kafka that does not answer."""
    quick = ("kafka.connect_timeout=1s", "http.port=0")
    return load(None, [f"kafka.bootstrap.servers={NOWHERE}", *quick, *overrides])


def test_a_member_is_named_after_host_and_port() -> None:
    """Two members on one host have different HTTP ports, so different transactional ids."""
    options = client_options(settings("app.id=tidy"), port=9109)

    assert options.transactional_id == f"tidy-{socket.gethostname()}-9109"
    assert options.group == "tidy"
    assert options.instance is None


def test_a_static_member_is_named_as_it_was_told() -> None:
    """`app.static` makes the instance a static group member."""
    options = client_options(settings("app.instance=one", "app.static=true"), port=9109)

    assert options.transactional_id == "session-reports-one"
    assert options.instance == "one"


def test_properties_of_librdkafka_reach_the_clients() -> None:
    """Each table goes to its clients, verbatim."""
    options = client_options(
        settings(
            "kafka.client.id=x", "kafka.consumer.fetch.min.bytes=7", "kafka.producer.linger.ms=3"
        )
    )

    assert options.bootstrap_servers == NOWHERE
    assert options.common["client.id"] == "x"
    assert options.consumer["fetch.min.bytes"] == "7"
    assert options.producer["linger.ms"] == "3"


def test_every_setting_of_the_pipeline_reaches_it() -> None:
    """No setting is read and then forgotten, and units are kept."""
    policy = pipeline_policy(
        settings(
            "app.id=tidy",
            "app.start_at=latest",
            "topics.callbacks=in",
            "topics.reports=out",
            "topics.metrics=sums",
            "topics.dead_letters=bad",
            "topics.state=log",
            "completion.device_limit=11",
            "completion.inactivity=12s",
            "completion.max_age=13m",
            "completion.idle=14s",
            "late.policy=dead-letter",
            "late.remember=15m",
            "limits.clock_skew=16s",
            "limits.state_bytes=20MB",
            "limits.txid_bytes=21kB",
            "limits.report_bytes=22kB",
            "metrics.window=17s",
            "commit.interval=180ms",
            "commit.max_reports=19",
        ),
        Facts(partitions=23, report_partitions=24, message_max_bytes=0, batch_max_bytes=0),
    )

    assert policy.start_at == "latest"
    assert (policy.callbacks, policy.reports, policy.metrics) == ("in", "out", "sums")
    assert (policy.dead_letters, policy.state) == ("bad", "log")
    assert (policy.idle_s, policy.commit_interval_s, policy.max_reports) == (14, 0.18, 19)
    aggregation = policy.aggregation
    assert (aggregation.app, aggregation.topic, aggregation.device_limit) == ("tidy", "in", 11)
    assert (aggregation.inactivity_ms, aggregation.max_age_ms) == (12_000, 780_000)
    assert (aggregation.remember_ms, aggregation.clock_skew_ms) == (900_000, 16_000)
    assert (aggregation.window_ms, aggregation.revise) == (17_000, False)
    assert (aggregation.txid_bytes, aggregation.report_bytes) == (21_000, 22_000)
    assert policy.state_bytes == 20_000_000
    assert (policy.input_partitions, policy.report_partitions) == (23, 24)


@pytest.mark.parametrize(
    ("given", "keeps_place"),
    [
        ((), False),
        (("app.static=true",), True),
        (("app.static=true", "kafka.consumer.group.protocol=consumer"), False),
    ],
)
def test_only_static_members_of_the_classic_protocol_look_for_leftovers(
    given: tuple[str, ...], *, keeps_place: bool
) -> None:
    """In all others the group itself sees to what nobody has."""
    facts = Facts(partitions=1, report_partitions=1, message_max_bytes=0, batch_max_bytes=0)
    policy = pipeline_policy(settings("app.instance=anna", *given), facts)
    assert policy.keeps_place is keeps_place


def test_every_setting_of_topics_reaches_their_plan() -> None:
    """What `topics create` makes is what the settings say."""
    given = settings(
        "topics.callbacks=in",
        "topics.partitions=12",
        "topics.replication_factor=3",
        "topics.retention=1d",
        "limits.report_bytes=100kB",
        "app.id=tidy",
    )
    plan = topics_of(given, client_options(given))._plan

    assert plan.callbacks == "in"
    assert plan.state == "tidy.state"
    assert (plan.partitions, plan.replication_factor) == (12, 3)
    assert (plan.retention_ms, plan.report_bytes) == (86_400_000, 100_000)


def test_every_cause_of_a_fault_is_a_label() -> None:
    """The restarts' metric knows each cause that the code can name: none would be lost."""
    named = {
        argument.value
        for path in Path(consumer.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == Fault.__name__
        for argument in itertools.islice(call.args, 1, 2)
        if isinstance(argument, ast.Constant)
    }

    assert {"partition_lost", "restore_stalled", "offsets_expired"} <= named
    assert named <= CAUSES


def test_the_build_names_all_that_it_stands_on() -> None:
    """Four versions, none of them empty."""
    versions = build()

    assert versions.version == consumer.__version__
    assert versions.python.startswith("3.")
    assert versions.librdkafka
    assert versions.confluent_kafka


def test_the_system_clock_is_the_real_one() -> None:
    """Milliseconds since the epoch, and seconds that only go forward."""
    clock = SystemClock()

    assert abs(clock.wall_ms() - time.time() * 1000) < 60_000
    assert clock.monotonic_s() <= clock.monotonic_s()


def test_a_busy_port_is_a_wrong_setting() -> None:
    """It is found before anything else is done, and named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=r"http\.port"):
            Daemon(settings(f"http.port={port}")).run()


def test_a_kafka_that_does_not_answer_ends_the_start() -> None:
    """The error names address and time-out; the port is free again and signals as before."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    handler = signal.getsignal(signal.SIGTERM)

    with pytest.raises(UnreachableError, match=rf"{NOWHERE}.*kafka\.connect_timeout"):
        Daemon(settings(f"http.port={port}")).run()

    socket.create_server(("127.0.0.1", port)).close()
    assert signal.getsignal(signal.SIGTERM) == handler
