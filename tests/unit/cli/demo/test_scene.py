from __future__ import annotations

import pytest

from consumer.cli.demo.scene import Event, minutes
from tests.unit.cli.demo import made


@pytest.mark.parametrize(("seconds", "said"), [(0, "0:00"), (59.9, "0:59"), (61, "1:01")])
def test_times_are_minutes_and_seconds(seconds: float, said: str) -> None:
    """Since the beginning."""
    assert minutes(seconds) == said
    assert Event(seconds, "").clock == said


def test_open_txids_are_those_of_all_members() -> None:
    """Those of a dead member's partitions, too: their state is in Kafka."""
    assert made.scene().open_txids == 213 + 207
