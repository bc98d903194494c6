"""The table of contenders."""

from __future__ import annotations

from benchmarks import table
from benchmarks.race import Run
from benchmarks.results import Throughput


def run(contender: str, seconds: float, problems: list[str]) -> Run:
    """A run of a million."""
    return Run(
        contender=contender,
        round=1,
        callbacks=1_000_000,
        seconds=seconds,
        cpu_s=2.0,
        peak_bytes=100_000_000,
        problems=problems,
    )


def test_the_fastest_stands_first() -> None:
    """With its ratio, and a verdict for those that report."""
    runs = [run("ours", 4.0, []), run("bare", 1.0, []), run("naive", 8.0, ["a txid is lost"])]
    text = table.throughput(
        Throughput(workload="steady", machine={}, runs=runs, skipped={"quix": "not here"})
    )
    lines = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    assert [line[1] for line in lines[2:5]] == ["bare", "ours", "naive"]
    assert [line[5] for line in lines[2:5]] == ["1.000", "0.250", "0.125"]
    assert [line[8] for line in lines[2:5]] == ["", "correct", "wrong"]
    assert text.endswith("\nquix is skipped: not here.")
