"""Which stage a sampled stack belongs to."""

from __future__ import annotations

import pytest

from benchmarks.sampled import STAGES, shares

TURN = "main (/x/bin/run:3);Pipeline.turn (/src/consumer/pipeline/loop.py:138)"
APPLY = f"{TURN};PartitionAggregator.apply (/src/consumer/aggregation/partition.py:99)"


@pytest.mark.parametrize(
    ("stack", "stage"),
    [
        (TURN, "loop"),
        (APPLY, "aggregate"),
        (f"{TURN};Source.poll (/src/consumer/kafka/source.py:120)", "fetch"),
        (f"{APPLY};decode (/src/consumer/wire/callback.py:9);hook (/lib/msgspec/x.py:1)", "decode"),
        (f"{APPLY};encode_report (/src/consumer/aggregation/emission.py:9)", "encode"),
        (f"{TURN};Transactions.produce (/src/consumer/kafka/transactions.py:9)", "produce"),
        (f"{TURN};Transactions.flush (/src/consumer/kafka/transactions.py:9)", "commit"),
        (f"{TURN};Metrics.committed (/src/consumer/telemetry/metrics.py:9)", "loop"),
    ],
)
def test_the_innermost_frame_of_ours_decides(stack: str, stage: str) -> None:
    """Whatever a library does below it."""
    assert shares(f"{stack} 7")[stage] == 1.0


def test_shares_are_of_what_runs_in_the_loop() -> None:
    """Other threads and the start do not count."""
    other = "run (/lib/threading.py:1);serve (/src/consumer/telemetry/http.py:1)"
    found = shares(f"{TURN} 1\n{APPLY} 3\n{other} 100\n")
    assert found == {**dict.fromkeys(STAGES, 0.0), "loop": 0.25, "aggregate": 0.75}


def test_no_samples_have_no_shares() -> None:
    """Of a run too short to be sampled."""
    assert set(shares("").values()) == {0.0}
