"""The transactional producer, on a real broker."""

from __future__ import annotations

import os
import weakref

import pytest

from consumer.aggregation.tallies import Tallies
from consumer.errors import Action, Fault
from consumer.kafka.source import Source
from consumer.kafka.transactions import Transactions
from consumer.pipeline.checkpoint import Checkpoint
from consumer.pipeline.flight import Flight
from tests.contract.acts import fault_of, fault_or_none
from tests.contract.world import Output, Position
from tests.integration.kafka.world import World

pytestmark = pytest.mark.kafka


class TestCommit:
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

    def test_a_time_out_above_the_brokers_stops_the_daemon(self, world: World) -> None:
        """Kafka refuses the producer; the settings have to change."""
        options = world.options(producer={"transaction.timeout.ms": "900001"})

        with pytest.raises(Fault) as caught:
            world.transactions(options).init()

        assert caught.value.cause == "setting_refused"
        assert caught.value.action is Action.GIVE_UP


class TestBulk:
    """Records without a delivery callback: whatever becomes of one, it is noticed."""

    def test_a_large_one(self, world: World, member: tuple[Source, Transactions]) -> None:
        """Refused at once, with its topic and its size, although others were taken."""
        _, transactions = member
        transactions.begin()
        records = [(b"k", b"fine")] * 10 + [(b"k", b"x" * 1_000_001)]

        fault = fault_of(lambda: transactions.produce_keyed(world.reports, records))
        transactions.abort()

        assert (fault.action, fault.cause) == (Action.GIVE_UP, "output_too_large")
        assert f"topic {world.reports}, 1000002 bytes" in str(fault)
        assert world.read(world.reports) == []

    def test_one_too_large_for_its_topic(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """The broker refuses it; it shows in the next call, before a commit is asked for."""
        source, transactions = member
        small = world.make(f"{world.prefix}.small", max_message_bytes="2000")
        transactions.begin()
        transactions.produce_keyed(small, [(b"k", os.urandom(3000))])
        flushed = fault_or_none(transactions.flush)

        fault = flushed or fault_of(
            lambda: transactions.send_offsets([Position(0, 5)], source.group_metadata())
        )
        committed = fault_of(transactions.commit)
        transactions.abort()

        assert (fault.action, fault.cause) == (Action.GIVE_UP, "output_too_large")
        assert small in str(fault)
        assert small in str(committed)
        assert world.read(small) == []

    def test_a_topic_that_is_gone(self, world: World, member: tuple[Source, Transactions]) -> None:
        """The commit is refused without a reason; sent once more, topic and reason are told."""
        source, transactions = member
        nowhere = f"{world.prefix}.nowhere"
        records = {world.reports: [(b"k", b"fine")] * 10, nowhere: [(b"k", b"v")] * 10}
        checkpoint = Checkpoint([], records, {}, {}, {}, Tallies())
        transactions.begin()
        transactions.produce_keyed(nowhere, records[nowhere])
        transactions.flush()
        refused = fault_of(transactions.commit)
        transactions.abort()

        fault = fault_of(lambda: Flight(checkpoint, transactions, source).landed(wait=True))
        transactions.abort()

        assert (refused.action, refused.cause) == (Action.RESEND, "commit_failed")
        assert (fault.action, fault.cause) == (Action.GIVE_UP, "topic_gone")
        assert nowhere in str(fault)
        assert world.read(world.reports) == []

    def test_after_an_abort_the_flush_tells(self, world: World) -> None:
        """Topic and reason, of each record that fails; a commit ends the caution."""
        world.make(world.state)
        transactions = world.transactions()
        transactions.init()
        transactions.begin()
        transactions.abort()
        transactions.begin()
        transactions.produce_keyed(f"{world.prefix}.nowhere", [(b"k", b"v")])

        fault = fault_of(transactions.flush)
        transactions.abort()

        assert (fault.action, fault.cause) == (Action.GIVE_UP, "topic_gone")
        assert f"{world.prefix}.nowhere" in str(fault)

    def test_another_producer_took_over(
        self, world: World, member: tuple[Source, Transactions]
    ) -> None:
        """Deliveries fail, which is fatal; from then on every record is refused at once."""
        source, transactions = member
        transactions.begin()
        transactions.produce_keyed(world.reports, [(b"k", b"first")])
        transactions.flush()
        world.transactions().init()
        transactions.produce_keyed(world.reports, [(b"k", b"second")])

        fault = fault_or_none(transactions.flush) or fault_of(
            lambda: transactions.send_offsets([Position(0, 5)], source.group_metadata())
        )
        later = fault_of(lambda: transactions.produce_keyed(world.reports, [(b"k", b"third")]))
        committed = fault_of(transactions.commit)

        causes = {fault.cause, later.cause, committed.cause}
        assert causes == {"fenced"}
        assert f"topic {world.reports}" in str(later)
        assert world.read(world.reports) == []

    def test_those_thrown_away_hold_nothing(self, world: World) -> None:
        """Once it is closed, no record on its way keeps the producer's object."""
        world.make(world.state)
        transactions = Transactions(
            world.options(producer={"transaction.timeout.ms": "30000", "linger.ms": "20000"}),
            input_topic=world.input,
            state_topic=world.state,
            message_max_bytes=1_000_000,
            batch_max_bytes=1_000_000,
        )
        transactions.init()
        transactions.begin()
        transactions.produce_keyed(world.state, [(b"k", b"v")] * 1000)
        left = weakref.ref(transactions)
        transactions.close()
        del transactions

        assert left() is None
