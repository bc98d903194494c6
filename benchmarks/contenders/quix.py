"""Quix Streams with exactly-once: the usual choice for such a job in Python.

It pins a version of confluent-kafka that is too old for us, so it lives in an environment of
its own, from the dependency group `bench`; `make bench` makes that. The program is
`quix_program`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.job import Job

PYTHON = Path(__file__).parents[2] / ".venv-bench" / "bin" / "python"


class Quix(msgspec.Struct, frozen=True):
    """One process, state in RocksDB and in a changelog topic."""

    name: str = "quix"
    guarantee: str = "exactly once"
    reports: bool = True

    def missing(self) -> str | None:
        """Its environment may be."""
        return None if PYTHON.exists() else "there is no .venv-bench (`make bench` makes it)"

    def command(self, job: Job) -> list[str]:
        """Its program, in its environment."""
        return [str(PYTHON), "-m", "benchmarks.contenders.quix_program", *job.arguments()]


QUIX = Quix()
