"""What may be printed."""

from __future__ import annotations

import pytest

from consumer.settings.model import Kafka, Settings
from consumer.settings.secrets import REDACTED, redacted, secret_values

SECRET = [
    "sasl.password",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
    "sasl.kerberos.kinit.cmd",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.certificate.pem",
    "ssl.ca.pem",
    "https.ca.pem",
    "ssl.keystore.password",
    "property.of.tomorrow",
]


@pytest.mark.parametrize("prefix", ["", "kafka.", "kafka.consumer.", "kafka.producer."])
@pytest.mark.parametrize("name", SECRET)
def test_secrets_are_redacted(prefix: str, name: str) -> None:
    """By their own name and in every table; what is unknown too."""
    assert redacted(prefix + name, "s3cret") == REDACTED


@pytest.mark.parametrize(
    "name",
    [
        "http.port",
        "kafka.connect_timeout",
        "bootstrap.servers",
        "kafka.bootstrap.servers",
        "kafka.consumer.group.protocol",
        "kafka.sasl.username",
    ],
)
def test_what_is_known_to_be_harmless_is_shown(name: str) -> None:
    """Settings of our own, and properties on the list."""
    assert redacted(name, "value") == "value"


def test_secret_values_are_collected_from_every_table() -> None:
    """Those of properties that may not be printed, and no others."""
    kafka = Kafka(
        common={"sasl.password": "s3cret", "client.id": "client"},
        consumer={"property.of.tomorrow": "hidden"},
        producer={"ssl.key.password": "0123456"},
    )
    assert secret_values(Settings(kafka=kafka)) == ["s3cret", "hidden", "0123456"]


def test_flags_and_small_numbers_are_not_looked_for_in_text() -> None:
    """Every line of a log would lose its ones and its trues."""
    kafka = Kafka(common={"new.flag": "true", "new.number": "1", "another.flag": "False"})
    assert secret_values(Settings(kafka=kafka)) == []
