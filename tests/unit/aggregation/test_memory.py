"""The account of memory against what Python really takes (DESIGN 2.3.2: within 25 %)."""

from __future__ import annotations

import gc
import json
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED
from consumer.aggregation.partition import PartitionAggregator
from consumer.aggregation.policy import Policy
from tests.unit.aggregation.feed import Batch

NOW_MS = 1_700_000_000_000
FOREVER_MS = 10**9
POLICY = Policy(
    app="app",
    topic="callbacks",
    device_limit=0,
    inactivity_ms=FOREVER_MS,
    max_age_ms=FOREVER_MS,
    remember_ms=FOREVER_MS,
)


def records(
    txids: int, devices: int, *, days: int = 1, errors: bool = False, expected: bool = False
) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of what ThingSpace sends: a callback for each device and day."""
    rng = random.Random(1)  # noqa: S311 - the same bytes every time
    for _ in range(txids):
        txid = f"{rng.getrandbits(128):032x}-uuid"
        imeis = [f"{rng.randrange(10**15):015}" for _ in range(devices)]
        if expected:
            yield txid.encode(), json.dumps({"txid": txid, "imei": [*imeis, "none"]}).encode()
        for imei in imeis:
            for _ in range(days):
                item: dict[str, Any] = {"imei": imei, "numberOfSessions": rng.randrange(100)}
                if errors:
                    code = f"ERROR_{rng.randrange(5)}"
                    item = {"imei": imei, "errorResponse": {"errorCode": code}}
                item["bytesTransferred"] = rng.randrange(10**8)
                array = "errors" if errors else "usage"
                yield txid.encode(), json.dumps({"txid": txid, array: [item]}).encode()


def emit(aggregator: PartitionAggregator) -> None:
    """All that is open. Each gets a timer in the heap by that, as all have before long."""
    table = aggregator.table
    for number, state in enumerate(list(table.states()), 1):
        table.emitted(state, NOW_MS - number)


def mark(aggregator: PartitionAggregator) -> None:
    """All that is remembered."""
    for state in aggregator.table.states():
        aggregator.table.mark(state)


CASES: list[tuple[int, int, dict[str, Any]]] = [
    (3_000, 1, {}),
    (1_000, 3, {}),
    (1_000, 10, {}),
    (1, 10_000, {}),
    (500, 10, {"expected": True}),
    (300, 10, {"days": 2}),
    (300, 1, {"days": 30}),
    (3_000, 1, {"errors": True}),
    (500, 10, {"errors": True}),
]


def measured(phase: str, txids: int, devices: int, more: dict[str, Any]) -> tuple[int, int]:
    """What so many of them take by the account, and in truth."""
    aggregator = PartitionAggregator(0, POLICY)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for offset, (key, value) in enumerate(records(txids, devices, **more)):
            batch = Batch([offset], [NOW_MS + offset], [key], [value])
            aggregator.apply(batch, 0, NOW_MS + offset, 1)
            aggregator.take()
        assert aggregator.table.open_count == txids
        if phase is not OPEN:
            emit(aggregator)
        if phase is MARKED:
            mark(aggregator)
        gc.collect()
        real = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert {state.phase for state in aggregator.table.states()} == {phase}
    return aggregator.table.memory_bytes, real


@pytest.mark.parametrize("phase", [OPEN, REMEMBERED, MARKED])
@pytest.mark.parametrize(("txids", "devices", "more"), CASES)
def test_the_account_is_within_a_quarter_of_real_memory(
    phase: str, txids: int, devices: int, more: dict[str, Any]
) -> None:
    """For small requests and large ones, with usage by day, errors and expectations."""
    account, real = measured(phase, txids, devices, more)
    assert account == pytest.approx(real, rel=0.25)


def test_the_account_is_close_to_real_memory_where_it_decides() -> None:
    """Open requests of many devices are what fills a memory that is too small."""
    account, real = measured(OPEN, 1_000, 10, {})
    assert account == pytest.approx(real, rel=0.05)
