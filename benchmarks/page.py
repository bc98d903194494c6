"""What `docs/benchmarks.md` shows, made from the results: tables, and the pictures beside it.

`make docs` puts it there. What was not measured yet, the page says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import msgspec

from benchmarks import plot, results, table
from benchmarks.columns import aligned
from benchmarks.contenders.every import CONTENDERS
from benchmarks.contenders.ours import OURS
from benchmarks.figures import REFERENCE, Figures, figures
from benchmarks.results import Sweep, Target, Throughput
from benchmarks.workloads import WORKLOADS, workload

STEADY = "throughput-steady"
SOAK = "soak"
SWEEP = "sweep"
TARGETS = (
    "restore",
    "memory",
    "latency",
    "scale-out",
    "growth",
    "state-log",
    "stages",
    SOAK,
)
"""In the order of the page."""
_GROUPS = {REFERENCE: "does nothing", OURS.name: f"ours: {OURS.guarantee}"}
"""Those that stand out in the picture."""
_NOT_YET = "Not measured yet."

_Result = TypeVar("_Result", Throughput, Sweep, Target)


def pieces() -> Mapping[str, Callable[[], str]]:
    """By the name with which the page asks for them."""
    return {
        "bench-machine": machine,
        "bench-steady": partial(throughput, "steady"),
        "bench-workloads": workloads,
        "bench-sweep": sweep,
        **{f"bench-{name}": partial(target, name) for name in TARGETS},
    }


def pictures() -> Mapping[str, Callable[[], str]]:
    """By the name of their file in `docs`."""
    return {"benchmarks.svg": picture, "soak.svg": soak_picture}


def machine() -> str:
    """Where the contenders ran."""
    found = _read(STEADY, Throughput)
    return _NOT_YET if found is None else described(found.machine)


def described(facts: Mapping[str, str]) -> str:
    """A machine, as a list."""
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def throughput(name: str) -> str:
    """The table of one workload."""
    found = _read(f"throughput-{name}", Throughput)
    if found is None or not found.runs:
        return _NOT_YET
    return f"{_extent(found)}\n\n{table.throughput(found)}"


def sweep() -> str:
    """The table of settings."""
    found = _read(SWEEP, Sweep)
    if found is None or not found.runs:
        return _NOT_YET
    return f"{_extent(found)}\n\n{table.sweep(found)}"


def _extent(found: Throughput) -> str:
    """How much was measured, and when."""
    first = found.runs[0]
    rounds = max(run.round for run in found.runs)
    return (
        f"{rounds} round{'s' * (rounds > 1)} of {first.callbacks:,} records, "
        f"{found.machine['date']}; medians."
    )


def workloads() -> str:
    """All others, each with what is sent."""
    others = [one for one in WORKLOADS if one.name != "steady"]
    return "\n\n".join(f"**`{one.name}`**: {one.says}.\n\n{throughput(one.name)}" for one in others)


def target(name: str) -> str:
    """The figures of any other program."""
    found = _read(name, Target)
    if found is None:
        return _NOT_YET
    rows = list(found.figures.items())
    return f"{found.machine['date']}.\n\n{aligned((found.target, ''), rows)}"


def picture() -> str:
    """Contenders on `steady` as bars, the bare loop being 1."""
    found = _read(STEADY, Throughput)
    title = f"Throughput beside a bare consume loop: {workload('steady').says}"
    if found is None:
        return plot.bars(title, [])
    guarantee = {one.name: one.guarantee for one in CONTENDERS}
    ordered = sorted(figures(found.runs), key=lambda one: -one.rate)
    return plot.bars(title, [_bar(one, guarantee[one.contender]) for one in ordered if one.ratio])


def soak_picture() -> str:
    """The curves of the soak."""
    found = _read(SOAK, Target)
    return plot.lines("Soak", "minutes", {} if found is None else found.points)


def _bar(one: Figures, guarantee: str) -> plot.Bar:
    ratio = one.ratio or 0.0
    bare = one.rate / ratio
    return plot.Bar(
        label=one.contender,
        value=min(ratio, 1.0),
        low=one.slowest / bare,
        high=one.fastest / bare,
        text=f"{ratio:.3f}   {one.rate / 1_000:,.0f} k/s",
        group=_GROUPS.get(one.contender, f"guarantee: {guarantee}"),
    )


def _read(name: str, kind: type[_Result]) -> _Result | None:
    path = results.FOLDER / f"{name}.json"
    return msgspec.json.decode(path.read_bytes(), type=kind) if path.exists() else None
