"""The simulated hour, in small."""

from __future__ import annotations

from benchmarks.state_log import simulated
from consumer.simulator.options import Options

OPTIONS = Options(requests=600, devices_min=10, rate=100)


def test_everything_of_a_simulation_goes_through_the_log() -> None:
    """A commit for every 200 ms, or fewer where nothing came."""
    log = simulated(OPTIONS)
    assert 5_800 < log.callbacks < 6_200
    assert 250 < log.commits <= 310
    assert log.txids == 600
    assert log.written_bytes / log.callbacks > 50
    assert len(log.ratios) == 1


def test_the_log_holds_all_that_lives() -> None:
    """And is no longer than twice as much, the floor aside."""
    log = simulated(OPTIONS)
    assert log.live_bytes <= log.length_bytes <= log.written_bytes
    assert log.length_bytes <= 2 * log.live_bytes + 1_000_000
