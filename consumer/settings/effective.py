"""Prints the settings in force, with units and without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping

from consumer.settings import units
from consumer.settings.catalogue import PROPERTY_TABLES, SETTINGS, Kind, Setting, property_name
from consumer.settings.model import Settings
from consumer.settings.origin import DEFAULT, Origin
from consumer.settings.secrets import redacted

COMMENT_COLUMN = 60
"""Origins stand in one column, at most this far to the right; longer lines push them on."""


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


def render(settings: Settings, origins: Mapping[str, Origin]) -> str:
    """The same as a TOML file, each with where it came from.

    It may be read back, once the secrets are put in again.
    """
    shown = effective(settings)
    sections: dict[str, list[tuple[str, str]]] = {}
    for name, value in shown.items():
        table, key = _place(name)
        line = f"{key} = {literal(value)}"
        sections.setdefault(table, []).append((line, f"# {origins.get(name, DEFAULT)}"))
    lengths = [len(line) for lines in sections.values() for line, _ in lines]
    width = max(length for length in lengths if length <= COMMENT_COLUMN)
    return "\n".join(
        f"[{table}]\n" + "".join(f"{line:{width}}  {origin}\n" for line, origin in lines)
        for table, lines in sections.items()
    )


def _place(name: str) -> tuple[str, str]:
    """Table and key of a dotted name, as a file has them."""
    if name in SETTINGS:
        return SETTINGS[name].table, SETTINGS[name].key
    table = next(table for table in PROPERTY_TABLES if name.startswith(f"{table}."))
    return table, literal(name.removeprefix(f"{table}."))


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
