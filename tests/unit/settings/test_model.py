"""The structs by themselves."""

from __future__ import annotations

import pytest

from consumer.settings.model import App, Kafka, Settings, Topics


def test_the_state_topic_is_named_after_the_app() -> None:
    """Where no name is given, `topics.state` is `<app.id>.state`."""
    assert Settings().topics.state == "session-reports.state"
    assert Settings(app=App(id="north")).topics.state == "north.state"


def test_a_given_state_topic_is_kept() -> None:
    """`topics.state` is not touched when it is set."""
    assert Settings(topics=Topics(state="mine")).topics.state == "mine"


def test_settings_cannot_be_changed() -> None:
    """What was loaded holds for the whole run."""
    with pytest.raises(AttributeError):
        Settings().app.id = "other"  # type: ignore[misc] # that is the point


def test_kafka_starts_from_our_defaults() -> None:
    """Three properties have a default of ours; all else is librdkafka's."""
    kafka = Kafka()
    assert kafka.common == {"bootstrap.servers": "localhost:9092"}
    assert kafka.consumer == {"session.timeout.ms": "10000"}
    assert kafka.producer == {"transaction.timeout.ms": "10000"}
    assert kafka.group_protocol == "classic"
    assert kafka.transaction_timeout_ms == 10_000


def test_a_property_for_all_clients_takes_the_place_of_our_default() -> None:
    """A default of ours for one client never goes over what the user wrote for all."""
    kafka = Kafka(common={"session.timeout.ms": "6000", "transaction.timeout.ms": "20000"})
    assert kafka.consumer == {}
    assert kafka.producer == {}
    assert kafka.transaction_timeout_ms == 20_000


def test_a_property_for_one_client_goes_over_the_one_for_all() -> None:
    """`[kafka.producer]` goes over `[kafka]`, and so for the group protocol."""
    kafka = Kafka(
        common={"transaction.timeout.ms": "20000", "group.protocol": "classic"},
        consumer={"group.protocol": "consumer"},
        producer={"transaction.timeout.ms": "30000"},
    )
    assert kafka.transaction_timeout_ms == 30_000
    assert kafka.group_protocol == "consumer"


@pytest.mark.parametrize("table", ["common", "consumer"])
def test_under_kip_848_the_session_timeout_is_left_to_the_broker(table: str) -> None:
    """A client that sets it is refused, so our default is not set there."""
    properties = {"group.protocol": "consumer"}
    kafka = Kafka(common=properties) if table == "common" else Kafka(consumer=properties)
    assert "session.timeout.ms" not in kafka.common | kafka.consumer


def test_an_empty_property_counts_as_not_given() -> None:
    """Neither is "" passed to librdkafka, nor does it take away a default of ours."""
    kafka = Kafka(common={"client.rack": "", "bootstrap.servers": ""})
    assert kafka.common == {"bootstrap.servers": "localhost:9092"}


def test_values_of_properties_are_not_in_the_repr() -> None:
    """Neither in Python's nor in rich's, which tracebacks print."""
    kafka = Kafka(common={"sasl.password": "s3cret"})
    assert "s3cret" not in repr(Settings(kafka=kafka)) + str(list(kafka.__rich_repr__()))
    assert "common=['bootstrap.servers', 'sasl.password']" in repr(kafka)
