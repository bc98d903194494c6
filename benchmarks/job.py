"""What a contender is told: where its records lie and what makes a report complete."""

from __future__ import annotations

import sys
from typing import Self

import msgspec


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one contender. All names are of this run alone."""

    servers: str
    name: str
    """Also the consumer group, and the first part of every topic's name."""
    records: int = 0
    """How many there will be: a loop that commits nothing while it runs does so after them."""
    device_limit: int = 10
    """So many devices make a report complete where no expectation came; 0 is off."""
    commit_interval_ms: int = 200
    """For those that commit by interval."""
    folder: str = ""
    """For files of the contender, and gone after the run."""
    settings: dict[str, str] = {}
    """Of our daemon: those that the workload cannot do without."""

    @property
    def callbacks(self) -> str:
        """The input topic."""
        return f"{self.name}.callbacks"

    @property
    def reports(self) -> str:
        """The output topic."""
        return f"{self.name}.reports"

    @property
    def metrics(self) -> str:
        """A topic that only our daemon writes."""
        return f"{self.name}.metrics"

    @property
    def dead_letters(self) -> str:
        """Likewise."""
        return f"{self.name}.dead-letters"

    def arguments(self) -> list[str]:
        """As a contender's program takes it."""
        return [msgspec.json.encode(self).decode()]

    @classmethod
    def of_command_line(cls) -> Self:
        """What `arguments` gave to this program."""
        return msgspec.json.decode(sys.argv[1], type=cls)
