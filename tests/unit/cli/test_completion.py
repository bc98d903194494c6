from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from consumer.cli.app import app
from consumer.cli.completion import Shell
from consumer.settings.catalogue import SETTINGS
from consumer.settings.load import load
from consumer.settings.model import Settings
from consumer.wire.schema import KINDS
from tests.unit.cli.conftest import Command

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")

ASK = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_session_reports
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""What bash does when Tab is pressed behind the last word."""


@pytest.fixture
def scripts(command: Command, tmp_path: Path) -> Path:
    """A folder of the program, as it would be installed, and of what bash knows about it."""
    program = tmp_path / "session-reports"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m consumer "$@"\n')
    program.chmod(0o755)
    (tmp_path / "completions").write_text(command("completion", "bash").out)
    return tmp_path


def offered(scripts: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    ended = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash", scripts / "completions", "session-reports", *words],
        env={**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stderr == ""
    return [line for line in ended.stdout.splitlines() if line]


@needs_bash
def test_verbs_are_completed(scripts: Path) -> None:
    """All of them, those of groups behind the group's name."""
    verbs = {name for name in app if not name.startswith("-")}
    assert verbs <= set(offered(scripts, ""))
    assert offered(scripts, "che") == ["check"]
    assert offered(scripts, "config", "") == ["show"]


@needs_bash
def test_options_and_their_choices_are_completed(scripts: Path) -> None:
    """Those of the verb."""
    assert "--connect" in offered(scripts, "check", "--")
    assert "--connect" not in offered(scripts, "run", "--")
    assert set(offered(scripts, "schema", "")) >= set(KINDS)


@needs_bash
def test_settings_are_completed_with_their_defaults(scripts: Path) -> None:
    """By asking the program; what is offered is a setting as it may be given."""
    assert offered(scripts, "run", "--set", "completion.ina") == ["completion.inactivity=1m"]
    all_of_them = offered(scripts, "run", "-s", "app.id=a", "-s", "")
    assert {one.partition("=")[0] for one in all_of_them} > SETTINGS.keys()


def test_what_is_offered_is_accepted(command: Command) -> None:
    """Every default, as `--set` takes it, gives the defaults."""
    lines = command("__complete", "run", "--set", "").out.splitlines()
    given = [line.partition("\t")[0] for line in lines if "=" in line]
    assert len(given) > len(SETTINGS)
    assert load(None, given) == Settings()


@pytest.mark.parametrize(
    ("begun", "values"),
    [
        ("log.level=", ["debug", "error", "info", "warning"]),
        ("app.static=", ["false", "true"]),
        ("topics.partitions=", []),
        ("no.such=", []),
    ],
)
def test_values_are_offered_where_there_are_few(
    command: Command, begun: str, values: list[str]
) -> None:
    """For shells that take `name=value` for one word."""
    lines = command("__complete", "check", "--set", begun).out.splitlines()
    assert sorted(line for line in lines if "=" in line) == [f"{begun}{one}" for one in values]


@pytest.mark.parametrize("shell", get_args(Shell))
def test_the_script_is_one(command: Command, shell: str, tmp_path: Path) -> None:
    """By the judgement of the shell itself, where it is installed."""
    ended = command("completion", shell)

    assert (ended.code, ended.err) == (0, "")
    assert all(name in ended.out for name in app if not name.startswith("-"))
    if shutil.which(shell):
        (tmp_path / "script").write_text(ended.out)
        subprocess.run([shell, "-n", tmp_path / "script"], check=True, timeout=60)
