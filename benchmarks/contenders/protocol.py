"""What the race asks of a contender."""

from __future__ import annotations

from typing import Protocol

from benchmarks.job import Job


class Contender(Protocol):
    """A program that reads `job.callbacks` as the group `job.name`, and reports."""

    @property
    def name(self) -> str:
        """Short, for tables and the command line."""

    @property
    def guarantee(self) -> str:
        """What holds when it is killed: `exactly once` or `none`."""

    @property
    def reports(self) -> bool:
        """Whether it writes any; if not there is nothing to check."""

    def missing(self) -> str | None:
        """Why it cannot run on this machine, in a line. May build it to find out."""

    def command(self, job: Job) -> list[str]:
        """The process to start, which works until it is killed."""
