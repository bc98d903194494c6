"""Which stage a sampled stack belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

import consumer
from benchmarks.sampled import COMMITS, FILES, STAGES, by_stage
from consumer.kafka.transactions import Transactions


@pytest.mark.parametrize(
    ("place", "stage"),
    [
        ("pipeline/loop.py:turn", "loop"),
        ("", "loop"),
        ("aggregation/partition.py:apply", "aggregate"),
        ("kafka/source.py:poll", "fetch"),
        ("wire/callback.py:decode", "decode"),
        ("aggregation/emission.py:encode_report", "encode"),
        ("pipeline/rows.py:add", "encode"),
        ("wire/state_chunks.py:encode", "encode"),
        ("kafka/transactions.py:produce", "produce"),
        ("kafka/transactions.py:flush", "commit"),
        ("telemetry/metrics.py:committed", "loop"),
    ],
)
def test_a_file_belongs_to_a_stage(place: str, stage: str) -> None:
    """One function or the other to another one than its file."""
    assert by_stage({place: 7}) == {**dict.fromkeys(STAGES, 0), stage: 7}


def test_places_of_a_stage_add_up() -> None:
    """Nothing is left out."""
    found = by_stage({"wire/report.py:encode": 2, "pipeline/state_log.py:append": 3, "x.py:y": 4})
    assert (found["encode"], found["loop"], sum(found.values())) == (5, 4, 9)


@pytest.mark.parametrize("path", [path for path, _ in FILES])
def test_every_file_of_a_stage_is_there(path: str) -> None:
    """One that has moved would count to another stage, unseen."""
    assert (Path(consumer.__file__).parent / path).exists()


def test_the_functions_that_wait_for_kafka_are_there() -> None:
    """By the names that are looked for."""
    assert all(hasattr(Transactions, name) for name in COMMITS)
