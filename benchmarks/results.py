"""Where figures are kept: one JSON file per target, made anew by each run of it.

`docs/benchmarks.md` shows those of whole runs. Of one that was told to do less (fewer
contenders, rounds, callbacks, ...) the figures are kept in a folder that no page shows.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from benchmarks.columns import aligned
from benchmarks.race import Run

FOLDER = Path(__file__).parent / "results"
_PARTIAL = "partial"


class Throughput(msgspec.Struct, kw_only=True):
    """What `python -m benchmarks` found on one workload."""

    workload: str
    machine: dict[str, str]
    runs: list[Run]
    skipped: dict[str, str] = {}
    """By contender: why it did not run."""
    failed: dict[str, str] = {}
    """By contender: in which round it did not come to its end, and how that was."""

    @property
    def is_wrong(self) -> bool:
        """Whether any contender failed, or wrote reports that are wrong."""
        return bool(self.failed) or any(one.problems for one in self.runs)


class Sweep(Throughput, kw_only=True):
    """What `python -m benchmarks.sweep` found: the daemon, with one setting changed each time."""

    otherwise: dict[str, str]
    """What the settings are where they were not changed; "" is what librdkafka has."""


class Target(msgspec.Struct, kw_only=True):
    """What any other program found: named figures, as they are to be shown."""

    target: str
    machine: dict[str, str]
    figures: dict[str, str]
    points: dict[str, list[tuple[float, float]]] = {}
    """Curves, where there are any."""


def save(name: str, result: Throughput | Target, *, whole: bool = True) -> Path:
    """Write `name`.json, whole or not at all; that of a smaller run than usual lies apart."""
    folder = FOLDER if whole else FOLDER / _PARTIAL
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    os.replace(unfinished, path)  # noqa: PTH105 - the same, and it says so
    return path


def publish(
    name: str,
    facts: dict[str, str],
    figures: dict[str, str],
    *,
    whole: bool,
    title: str = "",
    points: dict[str, list[tuple[float, float]]] | None = None,
) -> None:
    """Print the figures of a program, and save them as `name`.json. `facts` are the machine's."""
    title = title or name
    print(aligned((title, ""), figures.items()))
    target = Target(target=title, machine=facts, figures=figures, points=points or {})
    print(f"saved as {save(name, target, whole=whole)}")
