"""Which way the demo is shown; whole runs are in `tests/integration/cli/demo`."""

from __future__ import annotations

import io
import os
import sys

import pytest
from rich.console import Console

from consumer.cli.demo.command import console_for_stdout, show_for
from consumer.cli.demo.lines import Lines
from consumer.cli.demo.view import LiveShow


def test_without_a_terminal_there_are_no_control_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even where the environment asks for colours, as CI systems do."""
    paper = io.StringIO()
    monkeypatch.setattr(sys, "stdout", paper)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    console = console_for_stdout()
    console.print("good", style="green")

    assert isinstance(show_for(console), Lines)
    assert paper.getvalue() == "good\n"


def test_on_a_terminal_there_is_a_live_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is redrawn in place."""
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb"), os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setenv("TERM", "xterm-256color")

        assert isinstance(show_for(console_for_stdout()), LiveShow)


def test_a_terminal_that_cannot_move_its_cursor_gets_lines() -> None:
    """`TERM=dumb`: of an editor, for example."""
    console = Console(force_terminal=True, _environ={"TERM": "dumb"})

    assert isinstance(show_for(console), Lines)


def test_lines_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """No line is wrapped at 80 columns, and brackets are no markup."""
    show = show_for(console_for_stdout())
    assert isinstance(show, Lines)
    show._say("[red]" + "x" * 100)

    assert capsys.readouterr().out == "[red]" + "x" * 100 + "\n"
