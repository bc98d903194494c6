"""The transactional producer, on a real broker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from consumer.embedded import EmbeddedKafka
from consumer.errors import Action, Fault
from consumer.kafka.source import Source
from consumer.kafka.transactions import Timeouts, Transactions
from tests.integration.kafka.world import Events, Output, Position, World, joined

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


@pytest.fixture
def member(world: World) -> tuple[Source, Transactions]:
    """A member of the group that has all of the input, and its producer, at work."""
    world.make(world.input, 2)
    world.make(world.state, 2)
    world.make(world.reports, 7)
    source = world.source()
    joined(source, 2)
    transactions = world.transactions()
    transactions.init()
    return source, transactions


def committed(world: World) -> dict[int, tuple[int, str | None]]:
    """The group's offsets and their metadata, as another client sees them."""
    reader = {"group.id": world.prefix, "isolation.level": "read_uncommitted"}
    consumer = Consumer(world.servers | reader)
    found = consumer.committed([TopicPartition(world.input, number) for number in range(2)], 10)
    consumer.close()
    return {at.partition: (at.offset, at.metadata) for at in found if at.offset >= 0}


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
        before = world.read(world.reports), world.read(world.state), committed(world)

        transactions.commit()

        assert before == ([], [], {})
        assert world.read(world.reports) == [(3, b"report")]
        assert world.read(world.state) == [(1, b"s0"), (1, b"s1")]
        assert committed(world) == {0: (5, '{"sequence":1}'), 1: (0, "")}

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


class TestOffsets:
    def test_below_zero_are_refused(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """The client would drop them and commit the rest."""
        source, transactions = member
        transactions.begin()

        with pytest.raises(ValueError, match="offset -1001 for partition 1"):
            transactions.send_offsets([Position(0, 5), Position(1, -1001)], source.group_metadata())
        transactions.commit()

        assert committed(world) == {}

    def test_of_an_older_generation_are_sent_again(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """A rebalance came between: abort, and once more with fresh metadata."""
        source, transactions = member
        stale = source.group_metadata()
        other = world.source(world.options("b"))
        rebalanced(source, other)
        transactions.begin()
        transactions.produce([Output(world.reports, b"k", b"report", 0)])
        transactions.flush()

        with pytest.raises(Fault) as caught:
            transactions.send_offsets([Position(0, 5)], stale)
        transactions.abort()
        transactions.begin()
        transactions.produce([Output(world.reports, b"k", b"report", 0)])
        transactions.flush()
        transactions.send_offsets([Position(0, 5)], source.group_metadata())
        transactions.commit()

        assert caught.value.cause == "rebalance_race"
        assert caught.value.action is Action.RESEND
        assert world.read(world.reports) == [(0, b"report")]
        assert committed(world) == {0: (5, "")}

    def test_of_one_who_left_are_refused(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """Its partitions may belong to another by now."""
        source, transactions = member
        metadata = source.group_metadata()
        source.close()
        transactions.begin()

        with pytest.raises(Fault) as caught:
            transactions.send_offsets([Position(0, 5)], metadata)

        assert caught.value.cause == "not_a_member"
        assert caught.value.action is Action.TEAR_DOWN
        assert committed(world) == {}


class TestFencing:
    def test_the_older_of_two_is_told(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """With what to do about it, and what it wrote is gone."""
        _, older = member
        older.begin()
        older.produce([Output(world.reports, b"k", b"older", 0)])
        older.flush()
        newer = world.transactions()
        newer.init()

        with pytest.raises(Fault) as caught:
            older.commit()
        newer.begin()
        newer.produce([Output(world.reports, b"k", b"newer", 0)])
        newer.flush()
        newer.commit()

        assert caught.value.cause == "fenced"
        assert caught.value.action is Action.TEAR_DOWN
        assert "app.instance" in str(caught.value)
        assert world.read(world.reports) == [(0, b"newer")]

    def test_a_successor_ends_what_was_left_open(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """A member that comes back after a crash does not wait for its own transaction."""
        _, dead = member
        dead.begin()
        dead.produce_state(0, [b"torn"])
        dead.flush()
        dead.close()

        began = time.monotonic()
        world.transactions().init()

        assert time.monotonic() - began < 5
        assert world.read(world.state) == []
        assert world.offsets().state_range([0], 10) == {0: (0, 2)}


class TestSilence:
    """Kafka stops answering in the middle of it."""

    @pytest.fixture
    def frozen(self, patient_kafka: EmbeddedKafka, topic_prefix: str) -> Iterator[Frozen]:
        """A producer in a transaction, and the means to freeze its Kafka."""
        world = World(patient_kafka.bootstrap_servers, topic_prefix)
        world.make(world.reports)
        transactions = world.transactions(timeouts=BRIEF)
        transactions.init()
        transactions.begin()
        frozen = Frozen(patient_kafka, world, transactions)
        yield frozen
        frozen.thaw()

    def test_a_commit_without_an_answer(self, frozen: Frozen) -> None:
        """It is not known how it ended, so this producer is never used again."""
        frozen.transactions.produce([frozen.output])
        frozen.transactions.flush()
        frozen.freeze()

        with pytest.raises(Fault) as caught:
            frozen.transactions.commit()

        assert caught.value.cause == "commit_timeout"
        assert caught.value.action is Action.TEAR_DOWN

    def test_a_flush_without_an_answer(self, frozen: Frozen) -> None:
        """It says how many records are not delivered."""
        frozen.freeze()
        frozen.transactions.produce([frozen.output])

        with pytest.raises(Fault, match="1 records not delivered after 1 s") as caught:
            frozen.transactions.flush()

        assert caught.value.cause == "broker_unreachable"
        assert caught.value.action is Action.TEAR_DOWN

    def test_abort_and_close_do_not_hang(self, frozen: Frozen) -> None:
        """A teardown takes its time limits and no more."""
        frozen.transactions.produce([frozen.output])
        frozen.transactions.flush()
        frozen.freeze()
        frozen.transactions.produce([frozen.output] * 100)
        began = time.monotonic()

        with pytest.raises(Fault) as caught:
            frozen.transactions.abort()
        frozen.transactions.close()

        assert caught.value.cause == "commit_timeout"
        assert time.monotonic() - began < 5

    def test_a_full_queue_waits_and_then_gives_up(self, frozen: Frozen) -> None:
        """No record is dropped for want of room."""
        options = frozen.world.options(
            "b",
            producer={
                "transaction.timeout.ms": "30000",
                "queue.buffering.max.messages": "10",
            },
        )
        transactions = frozen.world.transactions(options, BRIEF)
        transactions.init()
        transactions.begin()
        transactions.produce([frozen.output] * 1000)
        transactions.flush()
        frozen.freeze()

        with pytest.raises(Fault, match="the queue stays full") as caught:
            transactions.produce([frozen.output] * 1000)

        assert caught.value.cause == "broker_unreachable"
        assert frozen.world.reports in str(caught.value)
        transactions.close()


class Frozen:
    """A Kafka that can be stopped in its tracks, with a producer in a transaction."""

    def __init__(self, kafka: EmbeddedKafka, world: World, transactions: Transactions) -> None:
        self.world = world
        self.transactions = transactions
        self.output = Output(world.reports, b"k", b"v")
        self._pid = kafka.pid or 0

    def freeze(self) -> None:
        """Stop the process of the broker; its connections stay open."""
        os.kill(self._pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on, and free the producer."""
        os.kill(self._pid, signal.SIGCONT)
        self.world.close()


def rebalanced(first: Source, second: Source) -> None:
    """Let a second member join; both poll until it has its share."""
    events = Events()
    second.subscribe(events)
    deadline = time.monotonic() + 20
    while not events.held:
        assert time.monotonic() < deadline, "the second member got nothing"
        first.poll(1, 0.02)
        second.poll(1, 0.02)
