"""SIGTERM and SIGINT: the first asks for an orderly stop, the second forces it.

An orderly stop finishes the turn, commits and leaves the group. When that takes longer than
`shutdown.timeout` (Kafka may be gone), the process ends all the same, with exit code 1:
nothing is lost, since what was not committed is read again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

FORCED = 1
"""Exit code of a stop that was not orderly."""


class Stop:
    """Whether to stop, and a wait that a stop interrupts."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._asked = threading.Event()

    def asked(self) -> bool:
        """Whether an orderly stop was asked for."""
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep, or return at once when a stop is asked for; whether it is."""
        return self._asked.wait(seconds)

    def ask(self, why: str) -> None:
        """Ask for an orderly stop, with the time limit; a second time, end at once."""
        if self.asked():
            log.warning("stopping at once: a second signal", signal=why)
            os._exit(FORCED)
        log.info("stopping", signal=why, within_s=self._timeout_s)
        self._asked.set()
        watchdog = threading.Timer(self._timeout_s, self._give_up)
        watchdog.daemon = True
        watchdog.start()

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Within, SIGTERM and SIGINT ask for the stop (main thread only)."""
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, self._handle) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.ask(signal.Signals(number).name)

    def _give_up(self) -> None:
        log.error(
            "no orderly stop within shutdown.timeout; ending, what is not committed is read again",
            within_s=self._timeout_s,
        )
        os._exit(FORCED)
