"""A member of the group as a real process, the way a user would run it."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from consumer.embedded.guarded import GuardedProcess
from consumer.errors import SessionReportsError

READY_S = 60.0
LOOK_S = 0.1
TAIL_LINES = 5


class MemberProcess:
    """`session-reports run` with these settings; its JSON log goes to a file.

    It cannot outlive this process, however this process ends.
    """

    def __init__(self, overrides: Sequence[str], log_path: Path) -> None:
        self._overrides = overrides
        self._log_path = log_path
        self._process: GuardedProcess | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return None if self._process is None else self._process.pid

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "consumer", "run"]
        for override in (*self._overrides, "log.format=json"):
            command += ["--set", override]
        folder = Path(tempfile.mkdtemp(prefix="session-reports-member-"))
        self._process = GuardedProcess(command, folder, self._log_path)
        self._process.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.stop()
            self._process.close()

    def wait_until_ready(self) -> None:
        """Until `/readyz` says so. Raises `SessionReportsError`."""
        deadline_s = time.monotonic() + READY_S
        while time.monotonic() < deadline_s:
            self.check()
            url = self._url()
            if url is not None and _is_ok(f"{url}/readyz"):
                return
            time.sleep(LOOK_S)
        raise SessionReportsError(f"the member is not ready after {READY_S:g} s: {self._tail()}")

    def check(self) -> None:
        """Raises `SessionReportsError` when the process has ended."""
        if self._process is not None and (ended := self._process.ended(0)) is not None:
            raise SessionReportsError(f"the member has ended ({ended}): {self._tail()}")

    def _url(self) -> str | None:
        """Where it listens, from its first log line."""
        for line in self._log_path.read_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and "http" in entry:
                return str(entry["http"])
        return None

    def _tail(self) -> str:
        lines = self._log_path.read_text(errors="replace").splitlines()
        return "\n".join(["", *lines[-TAIL_LINES:]])


def _is_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - our own http address
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
    except (urllib.error.URLError, OSError):
        return False
