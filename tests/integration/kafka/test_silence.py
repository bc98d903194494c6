"""What the clients do while Kafka does not answer."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.embedded import EmbeddedKafka
from consumer.errors import Action, Fault
from consumer.kafka.transactions import Timeouts, Transactions
from tests.contract.world import Output
from tests.integration.kafka.world import World, joined, read_to
from tests.waiting import until

pytestmark = pytest.mark.kafka

BRIEF = Timeouts(init_s=10, queue_s=1, flush_s=1, offsets_s=1, commit_s=1, abort_s=1)


class Frozen:
    """A Kafka that can be stopped in its tracks, with a producer in a transaction."""

    def __init__(self, kafka: EmbeddedKafka, world: World, transactions: Transactions) -> None:
        self.world = world
        self.transactions = transactions
        self.output = Output(world.reports, b"k", b"v")
        self._pid = kafka.pid or 0

    def freeze(self) -> None:
        """Stop the process of the broker; its connections stay open."""
        freeze(self._pid)

    def thaw(self) -> None:
        """Let it go on, and free the producer."""
        os.kill(self._pid, signal.SIGCONT)
        self.world.close()


def freeze(pid: int) -> None:
    """Stop a process, and wait until it stands still."""
    os.kill(pid, signal.SIGSTOP)
    state = Path(f"/proc/{pid}/stat")
    if state.exists():  # elsewhere there is no telling
        until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "it stands still")


class TestTransactions:
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

        with pytest.raises(Fault, match="the queue stays full") as bulk:
            transactions.produce_keyed(frozen.world.reports, [(b"k", b"v")] * 1000)

        assert caught.value.cause == bulk.value.cause == "broker_unreachable"
        assert frozen.world.reports in str(caught.value)
        assert frozen.world.reports in str(bulk.value)
        transactions.close()

    def test_records_that_ran_out_of_time(self, frozen: Frozen) -> None:
        """Unheard ones, too: no commit is asked for, which Kafka might grant when it is back."""
        options = frozen.world.options(
            "b", producer={"transaction.timeout.ms": "30000", "message.timeout.ms": "1000"}
        )
        patient = dataclasses.replace(BRIEF, flush_s=20)
        transactions = frozen.world.transactions(options, patient)
        transactions.init()
        transactions.begin()
        frozen.freeze()
        transactions.produce_keyed(frozen.world.reports, [(b"k", b"v")] * 10)

        transactions.flush()
        with pytest.raises(Fault) as caught:
            transactions.commit()

        assert caught.value.cause == "commit_failed"
        assert caught.value.action is Action.RESEND


class TestOffsets:
    def test_no_answer_in_time(self, patient_kafka: EmbeddedKafka, topic_prefix: str) -> None:
        """None where the daemon can do without, a fault where it cannot."""
        world = World(patient_kafka.bootstrap_servers, topic_prefix)
        world.make(world.input)
        offsets = world.offsets()
        assert offsets.input_ends([0], 10) == {0: 0}
        assert offsets.committed([0], 10) == {}
        freeze(patient_kafka.pid or 0)
        try:
            began = time.monotonic()
            assert offsets.input_ends([0], 0.5) is None
            with pytest.raises(Fault) as ranges:
                offsets.input_range([0], 0.5)
            with pytest.raises(Fault) as committed:
                offsets.committed([0], 0.5)
            assert time.monotonic() - began < 4
            assert not offsets.free_writer("someone", 1, [0])
            assert time.monotonic() - began < 5
            assert ranges.value.cause == committed.value.cause == "broker_unreachable"
        finally:
            os.kill(patient_kafka.pid or 0, signal.SIGCONT)
        offsets.close()
        world.close()

    def test_nobody_to_free_it(self, world: World) -> None:
        """Told by False, and by a line in the log."""
        options = dataclasses.replace(world.options(), common={"bootstrap.servers": "127.0.0.1:1"})
        offsets = world.offsets(options)

        assert not offsets.free_writer("someone", 0.5)
        offsets.close()


def test_a_broker_that_restarts_is_waited_for(
    patient_kafka: EmbeddedKafka, topic_prefix: str
) -> None:
    """The client connects again by itself: that is no fault, and no record is missed."""
    world = World(patient_kafka.bootstrap_servers, topic_prefix)
    world.make(world.input)
    world.write(world.input, 0, [b"x"] * 100)
    source = world.source(world.options(consumer={"session.timeout.ms": "45000"}))
    joined(source, 1)
    source.start(0, 0)
    first = read_to(source, {0: 100})

    patient_kafka.stop_broker()
    silence = [source.poll(1000, 0.05) for _ in range(20)]
    patient_kafka.start_broker()
    world.write(world.input, 0, [b"x"] * 100)
    second = read_to(source, {0: 200})
    world.close()

    assert not any(polled.batches for polled in silence)
    assert first[0] + second[0] == list(range(200))
