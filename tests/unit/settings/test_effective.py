"""Printing the settings in force."""

from __future__ import annotations

from pathlib import Path

from consumer.settings.effective import effective, literal, render
from consumer.settings.load import load, load_with_origins
from consumer.settings.model import Completion, Kafka, Settings, Topics

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
    assert "s3cret" not in str(effective(SECRETIVE)) + render(SECRETIVE)


def test_lines_say_where_a_value_came_from() -> None:
    """Unless it is the default."""
    loaded = load_with_origins(None, ["completion.inactivity=5m", "kafka.sasl.password=s3cret"])
    lines = render(loaded.settings, loaded.origins).splitlines()
    assert 'completion.inactivity = "5m"  # --set' in lines
    assert 'kafka.sasl.password = "[redacted]"  # --set' in lines
    assert 'completion.max_age = "1d"' in lines


def test_what_is_printed_can_be_loaded(tmp_path: Path) -> None:
    """It is TOML, and gives the same settings where nothing is secret."""
    settings = load(None, ["completion.inactivity=5m", 'kafka.client.id=\u00e4"\\\u7f8e'])
    path = tmp_path / "printed.toml"
    path.write_text(render(settings), encoding="utf-8")
    assert load(path) == settings


def test_literals_are_toml() -> None:
    """TOML wants one more character escaped than JSON."""
    assert literal('a"\n\x7fü') == '"a\\"\\n\\u007fü"'
    assert literal(True) == "true"
    assert literal(5) == "5"
