"""What the oracle reads must be the whole topic, or every verdict on it is worth nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.oracle.topics import read_topic

pytestmark = pytest.mark.kafka


@pytest.fixture
def topic(bootstrap_servers: str, topic_prefix: str) -> str:
    """A topic of three partitions."""
    name = f"{topic_prefix}-oracle"
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.create_topics([NewTopic(name, 3, 1)])[name].result()
    return name


@pytest.fixture
def producer(bootstrap_servers: str, topic_prefix: str) -> Iterator[Producer]:
    """A transactional producer, with its first transaction begun."""
    producer = Producer(
        {"bootstrap.servers": bootstrap_servers, "transactional.id": f"{topic_prefix}-oracle"}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    yield producer
    producer.abort_transaction(30)


def _values(bootstrap_servers: str, topic: str, isolation: str = "read_committed") -> list[bytes]:
    records = read_topic(bootstrap_servers, topic, isolation)
    return [record.value or b"" for record in records]


def test_an_empty_topic_has_no_records(bootstrap_servers: str, topic: str) -> None:
    """Nothing to read is an answer, too, and at once."""
    assert read_topic(bootstrap_servers, topic) == []


def test_reads_past_control_records_and_aborted_ones(
    bootstrap_servers: str, topic: str, producer: Producer
) -> None:
    """A topic that ends in markers and aborted records is read to its very end."""
    for number in range(300):
        producer.produce(topic, b"%d" % number, b"key", number % 3, headers=[("h", b"1")])
    producer.commit_transaction(30)
    producer.begin_transaction()
    producer.produce(topic, b"aborted", partition=0)
    producer.flush(30)
    producer.abort_transaction(30)
    records = read_topic(bootstrap_servers, topic)
    expected = [b"%d" % number for rest in range(3) for number in range(rest, 300, 3)]
    assert [record.value for record in records] == expected
    assert {(record.key, record.headers) for record in records} == {(b"key", (("h", b"1"),))}
    assert [record.offset for record in records[:100]] == list(range(100))
    assert _values(bootstrap_servers, topic, "read_uncommitted").count(b"aborted") == 1
    producer.begin_transaction()


def test_waits_for_what_an_open_transaction_holds_back(
    bootstrap_servers: str, topic: str, producer: Producer
) -> None:
    """Records behind an open transaction are never left out in silence."""
    producer.produce(topic, b"open", partition=1)
    producer.flush(30)
    with pytest.raises(TimeoutError, match=r"\[1\]"):
        read_topic(bootstrap_servers, topic, timeout_s=1)
    producer.commit_transaction(30)
    assert _values(bootstrap_servers, topic) == [b"open"]
    producer.begin_transaction()
