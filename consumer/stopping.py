"""SIGTERM and SIGINT: the first asks for an orderly stop, the second forces it.

An orderly stop finishes the turn, commits and leaves the group. When that takes longer than
`shutdown.timeout` (Kafka may be gone), the process ends all the same, with exit code 1:
nothing is lost, since what was not committed is read again. Before there is any work, while
the start waits for Kafka, a signal ends the process at once and in good order.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

NUMBERS = (signal.SIGTERM, signal.SIGINT)
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
            log.warning("stop_forced", signal=why)
            os._exit(FORCED)
        try:
            log.info("stopping", signal=why, within_s=self._timeout_s)
        finally:  # whatever becomes of the line
            self._asked.set()
            watchdog = threading.Timer(self._timeout_s, self._give_up)
            watchdog.daemon = True
            watchdog.start()

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Within, SIGTERM and SIGINT ask for the stop (main thread only)."""
        with _heard_by(self.ask):
            yield

    def _give_up(self) -> None:
        log.error("stop_overdue", within_s=self._timeout_s)
        os._exit(FORCED)


@contextlib.contextmanager
def exit_on_signals() -> Iterator[None]:
    """Within, nothing is under way: SIGTERM and SIGINT raise `SystemExit` (main thread only)."""
    with _handled_by(_exit):
        yield


def _exit(why: str) -> None:
    log.info("start_stopped", signal=why)
    sys.exit()


@contextlib.contextmanager
def _handled_by(react: Callable[[str], None]) -> Iterator[None]:
    """Within, `react` is told the name of each signal that asks to stop."""

    def handle(number: int, _frame: FrameType | None) -> None:
        react(signal.Signals(number).name)

    before = [signal.signal(number, handle) for number in NUMBERS]
    try:
        yield
    finally:
        for number, handler in zip(NUMBERS, before, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def _heard_by(react: Callable[[str], None]) -> Iterator[None]:
    """The same, from a thread of its own.

    Python runs a handler only when the main thread is back from the C library below it, and
    a call to Kafka may take many seconds. The interpreter's own part of the handling, which
    runs at once, writes the signal's number to a socket: there the thread hears of it.
    """
    written, read = socket.socketpair()
    written.setblocking(False)

    def listen() -> None:
        with read:
            while number := read.recv(1):
                if number[0] in NUMBERS:
                    react(signal.Signals(number[0]).name)

    thread = threading.Thread(target=listen, name="signals", daemon=True)
    thread.start()
    previous = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    try:
        with _handled_by(lambda _: None):
            yield
    finally:
        signal.set_wakeup_fd(previous)
        written.close()
        thread.join()
