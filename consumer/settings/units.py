"""Durations and sizes, as people write them.

Both are a whole number and a unit with nothing but blanks between: `200ms`, `20m`,
`900kB`, `64MiB`. What is formatted parses back to the same number, in the largest unit
that holds it exactly.
"""

from __future__ import annotations

import re

DURATION_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
SIZE_BYTES = {
    "B": 1,
    "kB": 1_000,
    "KiB": 1_024,
    "MB": 1_000_000,
    "MiB": 1_024**2,
    "GB": 1_000_000_000,
    "GiB": 1_024**3,
}

# 15 digits are more than any setting can use, and keep int() cheap on hostile input.
_QUANTITY = re.compile(r"([0-9]{1,15}) *([A-Za-z]+)")


def parse_duration(text: str) -> int:
    """Milliseconds of a duration such as `5s`. Raises ValueError."""
    return _parse(text, DURATION_MS, "a duration")


def parse_size(text: str) -> int:
    """Bytes of a size such as `64MiB`. Raises ValueError."""
    return _parse(text, SIZE_BYTES, "a size")


def format_duration(duration_ms: int) -> str:
    """`300000` is `5m`; 0 is `0ms`."""
    return _format(duration_ms, DURATION_MS)


def format_size(size_bytes: int) -> str:
    """`900000` is `900kB`; 0 is `0B`."""
    return _format(size_bytes, SIZE_BYTES)


def _parse(text: str, units: dict[str, int], what: str) -> int:
    match = _QUANTITY.fullmatch(text.strip(" "))
    if match is None or match[2] not in units:
        message = f"{text!r} is not {what}"
        raise ValueError(message)
    return int(match[1]) * units[match[2]]


def _format(amount: int, units: dict[str, int]) -> str:
    exact = (name for name, factor in units.items() if amount and amount % factor == 0)
    unit = max(exact, key=units.__getitem__, default=next(iter(units)))
    return f"{amount // units[unit]}{unit}"
