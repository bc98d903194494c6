"""Lines for a person at a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.telemetry.console import Console

RESTORED: dict[str, Any] = {
    "event": "restored",
    "txids": 3,
    "partition": 2,
    "seconds": 1.4,
    "offset": 88_201,
}
SENTENCE = "Restored 3 txids of partition 2 in 1.4 s, going on at offset 88,201."


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Five and a half hours east of Greenwich."""
    with monkeypatch.context() as context:
        context.setenv("TZ", "XYZ-5:30")
        time.tzset()
        yield
    time.tzset()


def shown(*, colours: bool = False, **line: Any) -> str:
    """A line on the terminal; `line` goes over one of ours at 02:31:52 UTC."""
    head = {
        "timestamp": "2026-11-24T02:31:52.123Z",
        "level": "info",
        "logger": "consumer.pipeline.recovery",
    }
    return Console(colours=colours)(None, "", {**head, **line})


def test_a_line_is_a_time_a_level_and_a_sentence() -> None:
    """The time is that of the clock on the wall."""
    assert shown(**RESTORED) == f"08:01:52 INFO  {SENTENCE}"


@pytest.mark.parametrize(
    ("level", "word"),
    [("debug", "DEBUG"), ("info", "INFO "), ("warning", "WARN "), ("error", "ERROR")],
)
def test_levels_are_of_one_width(level: str, word: str) -> None:
    """So that sentences begin below each other."""
    assert shown(level=level, **RESTORED) == f"08:01:52 {word} {SENTENCE}"


def test_colours_are_of_the_level_only() -> None:
    """And what follows is plain."""
    line = shown(colours=True, level="error", **RESTORED)

    assert line == f"08:01:52 \x1b[31mERROR\x1b[0m {SENTENCE}"


def test_fields_that_no_sentence_tells_follow_it() -> None:
    """In their order."""
    assert shown(**RESTORED, more=1, still="x") == f"08:01:52 INFO  {SENTENCE} (more=1, still=x)"


def test_an_event_without_a_sentence_is_shown_as_it_is() -> None:
    """With its fields."""
    assert shown(event="unheard", of=1) == "08:01:52 INFO  unheard (of=1)"


def test_a_librarys_line_is_never_taken_for_ours() -> None:
    """Whatever it says; the name of its logger stands before it."""
    line = shown(logger="librdkafka", event="stopped", x=1)

    assert line == "08:01:52 INFO  librdkafka: stopped (x=1)"


def test_a_traceback_stands_below() -> None:
    """Line by line."""
    line = shown(event="internal_error", level="error", exception="Traceback:\n  x")

    assert line == "08:01:52 ERROR This is a bug, please report it.\nTraceback:\n  x"
