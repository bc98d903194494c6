"""The transactional producer, on a real broker."""

from __future__ import annotations

import os

import pytest

from consumer.errors import Action, Fault
from consumer.kafka.source import Source
from consumer.kafka.transactions import Transactions
from tests.contract.world import Output
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
