"""Input records in one line each, and an aggregator to feed them to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from consumer.aggregation.delta import Delta
from consumer.aggregation.lifecycle import OPEN, UNKNOWN
from consumer.aggregation.partition import PartitionAggregator
from consumer.aggregation.policy import Policy
from consumer.aggregation.table import TxidTable
from consumer.aggregation.txid import Txid
from consumer.wire import report
from consumer.wire.report import Report

TOPIC = "callbacks"
WALL_MS = 1_000_000
"""Where the wall clock of a feed stands, unless told: far behind no record of a test."""

POLICY = Policy(
    app="app",
    topic=TOPIC,
    device_limit=3,
    inactivity_ms=100,
    max_age_ms=1_000,
    remember_ms=500,
    clock_skew_ms=50,
    window_ms=10_000,
)
"""Small numbers, so that tests read easily."""

DEAD_LETTER = msgspec.structs.replace(POLICY, revise=False)
"""The same with `late.policy = "dead-letter"`."""


class Batch(NamedTuple):
    """Records as the pipeline hands them over."""

    offsets: Sequence[int]
    timestamps: Sequence[int]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]


def usage(imei: str | None = None, sessions: int = 1, **more: Any) -> dict[str, Any]:
    """One item of `usage`; 10 bytes for each session."""
    item = {"numberOfSessions": sessions, "bytesTransferred": 10 * sessions, **more}
    return item if imei is None else {"imei": imei, **item}


def error(imei: str | None = None, code: str = "E1", **more: Any) -> dict[str, Any]:
    """One item of `errors`."""
    item = {"errorResponse": {"errorCode": code}, **more}
    return item if imei is None else {"imei": imei, **item}


def callback(txid: str, *items: dict[str, Any], **more: Any) -> bytes:
    """A callback; items with an `errorResponse` go into `errors`."""
    good = [item for item in items if "errorResponse" not in item]
    bad = [item for item in items if "errorResponse" in item]
    arrays = {name: array for name, array in (("usage", good), ("errors", bad)) if array}
    return encode({"txid": txid, **arrays, **more})


def expectation(txid: str, *imeis: str) -> bytes:
    """The devices that a request named; none are the whole account."""
    return encode({"txid": txid, "imei": imeis})


def encode(value: Any) -> bytes:
    """Compact JSON, as ThingSpace sends it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Feed:
    """One partition, fed record by record; offsets count up from 0."""

    def __init__(self, policy: Policy = POLICY, *, partition: int = 0, **changes: Any) -> None:
        policy = msgspec.structs.replace(policy, **changes)
        self.aggregator = PartitionAggregator(partition, policy)
        self.wall_ms = WALL_MS
        self.offset = 0

    @property
    def delta(self) -> Delta:
        """What has happened since the last commit."""
        return self.aggregator.delta

    @property
    def reports(self) -> list[Report]:
        """What the delta holds, decoded."""
        return [report.decode(value) for _, value in self.delta.reports]

    @property
    def closed(self) -> list[tuple[str, str, str]]:
        """The same in short: txid, rule, closedAt's seconds and milliseconds."""
        return [
            (found.txid, found.summary.completed_by.value, found.summary.closed_at[-7:-1])
            for found in self.reports
        ]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Metrics records of the windows that have closed."""
        return [json.loads(value) for _, value in self.aggregator.windows.closed]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        """Dead letters: offset and reason."""
        return [(found.offset, found.reason.value) for found in self.delta.dead_letters]

    def send(self, value: bytes | None, at: int, key: bytes | None = None) -> None:
        """Apply one record with timestamp `at`."""
        batch = Batch([self.offset], [at], [key], [value])
        assert self.aggregator.apply(batch, 0, self.wall_ms, 1_000_000) == 1
        self.offset += 1

    def tick(self, at: int) -> None:
        """Move the clock by a record that does nothing else: an acknowledgement."""
        self.send(encode({"txid": "tick", "status": "QUEUED"}), at)

    def devices(self, txid: str, *imeis: str, at: int) -> None:
        """A callback with one usage item for each IMEI."""
        self.send(callback(txid, *(usage(imei) for imei in imeis)), at)

    def expect(self, txid: str, *imeis: str, at: int) -> None:
        """An expectation of these devices."""
        self.send(expectation(txid, *imeis), at)

    def known(self, txid: str) -> Txid | None:
        """What is known of a txid."""
        return self.aggregator.table.get(txid)


def known(table: TxidTable, txid: str) -> Txid:
    """A txid that a table must know."""
    state = table.get(txid)
    assert state is not None
    return state


def opened(table: TxidTable, *times: int) -> list[Txid]:
    """Txids "0", "1", ... opened at these times by the records of these numbers."""
    return [table.open(str(number), number, now_ms) for number, now_ms in enumerate(times)]


def drain(table: TxidTable, now_ms: int) -> list[tuple[int, str, str]]:
    """Fire all that is due: deadline, txid, and the phase that ended."""
    fired = []
    while (state := table.timers.due(now_ms)) is not None:
        due_ms = state.deadline_ms(POLICY)
        fired.append((due_ms, state.txid, state.phase))
        if state.phase is OPEN:
            table.emitted(state, due_ms)
        else:
            table.forget(state)
    return fired


def changed(delta: Delta) -> list[str]:
    """Txids whose state is to be written, those forgotten since left out."""
    return [state.txid for state in delta.changed if state.phase is not UNKNOWN]
