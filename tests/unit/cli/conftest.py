"""Runs command lines, in this process or in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import structlog

from consumer.cli.app import main

NOWHERE = (
    *("--set", "kafka.bootstrap.servers=127.0.0.1:1"),
    *("--set", "kafka.connect_timeout=1s"),
)
"""Options for a Kafka that does not answer."""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """Lines of standard error."""
        return self.err.splitlines()


Command = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """A command line sets up structlog for its process, which is ours: put back what was."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command line in this process."""

    def run(*arguments: str) -> Ended:
        code = 0
        try:
            main(arguments)
        except SystemExit as exited:
            code = int(exited.code or 0)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture
def process() -> Command:
    """Runs a command line in a process of its own, for those that change the process."""

    def run(*arguments: str, timeout_s: float = 60) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-m", "consumer", *arguments],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "COLUMNS": "100"},
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run
