"""Ranges as they are written."""

from __future__ import annotations

import pytest

from consumer.cli.audit.range import Range, parse_range
from consumer.errors import ConfigError

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("", "", Range(None, None)),
        ("2h", "", Range(NOW_MS - 7_200_000, None)),
        ("2h", "30m", Range(NOW_MS - 7_200_000, NOW_MS - 1_800_000)),
        ("", "1d", Range(None, NOW_MS - 86_400_000)),
        ("2026-11-24T02:31:52.123Z", "", Range(1_795_487_512_123, None)),
        ("2026-11-24T03:31:52+01:00", "", Range(1_795_487_512_000, None)),
        ("2026-11-24T02:31:52", "", Range(1_795_487_512_000, None)),
        ("2026-11-24", "2026-11-25", Range(1_795_478_400_000, 1_795_564_800_000)),
    ],
)
def test_times_and_durations(since: str, until: str, expected: Range) -> None:
    """A duration is that long ago; a time without a zone is UTC."""
    assert parse_range(since, until, NOW_MS) == expected


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("yesterday", "", "--from: 'yesterday' is neither a time"),
        ("", "2 fortnights", "--to: '2 fortnights' is neither a time"),
        ("1h", "2h", "--from: 1h does not lie before 2h"),
        ("1h", "1h", "--from: 1h does not lie before 1h"),
        ("2100-01-01", "", "--from: 2100-01-01 does not lie before now"),
    ],
)
def test_what_is_no_range_is_refused(since: str, until: str, words: str) -> None:
    """In a line that says what would be one."""
    with pytest.raises(ConfigError) as caught:
        parse_range(since, until, NOW_MS)

    assert str(caught.value).startswith(words)
