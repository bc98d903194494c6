"""Where a value came from, and what is wrong with it.

Every value carries its `Origin` from the source to the error message, and to whoever
prints the effective settings. Problems are collected, not raised one by one: whoever
mends a file wants to see all of them.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from msgspec import Struct

from consumer.errors import ConfigError


class Source(enum.IntEnum):
    """The sources of values; a later one goes over an earlier one."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2
    COMMAND_LINE = 3


class Origin(Struct, frozen=True):
    """One place in one source. As text: `consumer.toml:12`, a variable, `--set`."""

    source: Source
    place: str
    line: int = 0
    """Of the file, from 1; 0 where it is not known."""

    def __str__(self) -> str:
        return f"{self.place}:{self.line}" if self.line else self.place


DEFAULT = Origin(Source.DEFAULT, "default")


class Entry(Struct, frozen=True):
    """A value as given, before anything is known about its setting."""

    name: str
    """Dotted: `completion.inactivity`, `kafka.consumer.client.id`."""
    value: object
    origin: Origin
    is_text: bool
    """Whether the value is text to be read (`5`), and not a value of TOML (`"5"`)."""


class Problem(Struct, frozen=True):
    """One thing that is wrong. As text one line: where, which setting, what to do."""

    origin: Origin
    name: str
    """The setting's; "" when no setting is at fault."""
    message: str

    def __str__(self) -> str:
        where = "" if self.origin.source is Source.DEFAULT else f"{self.origin}: "
        return f"{where}{self.name}: {self.message}" if self.name else f"{where}{self.message}"


class SettingsError(ConfigError):
    """All that is wrong with the settings, one line each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
