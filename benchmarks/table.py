"""The table of contenders."""

from __future__ import annotations

from benchmarks.columns import aligned
from benchmarks.contenders.every import CONTENDERS
from benchmarks.figures import Figures, figures
from benchmarks.results import Throughput

_HEAD = (
    "contender",
    "guarantee",
    "callbacks/s",
    "slowest … fastest",
    "of bare",
    "CPU µs per callback",
    "peak memory",
    "reports",
)


def throughput(found: Throughput) -> str:
    """One line per contender, the fastest first, and what was skipped."""
    guarantee = {one.name: one.guarantee for one in CONTENDERS}
    silent = {one.name for one in CONTENDERS if not one.reports}
    lines = sorted(figures(found.runs), key=lambda one: -one.rate)
    rows = [
        _row(one, guarantee[one.contender], checked=one.contender not in silent) for one in lines
    ]
    skipped = [f"\n{name} is skipped: {reason}." for name, reason in found.skipped.items()]
    return "\n".join([aligned(_HEAD, rows), *skipped])


def _row(one: Figures, guarantee: str, *, checked: bool) -> list[str]:
    verdict = "wrong" if one.problems else "correct"
    return [
        one.contender,
        guarantee,
        f"{one.rate:,.0f}",
        f"{one.slowest:,.0f} … {one.fastest:,.0f}",
        "" if one.ratio is None else f"{one.ratio:.3f}",
        f"{one.cpu_us:.2f}",
        f"{one.peak_bytes / 1e6:,.0f} MB",
        verdict if checked else "",
    ]
