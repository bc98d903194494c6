"""The list of settings as read off the structs."""

from __future__ import annotations

import msgspec
import pytest

from consumer.settings import catalogue
from consumer.settings.catalogue import (
    SETTINGS,
    TABLES,
    Kind,
    Setting,
    effective_property,
    nearest,
    property_name,
    property_of,
)
from consumer.settings.model import Completion, Kafka, Settings

ALL = list(SETTINGS.values())


def test_names_are_those_of_the_contract() -> None:
    """Dotted, in the order of the structs, durations without `_ms`."""
    assert list(SETTINGS) == [
        "app.id",
        "app.instance",
        "app.start_at",
        "app.static",
        "topics.callbacks",
        "topics.reports",
        "topics.metrics",
        "topics.dead_letters",
        "topics.state",
        "topics.partitions",
        "topics.replication_factor",
        "topics.retention",
        "completion.device_limit",
        "completion.inactivity",
        "completion.max_age",
        "completion.idle",
        "late.policy",
        "late.remember",
        "limits.clock_skew",
        "limits.state_bytes",
        "limits.txid_bytes",
        "limits.report_bytes",
        "commit.interval",
        "commit.max_reports",
        "metrics.window",
        "shutdown.timeout",
        "http.host",
        "http.port",
        "http.stalled",
        "log.level",
        "log.format",
        "kafka.connect_timeout",
    ]


def test_a_setting_knows_its_kind_and_range() -> None:
    """What the annotation says, in one flat value."""
    assert SETTINGS["http.stalled"] == Setting(
        table="http",
        key="stalled",
        attribute="stalled_ms",
        kind=Kind.DURATION,
        default=30_000,
        description="/livez answers 503 when the loop has not turned for this long.",
        minimum=1_000,
        maximum=86_400_000,
    )
    assert SETTINGS["limits.report_bytes"].kind is Kind.SIZE
    assert SETTINGS["app.static"].kind is Kind.FLAG
    assert SETTINGS["app.start_at"].choices == ("earliest", "latest")


@pytest.mark.parametrize("setting", ALL, ids=lambda s: s.name)
def test_every_setting_is_explained_in_one_line(setting: Setting) -> None:
    """A sentence that fits into the file of settings."""
    assert setting.description.endswith(".")
    assert "\n" not in setting.description
    assert 20 < len(setting.description) <= 98


@pytest.mark.parametrize("setting", ALL, ids=lambda s: s.name)
def test_every_number_has_a_range_that_holds_its_default(setting: Setting) -> None:
    """No number is without a limit."""
    if setting.kind in (Kind.INTEGER, Kind.DURATION, Kind.SIZE):
        assert setting.minimum < setting.maximum
        assert setting.default is None or setting.minimum <= int(setting.default) <= setting.maximum


def test_a_field_that_nobody_can_write_is_a_bug() -> None:
    """It is found as soon as the settings are imported."""

    class Bad(msgspec.Struct):
        ratio: float = 0.5

    (field,) = msgspec.inspect.type_info(Bad).fields  # type: ignore[attr-defined] # a Struct
    with pytest.raises(TypeError, match=r"^bad\.ratio: no way to read"):
        catalogue._setting("bad", field, "ratio")


def test_every_table_is_explained() -> None:
    """The first line of the struct's docstring, a sentence."""
    assert all(text.endswith(".") and len(text) < 98 for text in TABLES.values())


def test_a_setting_finds_its_value() -> None:
    """By name in any settings."""
    settings = Settings(completion=Completion(inactivity_ms=5))
    assert SETTINGS["completion.inactivity"].of(settings) == 5


def test_names_of_properties_are_taken_apart_and_put_together() -> None:
    """The table is known by the longest prefix."""
    for name, expected in {
        "kafka.client.id": ("common", "client.id"),
        "kafka.consumer.client.id": ("consumer", "client.id"),
        "kafka.producer.client.id": ("producer", "client.id"),
    }.items():
        assert property_of(name) == expected
        assert property_name(*expected) == name
    assert property_of("http.port") is None


def test_the_property_of_a_client_is_found_where_it_was_given() -> None:
    """In its own table first, then in the one for all."""
    settings = Settings(kafka=Kafka(common={"a": "1", "b": "1"}, consumer={"a": "2"}))
    assert effective_property(settings, "consumer", "a") == ("kafka.consumer.a", "2")
    assert effective_property(settings, "producer", "a") == ("kafka.a", "1")
    assert effective_property(settings, "consumer", "c") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("completion.inactivty", "completion.inactivity"),
        ("complete.inactivity", "completion.inactivity"),
        ("inactivity", "completion.inactivity"),
        ("timeouts.max_age", "completion.max_age"),
        ("zzz", None),
    ],
)
def test_the_nearest_name_is_proposed(name: str, expected: str | None) -> None:
    """A misspelt name, or the right key in a wrong table or in none."""
    assert nearest(name) == expected
