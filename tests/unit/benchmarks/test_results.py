"""Results on disk, and the page made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import page, results
from benchmarks.race import Run
from benchmarks.results import Target, Throughput

FACTS = {"date": "2026-01-02", "cores": "2"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has been measured."""
    monkeypatch.setattr(results, "FOLDER", tmp_path)


def throughput() -> Throughput:
    """One round of two contenders."""
    seconds = {"bare": 1.0, "ours": 4.0}
    runs = [
        Run(contender=name, round=1, callbacks=1_000_000, seconds=took, cpu_s=1.0, peak_bytes=1)
        for name, took in seconds.items()
    ]
    return Throughput(workload="steady", machine=FACTS, runs=runs, skipped={})


def test_what_was_saved_is_shown() -> None:
    """A table, the machine, a bar."""
    results.save("throughput-steady", throughput())
    pieces = page.pieces()
    assert "| ours " in pieces["bench-steady"]()
    assert "1 round of 1,000,000 records, 2026-01-02" in pieces["bench-steady"]()
    assert pieces["bench-machine"]() == "- date: 2026-01-02\n- cores: 2"
    assert "0.250   250 k/s" in page.pictures()["benchmarks.svg"]()


def test_figures_of_other_programs_are_shown_by_name() -> None:
    """With the curves where there are any."""
    curves = {"MB": [(0.0, 1.0), (1.0, 7.0)]}
    found = Target(target="soak", machine=FACTS, figures={"slope": "0 MB/h"}, points=curves)
    results.save("soak", found)
    assert "| slope | 0 MB/h |" in page.pieces()["bench-soak"]()
    assert "<polyline" in page.pictures()["soak.svg"]()


def test_the_page_says_what_was_not_measured() -> None:
    """Rather than nothing."""
    pieces = page.pieces()
    assert pieces["bench-growth"]() == pieces["bench-machine"]() == "Not measured yet."
    assert pieces["bench-workloads"]().count("Not measured yet.") == 4


def test_a_smaller_run_is_not_shown(tmp_path: Path) -> None:
    """It lies apart, so the page keeps the figures of the whole one."""
    path = results.save("throughput-steady", throughput(), whole=False)
    assert path.parent.parent == tmp_path
    assert page.pieces()["bench-steady"]() == "Not measured yet."


def test_a_run_in_which_all_failed_is_not_shown() -> None:
    """There are no figures in it."""
    found = Throughput(workload="steady", machine=FACTS, runs=[], failed={"bare": "round 1"})
    results.save("throughput-steady", found)
    assert page.pieces()["bench-steady"]() == "Not measured yet."


def test_a_result_replaces_the_one_before(tmp_path: Path) -> None:
    """And leaves nothing else behind."""
    for _ in range(2):
        path = results.save("growth", throughput())
    assert list(tmp_path.iterdir()) == [path]
