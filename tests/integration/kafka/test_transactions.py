"""The transactional producer, on a real broker."""

from __future__ import annotations

import os

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from consumer.errors import Action, Fault
from consumer.kafka.source import Source
from consumer.kafka.transactions import Timeouts, Transactions
from tests.integration.kafka.world import Output, Position, World

pytestmark = pytest.mark.kafka

BRIEF = Timeouts(init_s=10, queue_s=1, flush_s=1, offsets_s=1, commit_s=1, abort_s=1)
# https://github.com/apache/kafka/blob/4.3.1/clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java
JAVA_MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


class TestCommit:
    def test_commits_outputs_state_and_offsets_together(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """Invisible before, all of it visible afterwards."""
        source, transactions = member
        transactions.begin()
        transactions.produce([Output(world.reports, b"k", b"report", 3)])
        transactions.produce_state(1, [b"s0", b"s1"])
        transactions.flush()
        transactions.send_offsets(
            [Position(0, 5, '{"sequence":1}'), Position(1, 0, "")], source.group_metadata()
        )
        before = world.read(world.reports), world.read(world.state), world.committed()

        transactions.commit()

        assert before == ([], [], {})
        assert world.read(world.reports) == [(3, b"report")]
        assert world.read(world.state) == [(1, b"s0"), (1, b"s1")]
        assert world.committed() == {0: (5, '{"sequence":1}'), 1: (0, "")}

    def test_flush_tells_where_the_state_records_lie(
        self, member: tuple[Source, Transactions]
    ) -> None:
        """The offset of the first one of this transaction, control records counted."""
        _, transactions = member
        found = []
        for _ in range(3):
            transactions.begin()
            transactions.produce_state(0, [b"one", b"two"])
            found.append(dict(transactions.flush()))
            transactions.commit()
        transactions.begin()
        transactions.produce_state(1, [b"one"])
        found.append(dict(transactions.flush()))
        transactions.commit()

        assert found == [{0: 0}, {0: 3}, {0: 6}, {1: 0}]

    def test_keeps_key_headers_time_and_partition(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """A dead letter is the record that it was."""
        _, transactions = member
        headers: list[tuple[str, bytes | None]] = [("a", b"1"), ("a", b"2"), ("n", None)]
        transactions.begin()
        transactions.produce([Output(world.reports, None, None, 6, 1234, headers)])
        transactions.produce([Output(world.reports, b"", b"", 6, 0, ())])
        transactions.flush()
        transactions.commit()

        consumer = Consumer(world.servers | {"group.id": world.prefix})
        consumer.assign([TopicPartition(world.reports, 6, 0)])
        letter, empty = consumer.consume(2, 20)
        consumer.close()
        assert (letter.key(), letter.value(), letter.headers()) == (None, None, headers)
        assert letter.timestamp()[1] == 1234
        assert (empty.key(), empty.value()) == (b"", b"")
        assert empty.timestamp()[1] > 1234

    def test_places_keys_as_java_does(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """By murmur2, so that consumers in any language find a txid's records together."""
        _, transactions = member
        transactions.begin()
        transactions.produce([Output(world.reports, key, key) for key in JAVA_MURMUR2])
        transactions.flush()
        transactions.commit()

        placed = {value: partition for partition, value in world.read(world.reports)}

        assert placed == {key: (value & 0x7FFFFFFF) % 7 for key, value in JAVA_MURMUR2.items()}

    def test_batches_stay_below_the_limit_of_the_topic(self, world: World) -> None:
        """A broker measures batches: many small records must not make a large one."""
        world.make(world.state)
        world.make(world.reports, max_message_bytes="20000")
        transactions = Transactions(
            world.options(producer={"compression.type": "none"}),
            input_topic=world.input,
            state_topic=world.state,
            message_max_bytes=1_000_000,
            batch_max_bytes=20_000,
        )
        transactions.init()
        transactions.begin()
        transactions.produce([Output(world.reports, b"k", b"x" * 1000)] * 200)
        transactions.flush()
        transactions.commit()
        transactions.close()

        assert len(world.read(world.reports)) == 200


class TestErrors:
    def test_a_record_that_is_refused_at_once_is_not_swallowed(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """The client would go on and commit the rest."""
        _, transactions = member
        transactions.begin()
        transactions.produce_state(0, [b"state"])

        with pytest.raises(Fault) as caught:
            transactions.produce([Output(world.reports, b"k", b"x" * 1_000_001)])
        transactions.abort()

        assert caught.value.cause == "output_too_large"
        assert caught.value.action is Action.GIVE_UP
        assert world.reports in str(caught.value)
        assert "1000002 bytes without headers, limit 1000000" in str(caught.value)
        assert world.read(world.state) == []

    def test_why_that_matters(self, world: World) -> None:
        """With the bare client the commit succeeds, without the record."""
        world.make(world.reports)
        producer = Producer(world.servers | {"transactional.id": world.prefix})
        producer.init_transactions(20)
        producer.begin_transaction()
        producer.produce(world.reports, b"first")
        with pytest.raises(KafkaException):
            producer.produce(world.reports, b"x" * 1_000_001)

        producer.commit_transaction(20)

        assert world.read(world.reports) == [(0, b"first")]

    def test_a_record_that_the_broker_refuses_names_its_topic(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """Only the delivery fails, and nothing of the transaction is seen."""
        _, transactions = member
        small = world.make(f"{world.prefix}.small", max_message_bytes="2000")
        transactions.begin()
        transactions.produce([Output(world.reports, b"k", b"fine")])
        transactions.produce([Output(small, b"k", os.urandom(3000))])
        transactions.produce_state(0, [b"state"])

        with pytest.raises(Fault) as caught:
            transactions.flush()
        transactions.abort()

        assert caught.value.cause == "output_too_large"
        assert caught.value.action is Action.GIVE_UP
        assert small in str(caught.value)
        assert world.read(world.reports) == world.read(world.state) == []

    def test_a_topic_that_is_not_there_is_named(self, world: World) -> None:
        """It was there at the start, so somebody deleted it."""
        world.make(world.state)
        transactions = world.transactions()
        transactions.init()
        transactions.begin()
        transactions.produce([Output(f"{world.prefix}.nowhere", b"k", b"v")])

        with pytest.raises(Fault) as caught:
            transactions.flush()

        assert caught.value.cause == "topic_gone"
        assert caught.value.action is Action.GIVE_UP
        assert f"{world.prefix}.nowhere" in str(caught.value)

    def test_the_producer_works_on_after_an_abort(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """A resend uses the same one: its counts and failures begin anew."""
        _, transactions = member
        transactions.begin()
        transactions.produce([Output(world.reports, b"k", b"first", 0)])
        transactions.abort()
        transactions.begin()
        transactions.produce([Output(world.reports, b"k", b"second", 0)])
        transactions.flush()
        transactions.commit()

        assert world.read(world.reports) == [(0, b"second")]

    def test_abort_without_a_transaction_is_nothing(
        self, member: tuple[Source, Transactions]
    ) -> None:
        """A teardown need not know how far things went."""
        _, transactions = member

        transactions.abort()
        transactions.begin()
        transactions.commit()
        transactions.abort()

    def test_a_time_out_above_the_brokers_stops_the_daemon(self, world: World) -> None:
        """Kafka refuses the producer; the settings have to change."""
        options = world.options(producer={"transaction.timeout.ms": "900001"})

        with pytest.raises(Fault) as caught:
            world.transactions(options).init()

        assert caught.value.cause == "setting_refused"
        assert caught.value.action is Action.GIVE_UP
