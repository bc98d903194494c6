"""How a member ends: in order, at once, or in time when Kafka is gone."""

from __future__ import annotations

import signal
import time

import pytest

from consumer.embedded import EmbeddedKafka
from tests.harness import Member, Stage
from tests.harness.records import OLD_MS, callback, usage
from tests.waiting import until

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_member_that_is_told_to_stop_leaves_the_group_at_once(
    stage: Stage, number: signal.Signals
) -> None:
    """Exit code 0, all that was read committed, and the other takes over without a time-out."""
    stage.create(partitions=2)
    stage.settings = {"kafka.consumer.session.timeout.ms": "45000", "completion.idle": "1h"}
    first, second = stage.member(), stage.member()
    first.await_ready(partitions=1)
    second.await_ready(partitions=1)
    stage.send(callback(f"t{part}", usage("1"), at_ms=OLD_MS, partition=part) for part in (0, 1))
    stage.await_consumed()
    began_s = time.monotonic()
    first.signal(number)
    assert first.wait() == 0
    assert first.log()[-1]["event"] == "stopped"
    second.await_ready(partitions=2)
    assert time.monotonic() - began_s < 10
    assert stage.cluster.members(stage.app) == 1
    assert second.seen("restored", offset=1, txids=1)
    second.signal(number)
    assert second.wait() == 0
    assert stage.cluster.members(stage.app) == 0


def test_what_was_read_before_the_signal_is_committed(stage: Stage) -> None:
    """A commit that is not due yet is done at the stop."""
    stage.create()
    stage.settings = {"commit.interval": "9s", "completion.idle": "1h"}
    member = stage.member()
    member.await_ready(partitions=1)
    stage.send([callback("t", usage("1"), at_ms=OLD_MS)])
    await_read(member)
    assert not stage.is_consumed()
    assert member.stop() == 0
    assert stage.is_consumed()


def await_read(member: Member) -> None:
    """Wait until records are in the member's memory, committed or not."""
    member.until(lambda: member.metric("batch_duration_seconds_count") > 0, "records read")


@pytest.fixture
def cut_off(stoppable: EmbeddedKafka, topic_prefix: str) -> Stage:
    """A stage on a Kafka of its own, with commits so rare that some work is always pending."""
    stage = Stage(stoppable.bootstrap_servers, topic_prefix)
    stage.create()
    stage.settings = {
        "commit.interval": "30s",
        "kafka.producer.transaction.timeout.ms": "60000",
        "kafka.consumer.session.timeout.ms": "2000",
        "completion.idle": "1h",
    }
    return stage


def pending_member(stage: Stage, kafka: EmbeddedKafka, settings: dict[str, str]) -> Member:
    """A member with uncommitted work, and its Kafka gone."""
    member = stage.member(settings)
    member.await_ready(partitions=1)
    stage.send([callback("t", usage("1"), at_ms=OLD_MS)])
    await_read(member)
    kafka.stop_broker()
    return member


def test_without_kafka_it_ends_within_shutdown_timeout(
    stoppable: EmbeddedKafka, cut_off: Stage
) -> None:
    """Exit code 1 and a line why; what was not committed is read again by the next start."""
    with cut_off as stage:
        member = pending_member(stage, stoppable, {"shutdown.timeout": "2s"})
        began_s = time.monotonic()
        assert member.stop() == 1
        assert 1.5 < time.monotonic() - began_s < 4
        assert member.log()[-1]["event"] == "stop_overdue"
        stoppable.start_broker()
        member = stage.member({"commit.interval": "50ms"})
        stage.await_exact()
        assert member.stop() == 0


def test_a_second_signal_ends_it_at_once(stoppable: EmbeddedKafka, cut_off: Stage) -> None:
    """Whatever the orderly stop is waiting for, and however long it still may."""
    with cut_off as stage:
        member = pending_member(stage, stoppable, {"shutdown.timeout": "60s"})
        member.signal(signal.SIGTERM)
        member.await_log("stopping")
        began_s = time.monotonic()
        until(lambda: time.monotonic() > began_s + 1, "the stop to be under way")
        assert member.exit_code is None
        member.signal(signal.SIGINT)
        assert member.wait(timeout_s=3) == 1
