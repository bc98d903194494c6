"""Our daemon, as a user runs it: `session-reports run` with default settings."""

from __future__ import annotations

import sys

import msgspec

from benchmarks.job import Job


def settings(job: Job) -> dict[str, str]:
    """All that is not left at its default."""
    return {
        "kafka.bootstrap.servers": job.servers,
        "app.id": job.name,
        "topics.callbacks": job.callbacks,
        "topics.reports": job.reports,
        "topics.metrics": job.metrics,
        "topics.dead_letters": job.dead_letters,
        "http.port": "0",
        **job.settings,
    }


class Ours(msgspec.Struct, frozen=True):
    """The daemon as one process."""

    name: str = "ours"
    guarantee: str = "exactly once"
    reports: bool = True
    changed: dict[str, str] = {}
    """Settings that are not to be at their default, nor as the workload has them."""

    def missing(self) -> str | None:
        """Nothing."""
        return None

    def command(self, job: Job) -> list[str]:
        """`run`, told where its topics are and what the workload cannot do without."""
        given = {**settings(job), **self.changed}
        options = [f"--set={name}={value}" for name, value in given.items()]
        return [sys.executable, "-m", "consumer", "run", *options]


OURS = Ours()
