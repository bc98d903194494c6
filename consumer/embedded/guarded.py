"""A process that cannot outlive this one, by way of the guardian between them.

The owner's side of `guardian`: it holds the only writing end of the pipe for orders, which
the system closes when this process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from consumer.embedded import guardian
from consumer.errors import EmbeddedKafkaError

_CLOSE_S = 30.0


class GuardedProcess:
    """A command that can be started, stopped and started again, and the folder it works in.

    The folder is removed at `close`, or when this process ends without it. What the command
    (and its guardian, should it fail) writes to standard output and error goes to `log`.
    `env` is its environment, ours by default.
    """

    def __init__(
        self,
        command: list[str],
        folder: Path,
        log: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.pid: int | None = None
        """The process id of the command while it runs."""
        with log.open("ab") as output:
            script = [sys.executable, "-I", "-S", guardian.__file__]
            self._guardian = subprocess.Popen(  # noqa: S603 - our own module
                [*script, str(os.getpid()), str(folder), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                bufsize=0,
                cwd=folder,  # where a JVM that crashes leaves its report
                start_new_session=True,
                env=env,
            )

    def start(self) -> None:
        """Start the command, unless it runs."""
        if self.pid is None:
            self.pid = int(self._order(guardian.START, "started "))

    def stop(self) -> None:
        """Terminate the command, kill it when it does not obey within 20 s; keep the folder."""
        if self.pid is not None:
            self._order(guardian.STOP, "stopped")
            self.pid = None

    def ended(self, wait_s: float) -> str | None:
        """How the command ended by itself, or None if it did not within `wait_s`."""
        if not select.select([_pipe(self._guardian.stdout)], [], [], wait_s)[0]:
            return None
        self.pid = None
        return self._answer() or "guardian is gone"

    def close(self) -> None:
        """Kill the command and remove its folder. Harmless when done twice."""
        self.pid = None
        _pipe(self._guardian.stdin).close()
        try:
            status = self._guardian.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            status = -1
        if status != 0:  # the guardian hangs or was killed: its session is the command's, too
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._guardian.pid, signal.SIGKILL)
            self._guardian.wait()
        _pipe(self._guardian.stdout).close()

    def _order(self, order: bytes, answer: str) -> str:
        with contextlib.suppress(BrokenPipeError):  # the end of its answers says as much
            _pipe(self._guardian.stdin).write(order)
        while line := self._answer():
            if line.startswith(answer):
                return line.removeprefix(answer)
        raise EmbeddedKafkaError("the guardian of the embedded Kafka is gone: start a new one")

    def _answer(self) -> str:
        """The guardian's next line; empty when it is gone."""
        return _pipe(self._guardian.stdout).readline().decode().strip()


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None  # noqa: S101 - Popen was asked for it
    return end
