"""A record of any topic, and times as the outputs spell them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Record(NamedTuple):
    """As Kafka delivers it; `timestamp_ms` since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def iso(ms: int) -> str:
    """Milliseconds since the epoch as `2026-11-24T02:31:52.123Z`."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def milliseconds(text: str) -> int:
    """The reverse of `iso`; raises ValueError for any other spelling."""
    if not text.endswith("Z"):
        raise ValueError(f"{text!r} does not end with Z")
    ms = (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
    if iso(ms) != text:
        raise ValueError(f"{text!r} is not spelled like {iso(ms)!r}")
    return ms
