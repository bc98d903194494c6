"""Groups of pipelines whom everything befalls that a cluster can do: a short run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation import scenario as scenarios
from tests.simulation.many import play
from tests.simulation.planted import BUGS, planted
from tests.simulation.run import execute

REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))
SEEDS = 160
AT_ONCE = 20
MOST_SEEDS = 300
"""Within which a planted bug must show."""


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_whatever_befalls_a_group_nothing_is_lost_doubled_or_invented(first: int) -> None:
    """And once it is left in peace, everything is consumed, falls due, and is emitted."""
    failed = {
        f"python -m tests.simulation --seed {seed} --trace": verdict.violations
        for seed in range(first, first + AT_ONCE)
        if (verdict := play(seed)).violations
    }

    assert failed == {}


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_once_went_wrong_does_not_again(path: Path) -> None:
    """Scenarios that the simulation has found, made small; named after the bug."""
    assert execute(scenarios.load(path.read_bytes())).violations == []


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_a_regression_still_shows_its_bug(path: Path) -> None:
    """With the bug put back, which is planted under the scenario's name."""
    with planted(path.stem):
        assert execute(scenarios.load(path.read_bytes())).violations != []


@pytest.mark.parametrize("name", sorted(BUGS))
def test_a_planted_bug_is_found(name: str) -> None:
    """Else the faults are too weak, or the checker is blind."""
    found = next((seed for seed in range(MOST_SEEDS) if play(seed, name).violations), None)

    assert found is not None
