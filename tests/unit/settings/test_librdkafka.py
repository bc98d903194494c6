"""The tables about librdkafka's properties, held against librdkafka itself."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaException, Producer

from consumer.settings.librdkafka import DEFAULTS, KIP_848_REFUSED, OWNED, PRINTABLE, refusal

# Those that the Python client takes for itself, or that cannot be given as text.
NOT_TEXT = {"logger", "interceptors", "opaque", "delivery.report.only.error"}


def is_known(name: str) -> bool:
    """Whether librdkafka has a property of that name, whatever values it takes.

    The second property is one that it does not have, so no client is ever made.
    """
    with pytest.raises(KafkaException) as caught:
        Producer({name: "1", "no.such.name": "1"})
    return f'No such configuration property: "{name}"' not in str(caught.value)


def test_librdkafka_tells_unknown_names() -> None:
    """Else the next test would prove nothing."""
    assert is_known("client.id")
    assert not is_known("client.idd")


@pytest.mark.parametrize(
    "name",
    sorted(
        PRINTABLE
        | (OWNED.keys() - NOT_TEXT)
        | KIP_848_REFUSED.keys()
        | {default.name for default in DEFAULTS}
    ),
)
def test_every_name_in_the_tables_exists(name: str) -> None:
    """A misspelt one would let through what must be refused, or hide what may be seen."""
    assert is_known(name)


@pytest.mark.parametrize("name", sorted(OWNED))
def test_what_correctness_owns_is_refused_with_a_reason(name: str) -> None:
    """One line, with what to set instead or why not."""
    message = refusal(name)
    assert message is not None
    assert message.startswith("cannot be set: ")
    assert "\n" not in message


@pytest.mark.parametrize("name", sorted(PRINTABLE))
def test_what_is_not_owned_passes(name: str) -> None:
    """Properties are the user's own affair otherwise."""
    assert refusal(name) is None


def test_nothing_secret_is_printable() -> None:
    """By the words that such names have."""
    words = ("password", "secret", "pem", "private", "passphrase", "token", "ssl.key.", "config")
    assert [name for name in PRINTABLE if any(word in name for word in words)] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("error_cb", "cannot be set: this is for programs, not for configuration files"),
        (
            "session_timeout_ms",
            'is no name of a librdkafka property; did you mean "session.timeout.ms"?',
        ),
        ("Client.Id", 'is no name of a librdkafka property; did you mean "client.id"?'),
        ("", 'is no name of a librdkafka property; did you mean ""?'),
    ],
)
def test_names_that_cannot_be_properties_are_refused(name: str, message: str) -> None:
    """They are lower-case words with dots; callbacks are functions."""
    assert refusal(name) == message
