"""What the documentation tells a reader to type, and where it sends them, is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from consumer.cli.app import app
from tests.docs.pages import ROOT, pages

TYPED = re.compile(r"^ {4}(?:\S*/)?(session-reports|make) (.*?)(?: *#.*)?$", re.MULTILINE)
"""A command line in an indented block."""
QUOTED = re.compile(r"`(session-reports|make) ([^`]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
VARIABLE = re.compile(r"^([A-Z]+) \?=", re.MULTILINE)

COMMANDS = sorted(
    {
        found
        for page in pages()
        for pattern in (TYPED, QUOTED)
        for found in pattern.findall(page.read_text("utf-8"))
    }
)


def linked(page: Path) -> set[Path]:
    """Files that a page links to."""
    return {(page.parent / to).resolve() for to in LINK.findall(page.read_text("utf-8"))}


def test_commands_are_found() -> None:
    """In blocks and in sentences; otherwise the tests below would mean nothing."""
    assert {("make", "demo"), ("make", "faults-protocols")} <= set(COMMANDS)
    assert {("session-reports", "config show"), ("session-reports", "health")} <= set(COMMANDS)


@pytest.mark.parametrize(("program", "arguments"), COMMANDS)
def test_a_command_is_there(program: str, arguments: str) -> None:
    """Its verb and options are known, or the Makefile has such a target and variable."""
    words = shlex.split(arguments)
    if program == "make":
        makefile = (ROOT / "Makefile").read_text("utf-8")
        variables = {word.partition("=")[0] for word in words if "=" in word}
        assert {word for word in words if "=" not in word} <= set(TARGET.findall(makefile))
        assert variables <= set(VARIABLE.findall(makefile))
    else:
        app.parse_args(words, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """To a file or a folder of the project."""
    assert [str(path) for path in linked(page) if not path.exists()] == []


def test_a_reader_of_the_readme_finds_every_page() -> None:
    """Each page in `docs` is one link away."""
    here = linked(ROOT / "README.md")

    assert [page.name for page in pages() if page.parent != ROOT and page not in here] == []
