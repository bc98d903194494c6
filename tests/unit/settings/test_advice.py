"""Warnings about settings that work."""

# messages are quoted whole

from __future__ import annotations

import pytest

from consumer.settings.advice import advice
from consumer.settings.model import MINUTE_MS, Completion, Kafka, Late, Settings

CALM = Completion(inactivity_ms=16 * MINUTE_MS)


def kafka_advice(common: dict[str, str]) -> list[str]:
    """Warnings about properties of all clients, with nothing else to warn of."""
    return advice(Settings(completion=CALM, kafka=Kafka(common=common)))


def test_no_warning_without_a_cause() -> None:
    """Sixteen minutes of inactivity outlast the retries of ThingSpace."""
    assert advice(Settings(completion=CALM)) == []


def test_a_short_inactivity_makes_dead_letters_of_retries() -> None:
    """With that policy only."""
    (line,) = advice(Settings(late=Late(policy="dead-letter")))
    assert line == (
        "completion.inactivity: 1m is under 16m, in which ThingSpace may still retry; with "
        'late.policy = "dead-letter" such callbacks become dead letters'
    )
    assert advice(Settings()) == []


def test_a_short_memory_opens_txids_anew() -> None:
    """Below the longest redelivery."""
    (line,) = advice(Settings(completion=CALM, late=Late(remember_ms=MINUTE_MS)))
    assert line.startswith("late.remember: 1m is under 16m")


def test_a_maximal_age_below_inactivity_is_odd() -> None:
    """It always comes first."""
    completion = Completion(inactivity_ms=20 * MINUTE_MS, max_age_ms=17 * MINUTE_MS)
    (line,) = advice(Settings(completion=completion))
    assert line == (
        "completion.max_age: 17m is below completion.inactivity (20m), which so never acts"
    )


@pytest.mark.parametrize(
    ("properties", "beginning"),
    [
        ({"transaction.timeout.ms": "60001"}, "kafka.transaction.timeout.ms: 60001 is long"),
        (
            {"transaction.timeout.ms": "900001"},
            "kafka.transaction.timeout.ms: 900001 is above 900000",
        ),
        ({"session.timeout.ms": "5999"}, "kafka.session.timeout.ms: 5999 is below 6000"),
        (
            {"sasl.mechanism": "PLAIN", "sasl.password": "s3cret"},
            "kafka.sasl.mechanism: has no effect while kafka.security.protocol is plaintext",
        ),
        (
            {"ssl.ca.location": "/ca", "security.protocol": "SASL_PLAINTEXT"},
            "kafka.ssl.ca.location: has no effect while kafka.security.protocol is sasl_plaintext",
        ),
        (
            {"security.protocol": "sasl_plaintext"},
            "kafka.security.protocol: sasl_plaintext sends credentials and data unencrypted",
        ),
        (
            {"security.protocol": "ssl", "ssl.endpoint.identification.algorithm": "none"},
            "kafka.ssl.endpoint.identification.algorithm: none accepts the certificate of any host",
        ),
        (
            {"security.protocol": "ssl", "enable.ssl.certificate.verification": "False"},
            "kafka.enable.ssl.certificate.verification: false accepts any certificate",
        ),
        (
            {"enable.sasl.oauthbearer.unsecure.jwt": "true"},
            "kafka.enable.sasl.oauthbearer.unsecure.jwt: true sends tokens that nobody signed",
        ),
    ],
)
def test_doubtful_properties_are_named(properties: dict[str, str], beginning: str) -> None:
    """Once, although both clients have them, and without their secrets."""
    lines = kafka_advice(properties)
    assert len([line for line in lines if line.startswith(beginning)]) == 1
    assert "s3cret" not in str(lines)


def test_sound_security_is_no_cause() -> None:
    """SASL over TLS with the checks that librdkafka makes by default."""
    assert (
        kafka_advice(
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "u",
                "sasl.password": "s3cret",
                "ssl.ca.location": "/ca.pem",
            }
        )
        == []
    )


def test_one_client_alone_may_be_at_fault() -> None:
    """The warning names its table."""
    properties = {"security.protocol": "sasl_plaintext"}
    (line,) = advice(Settings(completion=CALM, kafka=Kafka(producer=properties)))
    assert line.startswith("kafka.producer.security.protocol: ")
