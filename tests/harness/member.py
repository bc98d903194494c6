"""One process of the daemon, seen from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any

from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import until

_HTTP_S = 5.0
_PIECE_BYTES = 1 << 20
_PREFIX = "session_reports_"


class Lines:
    """What a process writes, line by line; in a file without a name, so that no pipe fills up."""

    def __init__(self) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as we do
        self._begun = b""
        self._read = 0
        self._lines: list[str] = []

    def all(self) -> list[str]:
        """Every whole line so far."""
        # pread: the process shares the position of this file.
        while not self.file.closed and (
            piece := os.pread(self.file.fileno(), _PIECE_BYTES, self._read)
        ):
            self._read += len(piece)
            *whole, self._begun = (self._begun + piece).split(b"\n")
            self._lines += [line.decode() for line in whole]
        return self._lines

    def close(self) -> None:
        """Read the rest and let go of the file."""
        if not self.file.closed:
            self.all()
            self.file.close()


class Process:
    """`python -m consumer` with any arguments; its two output streams are kept apart."""

    def __init__(self, arguments: Iterable[str], env: Mapping[str, str] | None = None) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SESSION_REPORTS__")}
        self._out, self._err = Lines(), Lines()
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "consumer", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._out.file,
            stderr=self._err.file,
            env={**clean, **(env or {})},
        )

    @property
    def pid(self) -> int:
        """Of the process, which may have ended."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; -9 when it was killed."""
        return self._popen.poll()

    def stdout(self) -> list[str]:
        """Lines on standard output."""
        return self._out.all()

    def stderr(self) -> list[str]:
        """Lines on standard error: the log, and the line of an error that ended it."""
        return self._err.all()

    def wait(self, timeout_s: float = 30) -> int:
        """The exit code, once it has ended by itself."""
        until(lambda: self.exit_code is not None, f"the end of process {self.pid}", timeout_s)
        return self._popen.returncode

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        self._popen.send_signal(number)

    def stop(self, timeout_s: float = 30) -> int:
        """Ask with SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        self._popen.kill()
        self._popen.wait()

    def close(self) -> None:
        """Kill it if it still runs; what it has written can still be read."""
        if self.exit_code is None:
            self.kill()
        self._out.close()
        self._err.close()

    def pause(self) -> None:
        """Freeze it, as a virtual machine that is moved would be (SIGSTOP)."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self.signal(signal.SIGCONT)


class Member(Process):
    """`run`: a member of the group, with its log as JSON and its own free HTTP port."""

    def __init__(self, settings: Mapping[str, str], env: Mapping[str, str] | None = None) -> None:
        super().__init__(
            ["run", *(f"--set={name}={value}" for name, value in settings.items())], env
        )

    # The log

    def log(self) -> list[dict[str, Any]]:
        """Every line of the log so far, parsed."""
        return [json.loads(line) for line in self.stderr() if line.startswith("{")]

    def errors(self) -> list[str]:
        """Why it ended: what it logs of that, or writes before there is a log."""
        plain = [line for line in self.stderr() if not line.startswith("{")]
        return plain + [str(line["reason"]) for line in self.seen("failed")]

    def seen(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Log lines of an event, with these fields at least."""
        return [
            line for line in self.log() if line["event"] == event and fields.items() <= line.items()
        ]

    def await_log(
        self, event: str, count: int = 1, timeout_s: float = 20, **fields: object
    ) -> dict[str, Any]:
        """Wait until an event was logged `count` times; the last one of these."""
        what = f"{count} x {event!r} {fields or ''}"
        self.until(lambda: len(self.seen(event, **fields)) >= count, what, timeout_s)
        return self.seen(event, **fields)[count - 1]

    def until(self, condition: Callable[[], bool], what: str, timeout_s: float = 20) -> None:
        """Wait for something that only a living member brings about."""

        def met() -> bool:
            if condition():
                return True
            assert self.exit_code is None, (
                f"ended with {self.exit_code} before: {what}\n" + "\n".join(self.stderr()[-10:])
            )
            return False

        until(met, what, timeout_s)

    # HTTP

    @property
    def url(self) -> str:
        """Of the HTTP server, from the log."""
        return str(self.await_log("starting")["http"])

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of an endpoint."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=_HTTP_S) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str, **labels: str) -> float:
        """Sum of the samples of `session_reports_<name>` that have these labels."""
        _, text = self.get("/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == _PREFIX + name and labels.items() <= sample.labels.items()
        )

    def await_ready(self, partitions: int | None = None, timeout_s: float = 20) -> None:
        """Wait for `/readyz`, and for a number of partitions."""

        def ready() -> bool:
            try:
                status, text = self.get("/readyz")
            except OSError:  # it listens before it serves
                return False
            held = re.search(r"\d+", text)  # a standby's line has no number
            return status == 200 and partitions in (None, int(held[0]) if held else 0)

        self.until(ready, f"ready with {partitions} partitions", timeout_s)

    def await_metric(self, name: str, value: float, timeout_s: float = 20, **labels: str) -> None:
        """Wait until the sum of a metric's samples is exactly `value`."""
        self.until(
            lambda: self.metric(name, **labels) == value, f"{name}{labels} = {value}", timeout_s
        )
