"""Logs: one line of JSON per event, or a sentence on a terminal; to stderr.

structlog and the standard library's logging (librdkafka's lines come by the logger
`librdkafka`) end in one handler, whose formatter runs one chain over both:

    exception to text -> clean -> JSON or console

*Clean* makes of any value something that is safe to write: secrets are replaced first,
before anything is cut, so that no half of one is left; long text, long and deep collections
are cut; what is no plain value becomes text. JSON is written in ASCII, so no value can
begin a line of its own; for a terminal control characters are escaped, so none can forge a
line or move the cursor there either. Only a traceback keeps its line ends.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from consumer.telemetry.console import Console
from consumer.telemetry.redaction import Redactor
from consumer.telemetry.sentences import sentence
from consumer.wire.timestamps import iso

Format = Literal["auto", "console", "json"]
Level = Literal["debug", "info", "warning", "error"]

MAX_TEXT: Final = 2_000
"""Characters of one value that are kept."""
MAX_EXCEPTION: Final = 16_000
"""Characters of a traceback that are kept: of its end, which tells most."""
MAX_ITEMS: Final = 50
"""Items of one collection that are kept."""
MAX_DEPTH: Final = 4
"""Collections within collections; deeper ones become text."""
MAX_NUMBER: Final = 2**64
"""Larger ones become text: few readers of JSON take them."""

_CONTROL: Final = r"\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
"""C1, line separators, what turns the direction of text around, and half characters."""
_UNSAFE: Final = re.compile(rf"[\x00-\x1f{_CONTROL}]")
_UNSAFE_IN_TRACEBACK: Final = re.compile(rf"[\x00-\x08\x0b-\x1f{_CONTROL}]")


def configure(
    *,
    level: Level = "info",
    form: Format = "auto",
    secrets: Collection[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Set up all logging of the process; may be called again.

    Args:
        level: `log.level`, for our own loggers and those of libraries alike.
        form: `log.format`; `auto` is `console` on a terminal and `json` elsewhere.
        secrets: values that must never be written (`sasl.password`, ...).
        stream: where to write; stderr unless given.
    """
    stream = stream or sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    colours = stream.isatty() and not os.environ.get("NO_COLOR")
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.processors.format_exc_info,
                _Cleaner(Redactor(secrets), escape=console),
                Console(colours=colours) if console else _json,
            ]
        )
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Loggers of modules may have been used before the settings were read.
        cache_logger_on_first_use=False,
    )


def configure_plain() -> None:
    """For commands that keep no log: our warnings, as sentences to stderr, and nothing else."""
    structlog.configure(
        processors=[lambda _, __, event: sentence(event["event"], event) or str(event["event"])],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines, and when one fails never more than where it came from."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """The library would print the arguments, secrets and all."""
        line = {
            "timestamp": iso(int(record.created * 1000)),
            "level": "error",
            "logger": __name__,
            "event": "log_line_failed",
            "at": f"{record.pathname}:{record.lineno}",
            "error": str(sys.exc_info()[0]),
        }
        with suppress(OSError, ValueError):
            self.stream.write(json.dumps(line) + self.terminator)


class _Cleaner:
    """A structlog processor: all values safe to write, and the fields in order."""

    def __init__(self, redact: Callable[[str], str], *, escape: bool) -> None:
        self._redact = redact
        self._escape = escape

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        record: logging.LogRecord = event.pop("_record")
        del event["_from_structlog"]
        exception = event.pop("exception", None)
        head = {
            "timestamp": iso(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": self._value(event.pop("event", ""), 0),
        }
        # Twice: for the order, and because a field of such a name must not replace them.
        line = {**head, **self._mapping(event, 0), **head}
        if exception is not None:
            line["exception"] = self._traceback(str(exception))
        return line

    def _value(self, value: object, depth: int) -> object:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float) and abs(value) <= MAX_NUMBER:
            return value
        if depth < MAX_DEPTH:
            if isinstance(value, Mapping):
                return self._mapping(value, depth + 1)
            if isinstance(value, list | tuple | set | frozenset):
                return self._list(value, depth + 1)
        return self._text(value)

    def _mapping(self, value: Mapping[Any, object], depth: int) -> dict[str, object]:
        items = islice(value.items(), MAX_ITEMS)
        cleaned = {self._text(key): self._value(item, depth) for key, item in items}
        if len(value) > MAX_ITEMS:
            cleaned["..."] = f"{len(value) - MAX_ITEMS} more"
        return cleaned

    def _list(self, value: Collection[object], depth: int) -> list[object]:
        cleaned = [self._value(item, depth) for item in islice(value, MAX_ITEMS)]
        if len(value) > MAX_ITEMS:
            cleaned.append(f"... {len(value) - MAX_ITEMS} more")
        return cleaned

    def _text(self, value: object) -> str:
        text = self._redact(value if isinstance(value, str) else _shown(value))
        if len(text) > MAX_TEXT:
            text = f"{text[:MAX_TEXT]}... ({len(text)} characters)"
        return _UNSAFE.sub(_escaped, text) if self._escape else text

    def _traceback(self, text: str) -> str:
        text = self._redact(text)
        if len(text) > MAX_EXCEPTION:
            text = f"({len(text)} characters) ...{text[-MAX_EXCEPTION:]}"
        return _UNSAFE_IN_TRACEBACK.sub(_escaped, text) if self._escape else text


def _shown(value: object) -> str:
    """An exception in its own words, anything else as Python shows it."""
    try:
        return f"{type(value).__name__}: {value}" if isinstance(value, Exception) else repr(value)
    except Exception:  # noqa: BLE001 - any class may fail here, and a log line must not
        return f"<{type(value).__name__}>"


def _escaped(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")


def _json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return json.dumps(event)
