"""A member of the group as a real process, the way a user would run it."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from msgspec import DecodeError, Struct, ValidationError, json

from consumer.embedded.guarded import GuardedProcess
from consumer.errors import SessionReportsError

KILLED_S = 10.0
OURS = "SESSION_REPORTS__"
KILLED = "killed"


class _Failed(Struct, tag="failed", tag_field="event"):
    """The line of a log that tells of an end in error."""

    reason: str


class Member:
    """`session-reports run` as `name`: its instance, and its client's name in Kafka's eyes.

    It cannot outlive this process, however this process ends. Settings come from
    `overrides` alone, not from the environment.
    """

    def __init__(self, name: str, overrides: Sequence[str]) -> None:
        self.name = name
        self.pid: int | None = None
        """While it runs."""
        self._fate = ""
        own = (f"app.instance={name}", f"kafka.client.id={name}")
        command = [sys.executable, "-m", "consumer", "run"]
        for override in (*overrides, *own):
            command += ["--set", override]
        folder = Path(tempfile.mkdtemp(prefix="session-reports-member-"))
        self._log_path = folder / "log"
        inherited = {
            key: value for key, value in os.environ.items() if not key.upper().startswith(OURS)
        }
        self._process = GuardedProcess(command, folder, self._log_path, env=inherited)

    @property
    def state(self) -> str:
        """Its process id, or what became of it."""
        return self._fate if self.pid is None else f"pid {self.pid}"

    @property
    def is_dead(self) -> bool:
        """Killed, and not started again yet."""
        return self.pid is None and self._fate == KILLED

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()

    def start(self) -> None:
        """Start it; again, after `kill`."""
        self._process.start()
        self.pid = self._process.pid

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would; returns when it is gone."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            self._process.ended(KILLED_S)
            self._fate, self.pid = KILLED, None

    def stop(self) -> None:
        """Ask it to end in good order, and wait for that."""
        self._process.stop()
        self._fate, self.pid = "stopped", None

    def check(self) -> None:
        """Raises `SessionReportsError` when the process has ended by itself."""
        if self.pid is not None and (how := self._process.ended(0)) is not None:
            raise SessionReportsError(f"{self.name} has ended by itself: {self._words() or how}")

    def _words(self) -> str:
        """Why it ended, in its own words, if it had any.

        With wrong settings it has no log yet, and ends with a line for a person. Later the
        last line of its log, which is JSON, gives the reason.
        """
        lines = self._log_path.read_text("utf-8", errors="replace").splitlines()
        last = lines[-1] if lines else ""
        try:
            return json.decode(last, type=_Failed).reason
        except ValidationError:  # another line of the log
            return ""
        except DecodeError:
            return last.removeprefix("session-reports: ")
