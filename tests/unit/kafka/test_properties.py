"""From settings to librdkafka's configurations."""

from __future__ import annotations

import dataclasses

import pytest
from confluent_kafka import Consumer

from consumer.kafka import properties
from consumer.kafka.properties import ClientOptions

OPTIONS = ClientOptions(
    group="app",
    transactional_id="app-a",
    common={"bootstrap.servers": "broker:9092", "client.id": "me"},
)
SIZES = {"message_max_bytes": 2_000_000, "batch_max_bytes": 1_500_000}


def with_consumer(**changes: str) -> ClientOptions:
    """Options with these properties in `[kafka.consumer]`, `_` for a dot."""
    named = {name.replace("_", "."): value for name, value in changes.items()}
    return dataclasses.replace(OPTIONS, consumer=named)


def with_producer(**changes: str) -> ClientOptions:
    """Options with these properties in `[kafka.producer]`, `_` for a dot."""
    named = {name.replace("_", "."): value for name, value in changes.items()}
    return dataclasses.replace(OPTIONS, producer=named)


class TestSource:
    def test_reads_committed_records_and_commits_nothing_itself(self) -> None:
        """What exactly-once rests on."""
        config = properties.source(OPTIONS)

        assert config["isolation.level"] == "read_committed"
        assert config["enable.auto.commit"] == config["enable.auto.offset.store"] == "false"
        assert config["auto.offset.reset"] == "error"
        assert config["enable.partition.eof"] == "true"
        assert config["allow.auto.create.topics"] == "false"
        assert config["group.id"] == "app"
        assert "group.instance.id" not in config

    def test_a_static_member_has_an_instance(self) -> None:
        """Its name in the group is that of the instance."""
        config = properties.source(dataclasses.replace(OPTIONS, instance="a"))

        assert config["group.instance.id"] == "a"

    def test_what_the_broker_owns_is_not_named(self) -> None:
        """The client refuses it with group.protocol=consumer."""
        config = properties.source(with_consumer(group_protocol="consumer"))

        assert "partition.assignment.strategy" not in config
        assert "heartbeat.interval.ms" not in config
        properties.create(Consumer, config | {"bootstrap.servers": ""})

    @pytest.mark.parametrize(
        ("session_ms", "heartbeat_ms"), [("10000", "1000"), ("1500", "500"), ("3000", "1000")]
    )
    def test_the_heartbeat_fits_the_session(self, session_ms: str, heartbeat_ms: str) -> None:
        """Three of them at least, or the member would be thrown out by its own silence."""
        config = properties.source(with_consumer(session_timeout_ms=session_ms))

        assert config["heartbeat.interval.ms"] == heartbeat_ms

    def test_the_users_word_goes_over_ours(self) -> None:
        """Speed is a matter of taste; the special table goes over the common one."""
        options = with_consumer(fetch_wait_max_ms="7", client_id="special")

        config = properties.source(options)

        assert config["fetch.wait.max.ms"] == "7"
        assert config["client.id"] == "special"
        assert config["fetch.queue.backoff.ms"] == "5"

    def test_tells_of_its_group_when_asked_to(self) -> None:
        """At `log.level=debug`; a `debug` of the user's is another wish."""
        talkative = dataclasses.replace(OPTIONS, debug=True)

        assert properties.source(talkative)["debug"] == "cgrp"
        assert "debug" not in properties.source(OPTIONS)
        special = dataclasses.replace(talkative, common={"debug": "broker"})
        assert properties.source(special)["debug"] == "broker"


class TestStateReader:
    def test_belongs_to_no_group(self) -> None:
        """It bears the name alone; what is for members is left out."""
        options = with_consumer(group_protocol="consumer", session_timeout_ms="1000")

        config = properties.state_reader(options)

        assert config["group.id"] == "app"
        assert config["isolation.level"] == "read_committed"
        assert config["auto.offset.reset"] == "error"
        assert not {"group.protocol", "session.timeout.ms", "group.instance.id"} & set(config)


class TestProducer:
    def test_tells_of_its_transactions_when_asked_to(self) -> None:
        """At `log.level=debug`; a `debug` of the user's is another wish."""
        talkative = dataclasses.replace(OPTIONS, debug=True)

        assert properties.producer(talkative, **SIZES)["debug"] == "eos"
        assert "debug" not in properties.producer(OPTIONS, **SIZES)
        special = dataclasses.replace(talkative, producer={"debug": "msg"})
        assert properties.producer(special, **SIZES)["debug"] == "msg"

    def test_is_transactional_and_places_keys_as_java_does(self) -> None:
        """With the id of the member."""
        config = properties.producer(OPTIONS, **SIZES)

        assert config["transactional.id"] == "app-a"
        assert config["enable.idempotence"] == "true"
        assert config["partitioner"] == "murmur2_random"
        assert config["compression.type"] == "lz4"
        assert config["message.max.bytes"] == "2000000"

    @pytest.mark.parametrize(
        ("wish", "size"), [("", "1000000"), ("5000", "5000"), ("9000000", "1500000")]
    )
    def test_a_batch_fits_the_smallest_topic(self, wish: str, size: str) -> None:
        """Whatever the user says: a broker refuses larger ones."""
        options = with_producer(batch_size=wish) if wish else OPTIONS

        assert properties.producer(options, **SIZES)["batch.size"] == size

    @pytest.mark.parametrize("size", ["much", "-1", "5kB", "\u00b2", "9" * 5_000])
    def test_what_is_no_number_is_left_to_the_library(self, size: str) -> None:
        """Its complaint names the property; ours would be a traceback."""
        options = with_producer(batch_size=size)

        assert properties.producer(options, **SIZES)["batch.size"] == size
        assert (
            properties.source(with_consumer(session_timeout_ms=size))["session.timeout.ms"] == size
        )

    def test_the_transaction_time_out_is_known(self) -> None:
        """From the special table, the common one, or the library."""
        common = dataclasses.replace(OPTIONS, common={"transaction.timeout.ms": "2"})

        assert with_producer(transaction_timeout_ms="3").transaction_timeout_ms == 3
        assert common.transaction_timeout_ms == 2
        assert OPTIONS.transaction_timeout_ms == 60_000
