"""Printing the settings in force."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from consumer.settings.effective import COMMENT_COLUMN, effective, literal, render
from consumer.settings.load import load, load_with_origins
from consumer.settings.model import Completion, Kafka, Settings, Topics
from consumer.settings.origin import SettingsError

SECRETIVE = Settings(
    kafka=Kafka(
        common={"sasl.password": "s3cret", "client.id": "c", "ssl.key.pem": "s3cret"},
        consumer={"property.of.tomorrow": "s3cret"},
    )
)


def test_values_have_units() -> None:
    """As one would write them; "" is "not set"."""
    shown = effective(
        Settings(completion=Completion(inactivity_ms=90_000), topics=Topics(retention_ms=None))
    )
    assert shown["completion.inactivity"] == "90s"
    assert shown["limits.report_bytes"] == "900kB"
    assert shown["topics.retention"] == ""
    assert shown["topics.state"] == "session-reports.state"
    assert shown["http.port"] == 9108
    assert shown["app.static"] is False
    assert shown["kafka.producer.transaction.timeout.ms"] == "10000"


def test_secrets_are_never_printed() -> None:
    """Only that they are set."""
    assert effective(SECRETIVE)["kafka.sasl.password"] == "[redacted]"
    assert effective(SECRETIVE)["kafka.client.id"] == "c"
    assert "s3cret" not in str(effective(SECRETIVE)) + render(SECRETIVE, {})


def test_lines_say_where_a_value_came_from() -> None:
    """In a column of its own, which long values do not push away."""
    servers = ",".join(f"kafka-{number}:9092" for number in range(20))
    given = ["completion.inactivity=5m", "kafka.sasl.password=s3cret"]
    loaded = load_with_origins(None, [*given, f"kafka.bootstrap.servers={servers}"])
    lines = render(loaded.settings, loaded.origins).splitlines()
    table = lines.index("[completion]")
    (inactivity, max_age) = lines[table + 2 : table + 4]
    assert re.fullmatch(r'inactivity = "5m" +# --set', inactivity)
    assert re.fullmatch(r'max_age = "1d" +# default', max_age)
    assert inactivity.index("#") == max_age.index("#") <= COMMENT_COLUMN + 2
    assert any(re.fullmatch(r'"sasl.password" = "\[redacted\]" +# --set', line) for line in lines)
    assert f'"bootstrap.servers" = "{servers}"  # --set' in lines


def test_what_is_printed_can_be_loaded(tmp_path: Path) -> None:
    """It is TOML, and gives the same settings where nothing is secret."""
    given = [
        "completion.inactivity=5m",
        'kafka.client.id=\u00e4"\\\u7f8e',
        "kafka.consumer.fetch.min.bytes=5",
        "kafka.producer.linger.ms=7",
    ]
    loaded = load_with_origins(None, given)
    path = tmp_path / "printed.toml"
    path.write_text(render(loaded.settings, loaded.origins), encoding="utf-8")
    assert load(path) == loaded.settings


def test_what_was_redacted_cannot_be_loaded(tmp_path: Path) -> None:
    """Nobody logs in with the word that stands for a password."""
    path = tmp_path / "printed.toml"
    path.write_text(render(SECRETIVE, {}), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert len(caught.value.problems) == 3
    assert "kafka.sasl.password: stands for a secret that was not shown" in str(caught.value)


def test_literals_are_toml() -> None:
    """TOML wants one more character escaped than JSON."""
    assert literal('a"\n\x7fü') == '"a\\"\\n\\u007fü"'
    assert literal(True) == "true"
    assert literal(5) == "5"
