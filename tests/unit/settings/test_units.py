"""Durations and sizes, written and read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.settings.units import format_duration, format_size, parse_duration, parse_size

AMOUNTS = st.integers(min_value=0, max_value=10**14)


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("200ms", 200),
        ("5s", 5_000),
        ("20m", 1_200_000),
        ("24h", 86_400_000),
        ("1d", 86_400_000),
        ("0s", 0),
        (" 5 s ", 5_000),
        ("007s", 7_000),
    ],
)
def test_durations_have_a_unit(text: str, expected_ms: int) -> None:
    """A whole number and one of ms, s, m, h, d; blanks do not matter."""
    assert parse_duration(text) == expected_ms


@pytest.mark.parametrize(
    ("text", "expected_bytes"),
    [
        ("900kB", 900_000),
        ("900KiB", 921_600),
        ("64MiB", 67_108_864),
        ("1GiB", 1_073_741_824),
        ("5MB", 5_000_000),
        ("2GB", 2_000_000_000),
        ("12B", 12),
    ],
)
def test_sizes_tell_1000_from_1024(text: str, expected_bytes: int) -> None:
    """kB, MB and GB are powers of 1000; KiB, MiB and GiB of 1024."""
    assert parse_size(text) == expected_bytes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "s",
        "-5s",
        "+5s",
        "1.5s",
        "5 minutes",
        "5S",
        "1h30m",
        "5s\n",
        "\u0665s",
        "5s;",
        "9999999999999999s",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """No sign, no fraction, no other unit, no second part, no other digits."""
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "5", "kB", "-1kB", "1.5MiB", "5kb", "5Kb", "5KB", "5k"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """A unit that might mean bits, or either kilo, is refused too."""
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("amount_ms", "text"),
    [
        (0, "0ms"),
        (200, "200ms"),
        (1_500, "1500ms"),
        (60_000, "1m"),
        (90_000, "90s"),
        (86_400_000, "1d"),
    ],
)
def test_durations_are_shown_in_the_largest_exact_unit(amount_ms: int, text: str) -> None:
    """Nothing is rounded: 90 s are not a minute and a half."""
    assert format_duration(amount_ms) == text


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0B"), (900_000, "900kB"), (1 << 30, "1GiB"), (1_025, "1025B")]
)
def test_sizes_are_shown_in_the_largest_exact_unit(amount: int, text: str) -> None:
    """As for durations."""
    assert format_size(amount) == text


@settings(deadline=None)
@given(AMOUNTS)
def test_every_duration_comes_back(amount_ms: int) -> None:
    """What is formatted parses to the same number."""
    assert parse_duration(format_duration(amount_ms)) == amount_ms


@settings(deadline=None)
@given(AMOUNTS)
def test_every_size_comes_back(amount: int) -> None:
    """What is formatted parses to the same number."""
    assert parse_size(format_size(amount)) == amount


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    """No text gives another error, however odd its digits are."""
    try:
        assert parse_duration(text) >= 0
    except ValueError:
        return
