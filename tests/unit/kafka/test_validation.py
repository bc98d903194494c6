"""What librdkafka has against properties, found without a broker."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from consumer.kafka.properties import ClientOptions
from consumer.kafka.validation import Refusal, refusals

OPTIONS = ClientOptions(
    group="app",
    transactional_id="app-a",
    common={"bootstrap.servers": "broker:9092", "client.id": "me"},
)
Table = Mapping[str, str]


def refused(
    common: Table | None = None, consumer: Table | None = None, producer: Table | None = None
) -> list[Refusal]:
    """What the library says of these properties."""
    options = dataclasses.replace(
        OPTIONS, common=common or {}, consumer=consumer or {}, producer=producer or {}
    )
    return refusals(options)


def test_what_librdkafka_knows_passes() -> None:
    """Without a broker anywhere."""
    assert refusals(OPTIONS) == []


@pytest.mark.parametrize(
    ("common", "consumer", "producer"),
    [
        ({}, {"fetch.wait.max.sm": "1"}, {}),
        ({}, {"fetch.wait.max.ms": "much"}, {}),
        ({}, {"fetch.min.bytes": "0"}, {}),
        ({}, {"session.timeout.ms": "99999999999999999999"}, {}),
        ({}, {"stats_cb": "x"}, {}),
        ({}, {}, {"linger.mss": "1"}),
        ({}, {}, {"compression.type": "zip"}),
        ({}, {}, {"batch.size": "much"}),
        ({}, {}, {"security.protocol": "sasl"}),
        ({"debug": "what"}, {}, {}),
        ({"security.protocol": "ssl", "ssl.ca.location": "/nowhere"}, {}, {}),
    ],
)
def test_what_it_does_not_take_is_named(common: Table, consumer: Table, producer: Table) -> None:
    """As it was given, in its table, with one line in the words of the library."""
    (refusal,) = refused(common, consumer, producer)

    table = "common" if common else "consumer" if consumer else "producer"
    assert refusal.table == table
    assert refusal.name == [*(common or consumer or producer)][-1]
    assert refusal.message
    assert "\n" not in refusal.message
    assert not refusal.message.startswith("Failed to create")


def test_everything_is_found_at_once() -> None:
    """Although the library stops at the first: alone first, then what does not go together."""
    found = refused(
        {"nope": "1", "debug": "what", "security.protocol": "sasl_ssl"},
        {"fetch.min.bytes": "0", "session.timeout.ms": "2000", "max.poll.interval.ms": "1000"},
        {"compression.type": "zip"},
    )

    assert [(one.table, one.name) for one in found] == [
        ("common", "nope"),
        ("common", "debug"),
        ("consumer", "fetch.min.bytes"),
        ("producer", "compression.type"),
        ("consumer", "session.timeout.ms"),
    ]


def test_what_names_no_property_is_told_alone() -> None:
    """It may follow from what is wrong besides."""
    needs_more = {"security.protocol": "sasl_ssl"}

    (alone,) = refused(needs_more)
    (other,) = refused({**needs_more, "debug": "what"})

    assert (alone.table, alone.name) == ("common", "")
    assert "SASL" in alone.message
    assert other.name == "debug"


def test_what_is_not_complete_is_not_judged_as_a_whole() -> None:
    """A password that could not be read is not missing."""
    common = {"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN", "sasl.username": "me"}
    options = dataclasses.replace(OPTIONS, common=common)

    assert [one.name for one in refusals(options)] == ["sasl.username"]
    assert refusals(options, complete=False) == []
    wrong = dataclasses.replace(options, consumer={"debug": "what"})
    assert [one.name for one in refusals(wrong, complete=False)] == ["debug"]
