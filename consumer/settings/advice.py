"""Warnings: settings that work, but perhaps not as meant.

`check` prints them and `run` logs them. What cannot work is in `checks`.
"""

from __future__ import annotations

from collections.abc import Iterator

from consumer.settings.catalogue import effective_property
from consumer.settings.model import MINUTE_MS, Settings
from consumer.settings.units import format_duration

RETRIES_MS = 16 * MINUTE_MS
"""ThingSpace sends a callback again up to three times, five minutes apart."""

BROKER_TRANSACTION_TIMEOUT_MAX_MS = 15 * MINUTE_MS
"""The brokers' default of `transaction.max.timeout.ms`."""

BROKER_SESSION_TIMEOUT_MIN_MS = 6_000
"""The brokers' default of `group.min.session.timeout.ms`."""


def advice(settings: Settings) -> list[str]:
    """One line per warning; each begins with the name of the setting."""
    return [*_times(settings), *_transactions(settings), *_security(settings)]


def _times(settings: Settings) -> Iterator[str]:
    inactivity, remember = settings.completion.inactivity_ms, settings.late.remember_ms
    retries = format_duration(RETRIES_MS)
    if inactivity < RETRIES_MS and settings.late.policy == "dead-letter":
        yield (
            f"completion.inactivity: {format_duration(inactivity)} is under {retries}, in which "
            'ThingSpace may still retry; with late.policy = "dead-letter" such callbacks become '
            "dead letters"
        )
    if remember < RETRIES_MS:
        yield (
            f"late.remember: {format_duration(remember)} is under {retries}, in which ThingSpace "
            "may still retry; such a callback opens its txid anew, and the new report takes the "
            "place of the old one in a compacted topic"
        )
    if settings.completion.max_age_ms < inactivity:
        yield (
            f"completion.max_age: {format_duration(settings.completion.max_age_ms)} is below "
            f"completion.inactivity ({format_duration(inactivity)}), which so never acts"
        )


def _transactions(settings: Settings) -> Iterator[str]:
    timeout_ms = settings.kafka.transaction_timeout_ms
    name, _ = effective_property(settings, "producer", "transaction.timeout.ms") or ("", "")
    if timeout_ms > BROKER_TRANSACTION_TIMEOUT_MAX_MS:
        yield (
            f"{name}: {timeout_ms} is above {BROKER_TRANSACTION_TIMEOUT_MAX_MS}, the most that "
            "brokers allow unless their transaction.max.timeout.ms is raised"
        )
    elif timeout_ms > MINUTE_MS:
        yield (
            f"{name}: {timeout_ms} is long; readers of the outputs wait so long when a member "
            "dies within a transaction"
        )
    name, session = effective_property(settings, "consumer", "session.timeout.ms") or ("", "")
    if session.isdecimal() and int(session) < BROKER_SESSION_TIMEOUT_MIN_MS:
        yield (
            f"{name}: {session} is below "
            f"{BROKER_SESSION_TIMEOUT_MIN_MS}, the least that brokers allow unless their "
            "group.min.session.timeout.ms is lowered"
        )


def _security(settings: Settings) -> Iterator[str]:
    lines: dict[str, None] = {}  # what both clients share is said once
    for client in ("consumer", "producer"):
        for name, message in _insecure(settings, client):
            lines[f"{name}: {message}"] = None
    yield from lines


def _insecure(settings: Settings, client: str) -> Iterator[tuple[str, str]]:
    default = ("kafka.security.protocol", "plaintext")
    name, protocol = effective_property(settings, client, "security.protocol") or default
    protocol = protocol.lower()
    for family in ("sasl", "ssl"):
        for prop in _FIRST_SIGNS[family]:
            found = effective_property(settings, client, prop)
            if found and family not in protocol.split("_"):
                yield found[0], f"has no effect while {name} is {protocol}"
                break
    if protocol == "sasl_plaintext":
        yield name, "sasl_plaintext sends credentials and data unencrypted; prefer sasl_ssl"
    for prop, value, message in _RISKS:
        found = effective_property(settings, client, prop)
        if found and found[1].lower() == value:
            yield found[0], message


_FIRST_SIGNS = {
    "sasl": ("sasl.mechanism", "sasl.mechanisms", "sasl.username", "sasl.password"),
    "ssl": ("ssl.ca.location", "ssl.ca.pem", "ssl.certificate.location", "ssl.keystore.location"),
}
"""Properties that show that SASL or TLS is meant to be used."""

_RISKS = (
    (
        "ssl.endpoint.identification.algorithm",
        "none",
        "none accepts the certificate of any host; the cluster can be impersonated",
    ),
    (
        "enable.ssl.certificate.verification",
        "false",
        "false accepts any certificate; the cluster can be impersonated",
    ),
    (
        "enable.sasl.oauthbearer.unsecure.jwt",
        "true",
        "true sends tokens that nobody signed; for tests only",
    ),
)
"""(property, value, what it means)."""
