"""Keeps secrets out of everything that is printed.

By a list of what may be seen and not of what may not: a librdkafka property that nobody
here has heard of is hidden too.
"""

from __future__ import annotations

from consumer.settings.catalogue import SETTINGS, property_of
from consumer.settings.librdkafka import PRINTABLE
from consumer.settings.model import Settings

REDACTED = "[redacted]"

SECRET_CHARACTERS_MIN = 4
"""Shorter values are not looked for in text: they match by accident."""


def redacted(name: str, value: str) -> str:
    """`value`, or `REDACTED` where it may be secret.

    Args:
        name: dotted, of a setting (`http.port`, `kafka.sasl.password`), or the bare name
            of a librdkafka property (`sasl.password`).
        value: as it would be printed.
    """
    if name in SETTINGS:
        return value
    found = property_of(name)
    return value if (found[1] if found else name) in PRINTABLE else REDACTED


def secret_values(settings: Settings) -> list[str]:
    """Every value that must not show up in any text, for whoever writes text.

    Without those that hide nothing and stand in many a line: a property that nobody here
    knows may well be a flag or a small number.
    """
    tables = (settings.kafka.common, settings.kafka.consumer, settings.kafka.producer)
    return [
        value
        for table in tables
        for name, value in table.items()
        if redacted(name, value) is REDACTED
        and len(value) >= SECRET_CHARACTERS_MIN
        and value.lower() not in ("true", "false")
    ]
