"""The table of contenders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.columns import aligned
from benchmarks.contenders.every import CONTENDERS
from benchmarks.contenders.ours import OURS
from benchmarks.figures import Figures, figures, times_as_fast
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
    """One line per contender, the fastest first; who is next best; who was skipped or failed."""
    guarantee = {one.name: one.guarantee for one in CONTENDERS}
    silent = {one.name for one in CONTENDERS if not one.reports}
    lines = sorted(figures(found.runs), key=lambda one: -one.rate)
    rows = [
        _row(one, guarantee[one.contender], checked=one.contender not in silent) for one in lines
    ]
    skipped = [f"\n{name} is skipped: {reason}." for name, reason in found.skipped.items()]
    failed = [f"\n{name} failed: {reason}." for name, reason in found.failed.items()]
    return "\n".join([aligned(_HEAD, rows), *_lead(found, lines, guarantee), *skipped, *failed])


def _lead(
    found: Throughput, lines: Sequence[Figures], guarantee: Mapping[str, str]
) -> Iterator[str]:
    """How far we are from the best of those with our guarantee, where both ran."""
    peers = [one.contender for one in lines if guarantee[one.contender] == OURS.guarantee]
    if OURS.name in peers and (others := [name for name in peers if name != OURS.name]):
        factor = times_as_fast(found.runs, OURS.name, others[0])
        yield (
            f"\n`{OURS.name}` is {factor:.1f} times as fast as `{others[0]}`, the best of the "
            f"others that guarantee {OURS.guarantee}."
        )


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
