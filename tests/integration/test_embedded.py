"""The embedded Kafka is a Kafka, keeps its data while it is stopped, and outlives nobody."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # documented there, both
    AdminClient,
    ConfigResource,
    NewTopic,
)

from consumer.embedded import EmbeddedKafka
from consumer.embedded.jars import jars
from consumer.embedded.properties import HOST, free_ports
from consumer.errors import EmbeddedKafkaError
from tests.waiting import process_is_gone, until

pytestmark = pytest.mark.kafka

TOPIC = "kept"


def create_topic(kafka: EmbeddedKafka) -> None:
    """Make TOPIC, of one partition."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(TOPIC, num_partitions=1)])[TOPIC].result(10)


def write_in_transaction(kafka: EmbeddedKafka, value: bytes) -> None:
    """Add one record to TOPIC, exactly once."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": "t"})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(TOPIC, value)
    producer.commit_transaction(20)


def read(kafka: EmbeddedKafka, count: int) -> list[bytes | None]:
    """The first `count` records of TOPIC."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": "g"})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    try:
        return [message.value() for message in consumer.consume(count, timeout=20)]
    finally:
        consumer.close()


def test_a_stopped_broker_comes_back_with_its_data(own_kafka: EmbeddedKafka) -> None:
    """Stopped, nothing answers; started again, the committed record is there at the old address."""
    create_topic(own_kafka)
    write_in_transaction(own_kafka, b"before")
    before = own_kafka.bootstrap_servers
    own_kafka.stop_broker()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(before.split(":"))  # type: ignore[arg-type]
    own_kafka.start_broker()
    assert own_kafka.bootstrap_servers == before
    write_in_transaction(own_kafka, b"after")
    assert read(own_kafka, 2) == [b"before", b"after"]


def test_settings_of_the_caller_join_ours() -> None:
    """Settings of the caller reach the broker; ours stand: no topic comes into being unasked."""
    with EmbeddedKafka(settings={"message.max.bytes": "2000"}) as kafka:
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
        broker = ConfigResource(ConfigResource.Type.BROKER, "1")
        configuration = admin.describe_configs([broker])[broker].result(10)
        refusal = admin.list_topics("nowhere", timeout=10).topics["nowhere"].error
    assert configuration["message.max.bytes"].value == "2000"
    assert refusal is not None
    assert refusal.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_a_later_start_takes_seconds_and_asks_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the jars in the cache, a start needs no network and says nothing of a download."""
    jars(lambda _: None)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # any request would fail
    said: list[str] = []
    begun = time.monotonic()
    with EmbeddedKafka(on_progress=said.append):
        taken_s = time.monotonic() - begun
    assert said == []
    assert taken_s < 20  # about 3 on an idle machine


def test_a_port_in_use_is_told_in_one_line() -> None:
    """Where Kafka cannot listen, the error says so in a line and brings the log along."""
    (controller,) = free_ports(1)
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        settings = {
            "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}",
            "controller.quorum.voters": f"1@{HOST}:{controller}",
        }
        kafka = EmbeddedKafka(settings=settings)
        with pytest.raises(EmbeddedKafkaError, match=r"did not come up.*Address already") as info:
            kafka.start()
    assert "\n" not in str(info.value)
    assert any("The end of its log" in note for note in info.value.__notes__)
    assert kafka.pid is None


def test_a_wrong_setting_is_told_in_one_line() -> None:
    """A value that Kafka refuses is named in the error."""
    with pytest.raises(EmbeddedKafkaError, match=r"log\.segment\.bytes") as info:
        EmbeddedKafka(settings={"log.segment.bytes": "many"}).start()
    assert "\n" not in str(info.value)


class Owner(NamedTuple):
    """A process that owns an embedded Kafka."""

    process: subprocess.Popen[str]
    jvm: int
    folder: Path


@pytest.fixture
def start_owner() -> Iterator[Callable[[str], Owner]]:
    """Start an owner in a session of its own and wait until its Kafka is up."""
    jars(lambda _: None)
    owners = []

    def start(manner: str) -> Owner:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.embedded_owner", manner],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        owners.append(process)
        assert process.stdout is not None
        _, pid, folder = process.stdout.readline().split()
        return Owner(process, int(pid), Path(folder))

    yield start
    for process in owners:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with process:
            pass  # collects it and closes the pipe


def test_kafka_ends_with_a_killed_owner(start_owner: Callable[[str], Owner]) -> None:
    """After SIGKILL to the owner there is no JVM and no data folder."""
    owner = start_owner("waits")
    assert owner.folder.exists()
    assert not process_is_gone(owner.jvm)
    owner.process.kill()
    until(lambda: process_is_gone(owner.jvm), "the JVM is gone")
    until(lambda: not owner.folder.exists(), "the data folder is gone")


def test_kafka_serves_on_through_ctrl_c(start_owner: Callable[[str], Owner]) -> None:
    """Ctrl-C in the terminal reaches the owner only: Kafka serves until the owner is done."""
    owner = start_owner("waits")
    os.killpg(owner.process.pid, signal.SIGINT)
    said, _ = owner.process.communicate()
    assert (said, owner.process.returncode) == ("1 broker\n", 0)
    assert process_is_gone(owner.jvm)
    assert not owner.folder.exists()


def test_kafka_ends_with_an_exception(start_owner: Callable[[str], Owner]) -> None:
    """An exception leaves the `with` block as it came, and Kafka is gone by then."""
    owner = start_owner("raises")
    assert owner.process.wait() == 1
    assert process_is_gone(owner.jvm)
    assert not owner.folder.exists()
