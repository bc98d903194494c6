"""From what was given to what a setting holds."""

# ruff: noqa: E501  # messages are quoted whole

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.settings import values
from consumer.settings.catalogue import SETTINGS
from consumer.settings.origin import DEFAULT, Entry

HUGE = 1 << 200


def read(name: str, value: object, *, is_text: bool = False) -> values.Value:
    """Read a value as TOML, or as text."""
    return values.read(SETTINGS[name], Entry(name, value, DEFAULT, is_text=is_text))


def error_of(name: str, value: object, *, is_text: bool = False) -> str:
    """The message with which a value is refused."""
    with pytest.raises(ValueError, match=r"^given ") as caught:
        read(name, value, is_text=is_text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "in_toml", "as_text", "expected"),
    [
        ("app.id", "north", "north", "north"),
        ("app.static", True, "true", True),
        ("app.static", False, " False ", False),
        ("http.port", 80, " 80 ", 80),
        ("topics.replication_factor", -1, "-1", -1),
        ("completion.inactivity", "5m", "5m", 300_000),
        ("limits.report_bytes", "64kB", "64kB", 64_000),
        ("limits.report_bytes", 64_000, "64000B", 64_000),
        ("late.policy", "revise", "revise", "revise"),
    ],
)
def test_values_are_read_by_kind(
    name: str, in_toml: object, as_text: str, expected: values.Value
) -> None:
    """From TOML with its types, and from text."""
    assert read(name, in_toml) == expected
    assert read(name, as_text, is_text=True) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("app.start_at", None), ("topics.retention", None), ("app.instance", "")]
)
def test_an_empty_text_is_not_set(name: str, expected: values.Value) -> None:
    """For those settings that need not have a value."""
    assert read(name, "") == expected
    assert read(name, "", is_text=True) == expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "completion.inactivity",
            5,
            'given 5, expected a duration from 1ms to 3650d, such as "5s" or "20m"; write the unit: "5s" or "5ms"',
        ),
        (
            "commit.interval",
            "2m",
            'given "2m", expected a duration from 1ms to 1m, such as "5s" or "20m"',
        ),
        (
            "limits.report_bytes",
            "64000",
            'given "64000", expected a size from 10kB to 1GB, such as "900kB" or "64MiB"; write the unit: "64000B"',
        ),
        ("http.port", 65_536, "given 65536, expected a whole number from 0 to 65535"),
        (
            "http.port",
            "9108",
            'given "9108", expected a whole number from 0 to 65535; write it without quotes',
        ),
        ("http.port", "x", 'given "x", expected a whole number from 0 to 65535'),
        ("http.port", 1.5, "given 1.5, expected a whole number from 0 to 65535"),
        ("http.port", True, "given true, expected a whole number from 0 to 65535"),
        (
            "http.port",
            HUGE,
            "given a number of many digits, expected a whole number from 0 to 65535",
        ),
        ("http.port", [1], "given an array, expected a whole number from 0 to 65535"),
        ("http.port", {"a": 1}, "given a table, expected a whole number from 0 to 65535"),
        (
            "http.port",
            dt.date(2026, 1, 1),
            "given a date or time, expected a whole number from 0 to 65535",
        ),
        ("app.static", 1, "given 1, expected true or false"),
        ("app.static", "true", 'given "true", expected true or false; write it without quotes'),
        ("app.id", 5, "given 5, expected a text of 1 to 249 characters without control characters"),
        (
            "app.id",
            "",
            'given "", expected a text of 1 to 249 characters without control characters',
        ),
        (
            "log.level",
            "WARN",
            'given "WARN", expected one of "debug", "error", "info", "warning"; did you mean "warning"?',
        ),
        ("log.format", 5, 'given 5, expected one of "auto", "console", "json"'),
    ],
)
def test_a_wrong_value_says_what_was_expected(name: str, value: object, message: str) -> None:
    """What was given, what is expected, and what was probably meant."""
    assert error_of(name, value) == message


def test_a_long_text_is_cut() -> None:
    """A message stays a line that one can read."""
    assert error_of("log.level", "x" * 1_000).startswith(f'given "{"x" * 59}...", expected one of')


@pytest.mark.parametrize("text", ["a\nb", "a\0", "a\x7f", "a\udcff"])
def test_control_characters_are_refused(text: str) -> None:
    """Nothing that breaks a log line, and no bytes that are not UTF-8."""
    assert "\n" not in error_of("app.id", text, is_text=True)


@pytest.mark.parametrize("text", ["yes", "on", "1", "", "truth"])
def test_only_true_and_false_are_flags(text: str) -> None:
    """No guessing."""
    assert error_of("app.static", text, is_text=True).endswith("expected true or false")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (5, "5"),
        (0.5, "0.5"),
        (True, "true"),
        (False, "false"),
        (["a:1", "b:2"], "a:1,b:2"),
        ([], ""),
        ("-----BEGIN\r\n\tx\n", "-----BEGIN\r\n\tx\n"),
    ],
)
def test_properties_become_text(value: object, expected: str) -> None:
    """In librdkafka's spelling; arrays are lists with commas."""
    assert values.read_property(Entry("kafka.x", value, DEFAULT, is_text=False)) == expected


@pytest.mark.parametrize(
    "value",
    [
        dt.date(2026, 1, 1),
        [["s3cret"]],
        [{"s3cret": 1}],
        pytest.param(HUGE, id="huge"),
        "s3cret\0",
        "s3cret\udcff",
    ],
)
def test_a_wrong_property_never_shows_its_value(value: object) -> None:
    """It may be a secret."""
    with pytest.raises(ValueError, match=r"^(expected|holds) ") as caught:
        values.read_property(Entry("kafka.sasl.password", value, DEFAULT, is_text=False))
    assert "s3cret" not in str(caught.value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.sampled_from(list(SETTINGS)), ANYTHING, st.booleans())
def test_anything_is_a_value_or_a_value_error(name: str, value: object, is_text: bool) -> None:
    """No other error for any setting, and its message is one line."""
    try:
        read(name, value, is_text=is_text)
    except ValueError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017  # good values raise nothing
