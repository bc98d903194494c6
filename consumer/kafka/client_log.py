"""The log of the Kafka clients, without its repetitions and alarms.

While Kafka is away each of our clients says so for each address, once or twice a second.
One line in half a minute says as much. And what is fatal to a client is none the less a
warning: the daemon makes a new one, or says itself that it cannot go on. Lines for
debugging, which only come when they are asked for, all pass.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

NAME = "librdkafka"
SILENCE_S = 30.0

_REMEMBERED = 200  # kinds of lines; there are far fewer, unless broker names are made up


class Calm(logging.Filter):
    """Lets a line pass, as a warning at most, if no client has said it within `SILENCE_S`.

    `FAIL [rdkafka#consumer-1] [thrd:main]: host:9092: Connect failed (after 2ms in state
    CONNECT)` and the same of another client, thread or duration are the same.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now_s = now_s
        self._said: dict[tuple[int, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is worth writing."""
        if record.levelno <= logging.DEBUG:
            return True
        if record.levelno > logging.WARNING:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        text = record.getMessage()
        gist = (text.partition("]: ")[2] or text).partition(" (after ")[0]
        now_s = self._now_s()
        last_s = self._said.get((record.levelno, gist))
        if last_s is not None and now_s - last_s < SILENCE_S:
            return False
        if len(self._said) >= _REMEMBERED:
            self._said.clear()
        self._said[record.levelno, gist] = now_s
        return True


def logger() -> logging.Logger:
    """The logger that clients are given."""
    found = logging.getLogger(NAME)
    if not any(isinstance(each, Calm) for each in found.filters):
        found.addFilter(Calm())
    return found
