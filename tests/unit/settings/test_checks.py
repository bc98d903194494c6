"""Settings that are right one by one and wrong together."""

# ruff: noqa: E501  # messages are quoted whole

from __future__ import annotations

import pytest

from consumer.settings.checks import mismatches
from consumer.settings.model import App, Kafka, Settings, Topics


def told(settings: Settings) -> list[tuple[str, str]]:
    """What is wrong: the setting that is blamed, and the message."""
    return [(mismatch.names[0], mismatch.message) for mismatch in mismatches(settings)]


def test_the_defaults_fit() -> None:
    """Nothing is wrong with them."""
    assert told(Settings()) == []


@pytest.mark.parametrize("topic", ["a b", "a/b", "ä", ".", "..", "x" * 250, "a:b"])
def test_a_topic_needs_a_name_that_kafka_takes(topic: str) -> None:
    """Letters, digits, dot, underscore and hyphen, at most 249 of them."""
    ((name, message),) = told(Settings(topics=Topics(reports=topic)))
    assert name == "topics.reports"
    assert message == f'"{topic}" is no name of a topic: 1 to 249 of a-z A-Z 0-9 . _ -'


def test_an_app_id_must_fit_into_the_name_of_the_state_topic() -> None:
    """The app.id is blamed where it makes that name, and only there."""
    assert told(Settings(app=App(id="a b"))) == [
        (
            "app.id",
            'as name of the state topic "a b.state" is no name of a topic: 1 to 249 of a-z A-Z 0-9 . _ -',
        )
    ]
    assert told(Settings(app=App(id="a b"), topics=Topics(state="ab"))) == []


def test_topics_are_five_different_ones() -> None:
    """Also in the eyes of Kafka, to which a dot and an underscore are one in a name."""
    assert told(
        Settings(topics=Topics(reports="a.b", metrics="a_b", state="thingspace.callbacks"))
    ) == [
        (
            "topics.state",
            '"thingspace.callbacks" is taken by topics.callbacks (. and _ count as the same); choose another',
        ),
        (
            "topics.metrics",
            ('"a_b" is taken by topics.reports (. and _ count as the same); choose another'),
        ),
    ]


def test_a_replication_factor_of_zero_is_none() -> None:
    """It lies between -1 (the broker's default) and 1."""
    ((name, _),) = told(Settings(topics=Topics(replication_factor=0)))
    assert name == "topics.replication_factor"


def test_there_are_two_group_protocols() -> None:
    """Whatever table they are in."""
    assert told(Settings(kafka=Kafka(common={"group.protocol": "share"}))) == [
        ("kafka.group.protocol", 'expected "classic" or "consumer"')
    ]
    assert told(Settings(kafka=Kafka(consumer={"group.protocol": "consumer"}))) == []


@pytest.mark.parametrize("name", ["session.timeout.ms", "heartbeat.interval.ms"])
def test_kip_848_leaves_timeouts_to_the_broker(name: str) -> None:
    """They are refused with that protocol, and with the reason."""
    given = {name: "5000"}
    kafka = Kafka(common={"group.protocol": "consumer"}, consumer=given)
    ((blamed, message),) = told(Settings(kafka=kafka))
    assert blamed == f"kafka.consumer.{name}"
    assert "group.protocol=consumer" in message
    assert told(Settings(kafka=Kafka(consumer=given))) == []


@pytest.mark.parametrize(
    "value", ["soon", "999", "2147483648", "-1", "10s", "\u0661\u0660\u0660\u0660"]
)
def test_the_transaction_timeout_is_a_number(value: str) -> None:
    """We reckon with it, so librdkafka's own check would come too late."""
    kafka = Kafka(common={"transaction.timeout.ms": value})
    assert told(Settings(kafka=kafka)) == [
        ("kafka.transaction.timeout.ms", "expected milliseconds from 1000 to 2147483647")
    ]
