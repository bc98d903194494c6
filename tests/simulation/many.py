"""Many seeds, on several processors: each run has a process of its own to itself."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

from msgspec import Struct

from tests.simulation.planted import planted
from tests.simulation.reach import reached
from tests.simulation.run import execute
from tests.simulation.scenario import draw

CHUNK = 10


class Verdict(Struct):
    """Of one seed."""

    seed: int
    violations: list[str]
    virtual_s: float
    spoiled: str
    reached: set[str]


def play(seed: int, plant: str = "") -> Verdict:
    """One seed, with a planted bug or without."""
    with planted(plant):
        result = execute(draw(seed))
    paths = reached(result.trace)
    return Verdict(seed, result.violations, result.virtual_s, result.spoiled, paths)


def verdicts(seeds: range, jobs: int, plant: str = "") -> Iterator[Verdict]:
    """Of all of them, as they come."""
    if jobs == 1:
        yield from (play(seed, plant) for seed in seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        work = [(seed, plant) for seed in seeds]
        yield from pool.imap_unordered(_play, work, chunksize=CHUNK)


def _play(work: tuple[int, str]) -> Verdict:
    return play(*work)
