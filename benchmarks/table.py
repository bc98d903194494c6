"""The tables of contenders, and of the daemon with other settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.alternatives import AGAIN, DEFAULT, Alternative
from benchmarks.columns import aligned
from benchmarks.contenders.every import CONTENDERS
from benchmarks.contenders.ours import OURS
from benchmarks.figures import Figures, figures, times_as_fast
from benchmarks.results import Sweep, Throughput

_MEASURED = ("CPU µs per callback", "peak memory", "reports")
_HEAD = ("contender", "guarantee", "callbacks/s", "slowest … fastest", "of bare", *_MEASURED)
_SWEEP_HEAD = (
    "setting",
    "tried",
    "otherwise",
    "callbacks/s",
    "slowest … fastest",
    "of the default",
    *_MEASURED,
)
_UNCHANGED = (DEFAULT, AGAIN)
_OF_LIBRDKAFKA = "librdkafka's"


def throughput(found: Throughput) -> str:
    """One line per contender, the fastest first; who is next best; who was skipped or failed."""
    guarantee = {one.name: one.guarantee for one in CONTENDERS}
    silent = {one.name for one in CONTENDERS if not one.reports}
    lines = sorted(figures(found.runs), key=lambda one: -one.rate)
    rows = [
        _row(one, guarantee[one.contender], checked=one.contender not in silent) for one in lines
    ]
    return "\n".join([aligned(_HEAD, rows), *_lead(found, lines, guarantee), *_left_out(found)])


def sweep(found: Sweep) -> str:
    """One line per alternative, in the order of the first round; the defaults stand first."""
    lines = figures(found.runs, DEFAULT)
    lines.sort(key=lambda one: one.contender not in _UNCHANGED)
    rows = [[*_tried(one.contender, found.otherwise), *_measured(one)] for one in lines]
    return "\n".join([aligned(_SWEEP_HEAD, rows), *_left_out(found)])


def _tried(name: str, otherwise: Mapping[str, str]) -> tuple[str, str, str]:
    if name in _UNCHANGED:
        return name, "", ""
    one = Alternative.of_name(name)
    return one.setting, one.value, otherwise[one.setting] or _OF_LIBRDKAFKA


def _left_out(found: Throughput) -> Iterator[str]:
    for name, reason in found.skipped.items():
        yield f"\n{name} is skipped: {reason}."
    for name, reason in found.failed.items():
        yield f"\n{name} failed: {reason}."


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
    *measured, verdict = _measured(one)
    return [one.contender, guarantee, *measured, verdict if checked else ""]


def _measured(one: Figures) -> list[str]:
    return [
        f"{one.rate:,.0f}",
        f"{one.slowest:,.0f} … {one.fastest:,.0f}",
        "" if one.ratio is None else f"{one.ratio:.3f}",
        f"{one.cpu_us:.2f}",
        f"{one.peak_bytes / 1e6:,.0f} MB",
        "wrong" if one.problems else "correct",
    ]
