"""What may be printed."""

from __future__ import annotations

import pytest

from consumer.settings.secrets import REDACTED, redacted

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
