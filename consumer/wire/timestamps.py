"""Milliseconds since the epoch as the text that reports and metrics records carry.

Neighbours have the same times again and again, and share their second at least.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

Time: TypeAlias = Annotated[
    str,
    Meta(
        extra_json_schema={
            "format": "date-time",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        }
    ),
]
"""What `iso` gives, as the schemas describe it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTIONS: Final = tuple(f".{ms:03d}Z" for ms in range(1000))


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]


@lru_cache(maxsize=4096)
def iso(ms: int) -> str:
    """`ms` since the epoch in UTC, as `2026-11-24T02:31:52.123Z`; years 1 to 9999."""
    return _second(ms // 1000) + _FRACTIONS[ms % 1000]


def milliseconds(text: str) -> int:
    """The reverse of `iso`. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} does not name its time zone")
    span = moment - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000 + span.microseconds // 1_000
