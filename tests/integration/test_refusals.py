"""What does not fit ends the start: one clear line for each thing, and the documented code."""

from __future__ import annotations

import re
import socket
import time

import pytest

from tests.harness import Member, Stage
from tests.harness.records import OLD_MS, callback, usage

pytestmark = pytest.mark.kafka

BAD_CONFIGURATION = 78
UNREACHABLE = 69


def refusal(member: Member, code: int) -> str:
    """The line that says why a member has ended; there must be just one."""
    assert member.wait() == code
    (line,) = member.errors()
    assert member.stdout() == []
    return line


def test_a_missing_topic_is_named_with_the_command_that_makes_it(stage: Stage) -> None:
    """And with the setting that names it."""
    stage.create()
    missing = f"{stage.app}.none"
    line = refusal(stage.member({"topics.reports": missing}), BAD_CONFIGURATION)
    assert "topics.reports" in line
    assert missing in line
    assert "session-reports topics create" in line


def test_the_command_makes_what_is_missing(stage: Stage) -> None:
    """`topics create` makes all five, and then the daemon has nothing to complain of."""
    create = stage.command("topics", "create", settings={"topics.partitions": "3"})
    assert create.wait() == 0
    topics = (stage.callbacks, stage.reports, stage.metrics, stage.dead_letters, stage.state)
    assert sorted(line.split()[-1] for line in create.stdout()) == sorted(topics)
    assert {stage.cluster.partitions(topic) for topic in topics} == {3}
    assert stage.cluster.setting(stage.state, "cleanup.policy") == "delete"
    assert stage.cluster.setting(stage.state, "retention.ms") == "-1"
    assert stage.cluster.setting(stage.state, "retention.bytes") == "-1"
    of_input = int(stage.cluster.setting(stage.callbacks, "max.message.bytes"))
    of_letters = int(stage.cluster.setting(stage.dead_letters, "max.message.bytes"))
    assert of_letters == of_input + 64 * 1024
    member = stage.member()
    member.await_ready(partitions=3)
    again = stage.command("topics", "create")
    assert again.wait() == 0
    assert all(line.startswith("exists") for line in again.stdout())


def test_several_things_that_do_not_fit_are_all_named_at_once(stage: Stage) -> None:
    """A line each, so that one start shows all there is to mend."""
    member = stage.member()
    assert member.wait() == BAD_CONFIGURATION
    lines = member.errors()
    assert len(lines) == 4
    for topic in (stage.callbacks, stage.reports, stage.metrics, stage.dead_letters):
        assert sum(topic + ";" in line for line in lines) == 1


def test_a_state_topic_with_another_partition_count_is_refused(stage: Stage) -> None:
    """Its partitions are those of the input, one each: with others state would mix."""
    stage.create(partitions=2)
    stage.cluster.create(
        stage.state, 3, cleanup_policy="delete", retention_ms="-1", retention_bytes="-1"
    )
    line = refusal(stage.member(), BAD_CONFIGURATION)
    assert f"{stage.state} has 3 partitions" in line
    assert "2" in line
    assert re.search(rf"kafka-topics\.sh .*--delete --topic {re.escape(stage.state)}", line)
    assert "--reset-offsets" in line


def test_the_advice_for_a_changed_partition_count_is_good(stage: Stage) -> None:
    """Once the input has more partitions: without the state, and its name, the group goes on."""
    stage.create(partitions=1, device_limit=1)
    stage.settings = {"completion.idle": "1h"}
    stage.send([callback("before", usage("1"), at_ms=OLD_MS)])
    member = stage.member()
    stage.await_exact()
    assert member.stop() == 0
    stage.cluster.add_partitions(stage.callbacks, 2)
    assert stage.member().wait() == BAD_CONFIGURATION
    stage.cluster.delete(stage.state)
    stage.cluster.reset_offsets(stage.app, stage.callbacks, {0: 1})
    stage.judge_from({0: 1, 1: 0})
    stage.send(callback(f"t{part}", usage("1"), at_ms=OLD_MS, partition=part) for part in (0, 1))
    stage.member()
    stage.await_exact()
    assert stage.txids() == ["t0", "t1"]


def test_a_state_topic_that_kafka_may_clean_up_is_refused(stage: Stage) -> None:
    """State that retention deletes is lost state."""
    stage.create()
    stage.cluster.create(stage.state, 1, cleanup_policy="delete", retention_bytes="-1")
    stage.cluster.configure(stage.state, "retention.ms", "604800000")
    line = refusal(stage.member(), BAD_CONFIGURATION)
    assert "retention.ms" in line
    assert stage.state in line
    assert re.search(r"kafka-configs\.sh .*retention\.ms=-1", line)


def test_a_dead_letter_topic_that_is_too_small_is_refused(stage: Stage) -> None:
    """It must take every record of the input with headers added."""
    stage.create()
    of_input = int(stage.cluster.setting(stage.callbacks, "max.message.bytes"))
    stage.cluster.configure(stage.dead_letters, "max.message.bytes", str(of_input))
    line = refusal(stage.member(), BAD_CONFIGURATION)
    assert stage.dead_letters in line
    needed = of_input + 64 * 1024
    assert re.search(rf"kafka-configs\.sh .*max\.message\.bytes={needed}", line)


def test_a_kafka_that_cannot_be_reached_is_named(stage: Stage) -> None:
    """After `kafka.connect_timeout`, not before and not much later, with code 69."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        began_s = time.monotonic()
        member = stage.member({"kafka.bootstrap.servers": address, "kafka.connect_timeout": "2s"})
        line = refusal(member, UNREACHABLE)
    assert 2 <= time.monotonic() - began_s < 6
    assert address in line
    assert "kafka.connect_timeout" in line


def test_sigterm_ends_the_waiting_for_kafka(stage: Stage) -> None:
    """A start that waits for Kafka can be stopped like any other."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        member = stage.member(
            {
                "kafka.bootstrap.servers": address,
                "kafka.connect_timeout": "60s",
                "shutdown.timeout": "1s",
            }
        )
        member.await_log("starting")
        began_s = time.monotonic()
        member.stop()
    assert time.monotonic() - began_s < 4


def test_a_busy_port_is_named(stage: Stage) -> None:
    """The address, and the setting that chooses another; no topic was asked for yet."""
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        line = refusal(stage.member({"http.port": str(port)}), BAD_CONFIGURATION)
    assert str(port) in line
    assert "http.port" in line


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("completion.inactivty", "1s", "completion.inactivity"),
        ("kafka.isolation.level", "read_uncommitted", "isolation.level"),
        ("kafka.socket.timeout.ms", "never", "socket.timeout.ms"),
    ],
)
def test_a_bad_setting_is_named(stage: Stage, name: str, value: str, said: str) -> None:
    """An unknown name with the nearest known one, a property that is ours, a bad value."""
    assert said in refusal(stage.member({name: value}), BAD_CONFIGURATION)


def test_a_transaction_timeout_that_the_broker_refuses_is_named(stage: Stage) -> None:
    """A setting that only the broker can judge is no crash either."""
    stage.create()
    line = refusal(
        stage.member({"kafka.producer.transaction.timeout.ms": "2000000000"}), BAD_CONFIGURATION
    )
    assert "transaction.timeout.ms" in line
