"""A corner of Kafka for one test: topics, options, and a hand that writes and reads.

The hand is a plain client of the library, so that what our clients did is seen by others'
eyes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from consumer.kafka.offsets import Offsets
from consumer.kafka.properties import ClientOptions
from consumer.kafka.source import Batch, Source
from consumer.kafka.state_reader import StateReader
from consumer.kafka.transactions import Timeouts, Transactions
from tests.waiting import until

SIZES = {"message_max_bytes": 1_000_000, "batch_max_bytes": 1_000_000}


class Events:
    """A listener that writes down what it hears."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[int]]] = []
        self.held: set[int] = set()

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """Note it."""
        self.seen.append(("assigned", sorted(partitions)))
        self.held |= set(partitions)

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Note it."""
        self.seen.append(("revoked", sorted(partitions)))
        self.held -= set(partitions)

    def on_lost(self, partitions: Sequence[int]) -> None:
        """Note it."""
        self.seen.append(("lost", sorted(partitions)))
        self.held -= set(partitions)


class World:
    """Names of one test, and our clients made with them; `close` frees the clients."""

    def __init__(self, bootstrap_servers: str, prefix: str) -> None:
        self.prefix = prefix
        self.input = f"{prefix}.callbacks"
        self.state = f"{prefix}.state"
        self.reports = f"{prefix}.reports"
        self.servers = {"bootstrap.servers": bootstrap_servers}
        self.admin = AdminClient({**self.servers})
        self._closers: list[Callable[[], None]] = []

    def close(self) -> None:
        """Free the clients, the last one first."""
        for close in reversed(self._closers):
            close()

    def options(
        self,
        member: str = "a",
        *,
        static: bool = False,
        consumer: Mapping[str, str] | None = None,
        producer: Mapping[str, str] | None = None,
    ) -> ClientOptions:
        """Options of one member, with short session and long transaction time-outs."""
        return ClientOptions(
            group=self.prefix,
            transactional_id=f"{self.prefix}-{member}",
            instance=member if static else None,
            common=self.servers,
            consumer={"session.timeout.ms": "6000"} if consumer is None else consumer,
            producer={"transaction.timeout.ms": "30000"} if producer is None else producer,
        )

    def source(self, options: ClientOptions | None = None) -> Source:
        """A group member that reads the input."""
        source = Source(options or self.options(), self.input)
        self._closers.append(source.close)
        return source

    def transactions(
        self, options: ClientOptions | None = None, timeouts: Timeouts | None = None
    ) -> Transactions:
        """A member's producer."""
        transactions = Transactions(
            options or self.options(),
            input_topic=self.input,
            state_topic=self.state,
            timeouts=timeouts,
            **SIZES,
        )
        self._closers.append(transactions.close)
        return transactions

    def offsets(self, options: ClientOptions | None = None) -> Offsets:
        """Our questions about offsets."""
        return Offsets(options or self.options(), input_topic=self.input, state_topic=self.state)

    def reader(self) -> StateReader:
        """A reader of the state topic."""
        reader = StateReader(self.options(), self.state)
        self._closers.append(reader.close)
        return reader

    def make(self, topic: str, partitions: int = 1, **config: str) -> str:
        """Make a topic; `max_message_bytes="..."` sets max.message.bytes."""
        settings = {name.replace("_", "."): value for name, value in config.items()}
        new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=settings)
        self.admin.create_topics([new])[topic].result(20)
        until(lambda: topic in self.admin.list_topics(timeout=20).topics, f"{topic} is seen")
        return topic

    def write(self, topic: str, partition: int, values: Sequence[bytes]) -> None:
        """Write records outside of any transaction."""
        producer = Producer(self.servers)
        for value in values:
            producer.produce(topic, value, partition=partition)
        assert producer.flush(20) == 0

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Delete the first records of a partition."""
        at = TopicPartition(topic, partition, offset)
        self.admin.delete_records([at])[at].result(20)

    def open_transaction(self, topic: str, partition: int, values: Sequence[bytes]) -> Producer:
        """Another's transaction with these records delivered, neither committed nor aborted."""
        producer = Producer(self.servers | {"transactional.id": f"{self.prefix}-other-{topic}"})
        producer.init_transactions(20)
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, partition=partition)
        assert producer.flush(20) == 0
        return producer

    def read(self, topic: str, isolation: str = "read_committed") -> list[tuple[int, bytes]]:
        """All records of a topic as another consumer sees them: partition and value."""
        consumer = Consumer(
            self.servers
            | {
                "group.id": f"{self.prefix}-reader",
                "isolation.level": isolation,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 20,
            }
        )
        partitions = consumer.list_topics(topic, 20).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        found: list[tuple[int, bytes]] = []
        ended: set[int | None] = set()
        while len(ended) < len(partitions):
            for message in consumer.consume(1000, 0.05):
                if message.error() is None:
                    found.append((message.partition() or 0, message.value() or b""))
                else:
                    ended.add(message.partition())
        consumer.close()
        return found


def poll_until(source: Source, condition: Callable[[], bool], timeout_s: float = 20) -> None:
    """Poll until the condition holds, for the sake of the listener."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        source.poll(1000, 0.02)


def batches_of(source: Source, records: int) -> list[Batch]:
    """Poll until so many records have come."""
    found: list[Batch] = []
    deadline = time.monotonic() + 20
    while sum(len(batch.offsets) for batch in found) < records:
        assert time.monotonic() < deadline, f"no {records} records"
        found.extend(source.poll(records, 0.02).batches)
    return found


def joined(source: Source, partitions: int) -> Events:
    """Subscribe and wait until that many partitions are assigned."""
    events = Events()
    source.subscribe(events)
    poll_until(source, lambda: len(events.held) == partitions)
    return events


def read_to(source: Source, ends: Mapping[int, int]) -> dict[int, list[int]]:
    """Poll until these ends are reported; the offsets that came before, by partition."""
    found: dict[int, list[int]] = {partition: [] for partition in ends}
    reached: dict[int, int] = {}
    deadline = time.monotonic() + 20
    while any(reached.get(partition) != end for partition, end in ends.items()):
        assert time.monotonic() < deadline, f"ends {reached} instead of {ends}"
        polled = source.poll(1000, 0.02)
        reached.update(polled.ends)
        for batch in polled.batches:
            found[batch.partition].extend(batch.offsets)
    return found
