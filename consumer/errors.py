"""Every error that a user of the daemon can meet, and nothing else.

Rooms below the command line raise one of these, with a message of one line that names
the setting or topic at fault and what to do about it. Classes of the libraries below us
(librdkafka, msgspec, tomllib, ...) are translated where they occur and never travel on.

`StartupError` and its children end the program. `Fault` is what Kafka does to a running
pipeline; `kafka/faults.py` is the table that makes one from a librdkafka error, and the
only three things that can be done about a fault are its `Action`.
"""

from __future__ import annotations

import enum
from typing import ClassVar


class SessionReportsError(Exception):
    """Base of all errors shown to a user: one line, and the exit code it ends with."""

    exit_code: ClassVar[int] = 1


class ConfigError(SessionReportsError):
    """A setting is wrong, or a topic does not fit the settings (EX_CONFIG)."""

    exit_code = 78


class UnreachableError(SessionReportsError):
    """Kafka did not answer within `kafka.connect_timeout` at start (EX_UNAVAILABLE)."""

    exit_code = 69


class EmbeddedKafkaError(SessionReportsError):
    """The embedded Kafka has no JRE, no jars, or did not come up."""


class Action(enum.Enum):
    """What the daemon does about a fault of Kafka."""

    RESEND = "resend"
    """Abort, and send the same records once more with fresh group metadata."""
    TEAR_DOWN = "tear down"
    """Throw the pipeline away and restore a new one from Kafka."""
    GIVE_UP = "give up"
    """Stop: only a person can mend this. Nothing was committed."""


class Fault(SessionReportsError):  # noqa: N818 - the field's word for it
    """Something Kafka did to a running pipeline, already classified.

    `cause` is the row of the fault table (a closed set: it becomes a metric label),
    the message a line for the log.
    """

    def __init__(self, action: Action, cause: str, message: str) -> None:
        super().__init__(message)
        self.action = action
        self.cause = cause
