"""The log as a person reads it on a terminal: when, how bad, and a sentence.

    10:31:07 INFO  Restored 12,304 txids of partition 2 in 1.4 s, going on at offset 88,201.

Our own events have their sentences in `sentences`. A line of a library is shown as it came,
with the name of its logger in front.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from structlog.typing import EventDict, WrappedLogger

from consumer.telemetry.sentences import SENTENCES, fields_of, sentence

_OURS: Final = "consumer."
_LEVELS: Final[Mapping[str, tuple[str, str]]] = {
    "debug": ("DEBUG", "\x1b[2m"),
    "info": ("INFO ", "\x1b[32m"),
    "warning": ("WARN ", "\x1b[33m"),
    "error": ("ERROR", "\x1b[31m"),
    "critical": ("FATAL", "\x1b[31m"),
}
"""Name and colour of each."""
_PLAIN: Final = "\x1b[0m"


class Console:
    """A structlog renderer. Times are local; `colours` are those of a terminal."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def __call__(self, _: WrappedLogger, __: str, line: EventDict) -> str:
        """One line, and below it a traceback where there is one."""
        moment = datetime.fromisoformat(line.pop("timestamp")).astimezone()
        level, colour = _LEVELS[line.pop("level")]
        if self._colours:
            level = f"{colour}{level}{_PLAIN}"
        logger, event = line.pop("logger"), line.pop("event")
        exception = line.pop("exception", None)
        text = _told(logger, event, line)
        below = "" if exception is None else f"\n{exception}"
        return f"{moment:%H:%M:%S} {level} {text}{below}"


def _told(logger: str, event: str, fields: Mapping[str, object]) -> str:
    ours = logger.startswith(_OURS)
    told = sentence(event, fields) if ours else None
    if told is not None:
        said = fields_of(SENTENCES[event])
        fields = {name: value for name, value in fields.items() if name not in said}
    text = told or (event if ours else f"{logger}: {event}")
    rest = ", ".join(f"{name}={value}" for name, value in fields.items())
    return f"{text} ({rest})" if rest else text
