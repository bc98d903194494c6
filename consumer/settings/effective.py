"""Prints the settings in force, with units and without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping

from consumer.settings import units
from consumer.settings.catalogue import PROPERTY_TABLES, SETTINGS, Kind, Setting, property_name
from consumer.settings.model import Settings
from consumer.settings.origin import DEFAULT, Origin
from consumer.settings.secrets import redacted


def effective(settings: Settings) -> dict[str, str | int | bool]:
    """Dotted name -> value, of every setting and every librdkafka property that is set.

    Durations and sizes have their unit, `""` is "not set", and secrets are redacted: this
    may go to a log.
    """
    shown = {name: plain(setting, setting.of(settings)) for name, setting in SETTINGS.items()}
    for client in reversed(PROPERTY_TABLES.values()):
        for key, value in sorted(getattr(settings.kafka, client).items()):
            name = property_name(client, key)
            shown[name] = redacted(name, value)
    return shown


def render(settings: Settings, origins: Mapping[str, Origin] | None = None) -> str:
    """The same as lines of TOML, each with where it came from unless that is the default."""
    lines = []
    for name, value in effective(settings).items():
        origin = (origins or {}).get(name, DEFAULT)
        comment = "" if origin == DEFAULT else f"  # {origin}"
        lines.append(f"{name} = {literal(value)}{comment}\n")
    return "".join(lines)


def plain(setting: Setting, value: str | int | bool | None) -> str | int | bool:
    """A value of a setting as a file would have it."""
    if value is None:
        return ""
    match setting.kind:
        case Kind.DURATION:
            return units.format_duration(int(value))
        case Kind.SIZE:
            return units.format_size(int(value))
        case _:
            return value


def literal(value: str | int | bool) -> str:
    """A value in TOML's spelling, which is JSON's but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
