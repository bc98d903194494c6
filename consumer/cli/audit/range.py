"""The range of an audit, as it is written on the command line.

A point in time is an ISO one (UTC unless it says otherwise) or a duration, which is that
long ago.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from consumer.errors import ConfigError
from consumer.settings.units import parse_duration


class Range(NamedTuple):
    """Milliseconds since the epoch; None where it has no end."""

    since_ms: int | None
    until_ms: int | None


def parse_range(since: str, until: str, now_ms: int) -> Range:
    """From `--from` to `--to`, each of which may be empty.

    Raises:
        ConfigError: that is no point in time, or nothing lies between them.
    """
    found = Range(
        _point("--from", since, now_ms) if since else None,
        _point("--to", until, now_ms) if until else None,
    )
    if found.since_ms is not None and found.since_ms >= (found.until_ms or now_ms):
        raise ConfigError(f"--from: {since} does not lie before {until or 'now'}")
    return found


def _point(option: str, text: str, now_ms: int) -> int:
    try:
        return now_ms - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{option}: {text!r} is neither a time such as 2026-11-24T02:31:52Z nor a duration "
            "such as 2h, which is that long ago"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000)
