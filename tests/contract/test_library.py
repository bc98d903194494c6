"""What the client library does that our clients keep from everyone; the real Kafka alone.

The fake one stands in for our clients, so there is nothing of this in it. It is why they are as
they are: should one of these fail with a newer library, something of theirs may be dropped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from tests.harness.cluster import Cluster, Sending
from tests.oracle.record import Record
from tests.oracle.topics import read_topic
from tests.waiting import until

pytestmark = pytest.mark.kafka

MANY = 1000
FETCH_S = 4.0
"""`fetch.wait.max.ms`, large enough to be seen."""


class Library:
    """Plain clients of one group on a topic, which are closed afterwards."""

    def __init__(self, bootstrap_servers: str, prefix: str) -> None:
        self.topic = prefix
        self.cluster = Cluster(bootstrap_servers)
        self._prefix = prefix
        self._consumers: list[Consumer] = []

    def make(self, partitions: int, records: int = 0) -> None:
        """The topic, with so many records in each partition."""
        self.cluster.create(self.topic, partitions)
        until(lambda: self.cluster.partitions(self.topic) == partitions, "the topic")
        for number in range(partitions):
            self.cluster.send(self.topic, [Sending(b"x", partition=number)] * records)

    def at(self, partition: int, offset: int) -> TopicPartition:
        """A place in it."""
        return TopicPartition(self.topic, partition, offset)

    def consumer(self, **properties: Any) -> Consumer:
        """One with these properties, whose names have a `_` for a dot."""
        given = {name.replace("_", "."): value for name, value in properties.items()}
        consumer = Consumer(
            {
                "bootstrap.servers": self.cluster.bootstrap_servers,
                "group.id": self._prefix,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "heartbeat.interval.ms": 200,
                "session.timeout.ms": 6000,
                **given,
            }
        )
        self._consumers.append(consumer)
        return consumer

    def producer(self, **properties: Any) -> Producer:
        """A transactional one with these properties, named in the same way."""
        given = {name.replace("_", "."): value for name, value in properties.items()}
        producer = Producer(
            {
                "bootstrap.servers": self.cluster.bootstrap_servers,
                "transactional.id": self._prefix,
                **given,
            }
        )
        producer.init_transactions(20)
        return producer

    def committed(self) -> Sequence[Record]:
        """What a reader sees of the topic, once no transaction is open in it."""
        return read_topic(self.cluster.bootstrap_servers, self.topic)

    def close(self) -> None:
        """End what was made."""
        for consumer in self._consumers:
            consumer.close()


@pytest.fixture
def library(bootstrap_servers: str, topic_prefix: str) -> Iterator[Library]:
    """Clients of this test alone."""
    library = Library(bootstrap_servers, topic_prefix)
    yield library
    library.close()


def test_offsets_below_zero_are_left_out_of_a_transaction_without_a_word(library: Library) -> None:
    """The others are committed, and it says that all is well: so ours refuse them."""
    library.make(2)
    producer, metadata = library.producer(), library.consumer().consumer_group_metadata()

    for positions in ([library.at(0, 5), library.at(1, -1001)], [library.at(1, -1)]):
        producer.begin_transaction()
        producer.send_offsets_to_transaction(positions, metadata, 10)
        producer.commit_transaction(10)

    committed = library.cluster.committed(library.topic, library.topic)
    assert {number: at.offset for number, at in committed.items()} == {0: 5}


def test_records_that_failed_unheard_are_not_left_out_of_a_transaction(library: Library) -> None:
    """It cannot be committed, though nobody asked how they fared, and it only says that.

    All that is known before is that none is left to deliver.
    """
    library.make(1)
    producer = library.producer(topic_metadata_propagation_max_ms="500")
    producer.begin_transaction()
    producer.produce(library.topic, b"fine")
    producer.produce(f"{library.topic}.nowhere", b"lost")

    left = producer.flush(20)
    with pytest.raises(KafkaException) as refused:
        producer.commit_transaction(10)
    producer.abort_transaction(10)

    reason = refused.value.args[0]
    assert (left, len(producer)) == (0, 0)
    assert reason.name() == "_INCONSISTENT"
    assert reason.txn_requires_abort()
    assert "nowhere" not in reason.str()
    assert library.committed() == []


def test_a_batch_of_records_ignores_the_partitions_that_they_name(library: Library) -> None:
    """So it is of no use for the parts of a report, and a plain loop is as fast."""
    library.make(3)
    producer = library.producer()
    producer.begin_transaction()

    queued = producer.produce_batch(library.topic, [{"value": b"x", "partition": 2}] * 5, 0)
    producer.commit_transaction(10)

    assert queued == 5
    assert [record.partition for record in library.committed()] == [0] * 5


def test_a_position_in_a_callback_is_behind_the_last_record_that_was_returned(
    library: Library,
) -> None:
    """Not behind what was fetched: who commits it in there loses nothing."""
    library.make(1, MANY)
    seen: dict[int, int] = {}

    def note(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        seen.update((at.partition, at.offset) for at in consumer.position(partitions))

    consumer = library.consumer(partition_assignment_strategy="cooperative-sticky")
    consumer.subscribe([library.topic], on_revoke=note)
    returned: list[Message] = []

    def some() -> bool:
        returned.extend(consumer.consume(5, 0.02))
        return bool(returned)

    until(some, "the first records")
    consumer.unsubscribe()
    until(lambda: not consumer.consume(1, 0.02) and bool(seen), "a revocation")

    assert all(message.error() is None for message in returned)
    assert seen == {0: len(returned)}
    assert len(returned) < MANY


def test_a_session_of_ones_own_is_refused_with_the_new_group_protocol(library: Library) -> None:
    """The group has one: a client that asks for another is not even made."""
    with pytest.raises(KafkaException, match=r"session\.timeout\.ms"):
        library.consumer(group_protocol="consumer")


def test_an_eager_assignor_takes_everything_away_in_each_rebalance(library: Library) -> None:
    """And gives most of it back: a state would be thrown away and restored for nothing."""
    library.make(4)
    heard: list[tuple[str, list[int]]] = []

    def hears(event: str) -> Any:
        return lambda _, partitions: heard.append(
            (event, sorted(at.partition for at in partitions))
        )

    first = library.consumer(partition_assignment_strategy="range")
    first.subscribe([library.topic], on_assign=hears("assigned"), on_revoke=hears("revoked"))
    second = library.consumer(partition_assignment_strategy="range")

    def has_heard(events: int) -> bool:
        for consumer in (first, second):
            assert not consumer.consume(1, 0.02)
        return len(heard) >= events

    until(lambda: has_heard(1), "its partitions")
    second.subscribe([library.topic])
    until(lambda: has_heard(3), "its share")

    everything = [0, 1, 2, 3]
    assert heard[:2] == [("assigned", everything), ("revoked", everything)]
    assert heard[2] in (("assigned", [0, 1]), ("assigned", [2, 3]))


def test_a_partition_that_is_taken_later_waits_for_the_fetch_under_way(library: Library) -> None:
    """Which waits for records in the others, up to `fetch.wait.max.ms`: ours is short."""
    library.make(2)
    library.cluster.send(library.topic, [Sending(b"x", partition=1)] * 5)
    first_s = {}
    for limit_s in (FETCH_S, 0.02):
        consumer = library.consumer(
            fetch_wait_max_ms=round(limit_s * 1000), enable_partition_eof=True
        )
        consumer.assign([library.at(0, 0)])
        until(lambda: bool(consumer.consume(1, 0.02)), "the end of the idle one")  # noqa: B023
        began_s = time.monotonic()
        consumer.incremental_assign([library.at(1, 0)])
        until(lambda: bool(consumer.consume(5, 0.02)), "records")  # noqa: B023
        first_s[limit_s] = time.monotonic() - began_s

    assert first_s[FETCH_S] > FETCH_S / 2
    assert first_s[0.02] < FETCH_S / 2


def test_an_idle_partition_does_not_hold_up_those_it_is_fetched_with(library: Library) -> None:
    """A fetch is answered as soon as there is anything in any of them."""
    library.make(2)
    consumer = library.consumer(fetch_wait_max_ms=10_000)
    consumer.assign([library.at(0, 0), library.at(1, 0)])
    for _ in range(3):
        began_s = time.monotonic()
        library.cluster.send(library.topic, [Sending(b"x", partition=1)])
        until(lambda: bool(consumer.consume(1, 0.02)), "the record")
        took_s = time.monotonic() - began_s  # the first may wait for one of the idle one alone

    assert took_s < 5
