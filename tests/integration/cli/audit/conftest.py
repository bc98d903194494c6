"""One run with everything in it, for all tests that only look at what it left."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial

import pytest

from consumer.simulator.options import Options
from tests.harness import Sending, Stage
from tests.harness.records import OLD_MS, simulated, tick
from tests.waiting import until

PARTITIONS = 3
KILLS = 3
OPTIONS = Options(
    requests=600,
    rate=200,
    hostile=0.02,
    silent=0.1,
    retries=0.1,
    late=0.05,
    late_after_ms=6_000,
    expectations=0.2,
    seed=9,
)
END_MS = OLD_MS + 600_000


@pytest.fixture(scope="session")
def lived(bootstrap_servers: str) -> Iterator[Stage]:
    """A run with every ending, retries, late parts, hostile records and kills, at its end."""
    with Stage(bootstrap_servers, f"audit-{uuid.uuid4().hex[:12]}") as stage:
        stage.create(
            partitions=PARTITIONS, inactivity_ms=2_000, window_ms=2_000, remember_ms=20_000
        )
        stage.settings = {
            "completion.idle": "1h",
            "app.static": "true",  # a member that was killed has its partitions back at once
            "app.instance": "only",
            "commit.interval": "5ms",
            "commit.max_reports": "50",
        }
        _live(stage, list(simulated(OPTIONS, OLD_MS)))
        yield stage


def _is_past(stage: Stage, done: int) -> bool:
    return sum(stage.committed().values()) > done


def _live(stage: Stage, records: list[Sending]) -> None:
    """Consume everything, killed on the way."""
    step = len(records) // (KILLS + 1) + 1
    for number in range(KILLS + 1):
        member = stage.member()
        done = sum(stage.committed().values())
        stage.send(records[number * step : (number + 1) * step])
        if number < KILLS:
            member.until(partial(_is_past, stage, done), "a commit")
            member.kill()
    stage.send(tick(partition, END_MS) for partition in range(PARTITIONS))
    stage.await_consumed()
    until(lambda: stage.exact_problems() == [], "the right outputs")
    assert member.stop() == 0
