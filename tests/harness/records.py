"""Records as ThingSpace would send them, made by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator

from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
from tests.harness.cluster import Sending

OLD_MS = 1_700_000_000_000
"""Long ago: with timestamps from here on, the wall clock's bound never acts."""


def usage(imei: str, sessions: int = 1, transferred: int = 100) -> dict[str, object]:
    """A usage item."""
    return {"imei": imei, "numberOfSessions": sessions, "bytesTransferred": transferred}


def callback(txid: str, *items: dict[str, object], at_ms: int = 0, partition: int = -1) -> Sending:
    """A callback with usage items; `at_ms` 0 is now, `partition` -1 is the key's."""
    value = json.dumps({"txid": txid, "usage": items}).encode()
    return Sending(value, txid.encode(), partition=partition, timestamp_ms=at_ms)


def expectation(txid: str, *imeis: str, at_ms: int = 0) -> Sending:
    """The devices that a request named."""
    return Sending(
        json.dumps({"txid": txid, "imei": imeis}).encode(), txid.encode(), timestamp_ms=at_ms
    )


def tick(partition: int, at_ms: int) -> Sending:
    """A record that only moves the clock of a partition: an acknowledgement."""
    value = json.dumps({"txid": "tick", "status": "QUEUED"}).encode()
    return Sending(value, b"tick", partition=partition, timestamp_ms=at_ms)


def simulated(options: Options, at_ms: int = 0) -> Iterator[Sending]:
    """The records of a simulation, its timeline begun at `at_ms` (0: all of them now)."""
    for key, value, after_ms in Plan(options).records():
        yield Sending(value, key, timestamp_ms=at_ms + after_ms if at_ms else 0)
