"""From the runs of several rounds to one line per contender: medians, and ratios per round.

A ratio is taken within a round, where both ran within minutes of each other, and only then
the median over rounds: a machine that is slow for a while slows both.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from benchmarks.race import Run

REFERENCE = "bare"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One contender over all rounds."""

    contender: str
    rounds: int
    rate: float
    """Callbacks per second, the median of the rounds."""
    slowest: float
    fastest: float
    ratio: float | None
    """To the reference of the same round, the median; None where that did not run."""
    cpu_us: float
    """Processor time per callback, in microseconds, the median."""
    peak_bytes: int
    """The most of all rounds."""
    problems: Sequence[str] = ()


def figures(runs: Iterable[Run], reference: str = REFERENCE) -> list[Figures]:
    """Of each contender, in the order in which they first came; ratios are to `reference`."""
    by_name: dict[str, list[Run]] = {}
    for run in runs:
        by_name.setdefault(run.contender, []).append(run)
    rates = {run.round: _rate(run) for run in by_name.get(reference, ())}
    return [_figures(name, own, rates) for name, own in by_name.items()]


def times_as_fast(runs: Iterable[Run], one: str, other: str) -> float:
    """By what factor `one` is faster than `other`: the median over the rounds of both."""
    rates = {(run.contender, run.round): _rate(run) for run in runs}
    return statistics.median(
        rate / rates[other, number]
        for (name, number), rate in rates.items()
        if name == one and (other, number) in rates
    )


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of all lies at or below (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line that fits points (x, y) best, by least squares."""
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def _figures(name: str, runs: Sequence[Run], reference: dict[int, float]) -> Figures:
    rates = [_rate(run) for run in runs]
    ratios = [_rate(run) / reference[run.round] for run in runs if run.round in reference]
    return Figures(
        contender=name,
        rounds=len(runs),
        rate=statistics.median(rates),
        slowest=min(rates),
        fastest=max(rates),
        ratio=statistics.median(ratios) if ratios else None,
        cpu_us=statistics.median(run.cpu_s / run.callbacks for run in runs) * 1e6,
        peak_bytes=max(run.peak_bytes for run in runs),
        problems=[problem for run in runs for problem in run.problems],
    )


def _rate(run: Run) -> float:
    return run.callbacks / run.seconds
