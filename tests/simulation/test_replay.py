"""A run can be had again, to the last event; and one that fails, smaller."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation import __main__ as command_line
from tests.simulation import scenario as scenarios
from tests.simulation.planted import planted
from tests.simulation.run import execute
from tests.simulation.scenario import Scenario
from tests.simulation.shrink import shrunk

SEEDS = (10, 14, 54, 56)
"""One that an operator works in, one with orphans, and either kind of time."""
BUG = "clock_not_restored"


PROGRAM = f"""
from tests.simulation.run import execute
from tests.simulation.scenario import draw

for seed in {SEEDS}:
    print(execute(draw(seed)).digest())
"""


def _digests(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_seed_replays_whatever_the_hash_seed() -> None:
    """In processes of their own, each event falls at the same time with the same content."""
    first = _digests("0")

    assert len(set(first.split())) == len(SEEDS)
    assert _digests("4711") == first


def test_a_seed_replays_in_one_process() -> None:
    """Nothing is left of the runs before."""
    first = execute(scenarios.draw(42))
    execute(scenarios.draw(43))

    assert list(execute(scenarios.draw(42)).lines()) == list(first.lines())


def test_a_scenario_can_be_written_down() -> None:
    """Each comes back from its file as it was."""
    for seed in range(40):
        scenario = scenarios.draw(seed)

        assert scenarios.load(scenarios.dump(scenario)) == scenario


def _fails(scenario: Scenario) -> bool:
    return bool(execute(scenario).violations)


def test_a_failing_scenario_is_made_small() -> None:
    """It still fails, and whatever is taken away of it more, it does not."""
    with planted(BUG):
        scenario = next(one for one in map(scenarios.draw, range(100)) if _fails(one))
        small = shrunk(scenario, _fails)

        assert _fails(small)
    assert len(small.blows) <= 1
    assert len(small.arrivals) <= 5
    assert not _fails(small)


def test_the_command_line_shows_a_failing_seed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the command that shows the trace; shrunk, the scenario is in a file."""
    monkeypatch.chdir(tmp_path)
    assert command_line.main(["--seeds", "4", "--jobs", "1", "--plant", BUG]) == 1
    told = capsys.readouterr().out
    assert "python -m tests.simulation --seed 0 --trace" in told
    assert "4 seeds, " in told

    assert command_line.main(["--seed", "0", "--shrink", "--plant", BUG]) == 1
    assert "VIOLATION" in capsys.readouterr().out
    assert command_line.main(["--scenario", "seed-0.json", "--plant", BUG]) == 1
    assert command_line.main(["--scenario", "seed-0.json"]) == 0
    assert command_line.main(["--seeds", "4", "--jobs", "2"]) == 0
