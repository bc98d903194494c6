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
        Throughput(
            workload="steady",
            machine={},
            runs=runs,
            skipped={"quix": "not here"},
            failed={"x": "y"},
        )
    )
    lines = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    assert [line[1] for line in lines[2:5]] == ["bare", "ours", "naive"]
    assert [line[5] for line in lines[2:5]] == ["1.000", "0.250", "0.125"]
    assert [line[8] for line in lines[2:5]] == ["", "correct", "wrong"]
    assert text.endswith("\nquix is skipped: not here.\n\nx failed: y.")


def test_the_best_other_with_our_guarantee_is_named() -> None:
    """Not those that guarantee nothing, however fast they are."""
    seconds = {"tuned": 1.0, "ours": 2.0, "streams-memory": 9.0, "quix": 8.0}
    runs = [run(name, took, []) for name, took in seconds.items()]
    text = table.throughput(Throughput(workload="steady", machine={}, runs=runs, skipped={}))
    assert "`ours` is 4.0 times as fast as `quix`, the best of the others" in text
