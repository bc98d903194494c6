"""From what was given to what a setting holds, or to the sentence that says why not.

Text (environment, `--set`, `${VAR}`) is read by the kind of the setting; values of TOML
must have its type already: `"9108"` is no port. Only durations and sizes are strings in
TOML too, for their unit.
"""

from __future__ import annotations

import json
import re

from consumer.settings import units
from consumer.settings.catalogue import Kind, Setting, nearest
from consumer.settings.origin import Entry
from consumer.settings.secrets import REDACTED

Value = str | int | bool | None

SHOWN_CHARACTERS_MAX = 60
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NEVER_QUOTED = (Kind.INTEGER, Kind.FLAG)
_FLAGS = {"true": True, "false": False}


def read(setting: Setting, entry: Entry) -> Value:
    """The value of a setting. Raises ValueError, whose message says what was expected."""
    given = entry.value
    if setting.optional and given == "":
        return "" if setting.kind is Kind.TEXT else None
    value = _of_text(setting.kind, given) if isinstance(given, str) else _of_toml(setting, given)
    is_quoted = isinstance(given, str) and not entry.is_text and setting.kind in _NEVER_QUOTED
    if value is not None and _fits(setting, value) and not is_quoted:
        return value
    hint = "; write it without quotes" if is_quoted and value is not None else _hint(setting, given)
    raise ValueError(f"given {shown(given)}, expected {_expected(setting)}{hint}")


def read_property(entry: Entry) -> str:
    """The value of a librdkafka property, as librdkafka reads it; "" leaves it unset.

    Raises ValueError. Its message holds nothing of the value, which may be a secret.
    """
    given = entry.value
    parts = given if isinstance(given, list) else [given]
    value = ",".join(map(_property_text, parts))
    if value == REDACTED:  # somebody pasted what `config show` prints
        raise ValueError("stands for a secret that was not shown; write the secret, or ${VAR}")
    if not _is_clean(value, "\n\r\t"):  # certificates have lines
        raise ValueError("holds control characters or is not valid UTF-8")
    return value


def shown(given: object) -> str:
    """A value as an error message may quote it: one line, not long."""
    match given:
        case str():
            quoted = json.dumps(given)
            is_short = len(quoted) <= SHOWN_CHARACTERS_MAX
            return quoted if is_short else f'{quoted[:SHOWN_CHARACTERS_MAX]}..."'
        case int() if _is_huge(given):
            return "a number of many digits"
        case bool() | int() | float():
            return json.dumps(given)
        case dict() | list():
            return "a table" if isinstance(given, dict) else "an array"
    return "a date or time"


def _of_text(kind: Kind, text: str) -> Value:
    match kind:
        case Kind.INTEGER:
            return int(text) if _INTEGER.fullmatch(text.strip()) else None
        case Kind.FLAG:
            return _FLAGS.get(text.strip().lower())
        case Kind.DURATION | Kind.SIZE:
            try:
                return (
                    units.parse_duration(text) if kind is Kind.DURATION else units.parse_size(text)
                )
            except ValueError:
                return None
        case _:
            return text


def _of_toml(setting: Setting, given: object) -> Value:
    match setting.kind, given:
        case Kind.FLAG, bool():
            return given
        case (_, bool()):
            return None
        case Kind.INTEGER | Kind.SIZE, int():
            return given
    return None


def _fits(setting: Setting, value: str | int | bool) -> bool:
    match setting.kind:
        case Kind.FLAG:
            return True
        case Kind.CHOICE:
            return value in setting.choices
        case Kind.TEXT:
            text = str(value)
            return setting.minimum <= len(text) <= setting.maximum and _is_clean(text)
        case _:
            return setting.minimum <= int(value) <= setting.maximum


def _expected(setting: Setting) -> str:
    low, high = setting.minimum, setting.maximum
    match setting.kind:
        case Kind.FLAG:
            return "true or false"
        case Kind.CHOICE:
            return "one of " + ", ".join(f'"{choice}"' for choice in setting.choices)
        case Kind.TEXT:
            return f"a text of {low} to {high} characters without control characters"
        case Kind.INTEGER:
            return f"a whole number from {low} to {high}"
        case Kind.DURATION:
            span = f"{units.format_duration(low)} to {units.format_duration(high)}"
            return f'a duration from {span}, such as "5s" or "20m"'
        case Kind.SIZE:
            span = f"{units.format_size(low)} to {units.format_size(high)}"
            return f'a size from {span}, such as "900kB" or "64MiB"'


def _hint(setting: Setting, given: object) -> str:
    plain = given if isinstance(given, str) else shown(given)
    if setting.kind is Kind.DURATION and _INTEGER.fullmatch(plain):
        return f'; write the unit: "{plain}s" or "{plain}ms"'
    if setting.kind is Kind.SIZE and _INTEGER.fullmatch(plain) and isinstance(given, str):
        return f'; write the unit: "{plain}B"'
    if setting.kind is Kind.CHOICE and (choice := nearest(plain.lower(), setting.choices)):
        return f'; did you mean "{choice}"?'
    return ""


def _property_text(part: object) -> str:
    match part:
        case str():
            return part
        case bool():
            return "true" if part else "false"
        case int() | float() if not _is_huge(part):
            return str(part)
    raise ValueError("expected a string, a number, true, false, or an array of those")


def _is_huge(number: float) -> bool:
    """Beyond 64 bits; `str` raises for one of more than 4,300 digits."""
    return isinstance(number, int) and number.bit_length() > 64  # noqa: PLR2004


def _is_clean(text: str, allowed: str = "") -> bool:
    """No control characters, and no half of a surrogate pair (bytes that were not UTF-8)."""
    return not any(
        (c < " " and c not in allowed) or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in text
    )
