"""What arrives: callbacks of a few txids with few devices, made so that things happen.

Devices are expected and missing, come twice, come late and come in other spellings; records are
broken, misplaced, too fat for one report; timestamps stand still, crawl, go back, and jump over
deadlines. Now and then a producer's own transaction leaves markers and aborted records, which
nobody must read, in the input.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tests.simulation.world import EPOCH_MS

if TYPE_CHECKING:
    from tests.simulation.scenario import Setup

FEED_S = 18.0
"""Records arrive within this time."""
HEALTHY_RECORDS = 12
"""Kept for the healthy end, if there is one."""
DAY_MS = 86_400_000

GARBAGE = (
    None,
    b"",
    b"\x00\x00\x00\x00\x01{}",
    b'{"txid":"t0","usage":[{"imei":"\xff"}]}',
    b'{"txid":"t0","usage":[{"imei":"1"}',
    b'{"txid":"t1","usage":[{"imei":"1"},{"imei":"2","numberOfSessions":-1}]}',
    b'{"usage":[{"imei":"1"}]}',
    b'{"txid":"","usage":[]}',
    b'{"txid":"t0","status":"DONE"}',
    b"[]",
)
FAT_BYTES = 2_000


class Arrival(Struct, array_like=True):
    """A record of the input, or (`aborted`) one that its producer takes back."""

    at_s: float
    partition: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    aborted: bool = False


def draw(chance: random.Random, setup: Setup) -> list[Arrival]:
    """Arrivals in order of time; those beyond `FEED_S` are for the healthy end."""
    count = chance.choice((15, 30, 60, 100))
    txids = [f"t{number}" for number in range(chance.choice((2, 4, 8)))]
    bursts = chance.random() < 0.3
    times = sorted(
        FEED_S * (chance.random() ** 3 if bursts else chance.random()) for _ in range(count)
    )
    if setup.healthy:
        times += [FEED_S + 1.0] * HEALTHY_RECORDS
    clock_ms = [EPOCH_MS - DAY_MS] * setup.partitions
    seen: list[tuple[int, bytes | None, bytes | None]] = []
    arrivals = []
    for at_s in times:
        if seen and chance.random() < 0.15:
            number, key, value = chance.choice(seen)
        else:
            number, key, value = _record(chance, txids, setup)
            seen.append((number, key, value))
        if setup.exact:
            timestamp_ms = clock_ms[number] = clock_ms[number] + _step_ms(chance, setup)
        else:
            lag_ms = chance.choice((0, 0, 300, 1_500, -2_000))
            timestamp_ms = EPOCH_MS + round(at_s * 1000) - lag_ms
        if chance.random() < 0.03:
            timestamp_ms = chance.choice((0, -1, timestamp_ms - 5_000))
        aborted = chance.random() < 0.05
        arrivals.append(Arrival(round(at_s, 3), number, timestamp_ms, key, value, aborted))
    return arrivals


def _step_ms(chance: random.Random, setup: Setup) -> int:
    return chance.choice(
        (0, 0, 0, 1, 7, 30, 100, 100, 300, setup.inactivity_ms, setup.inactivity_ms + 1,
         setup.window_ms, setup.max_age_ms // 2, setup.remember_ms, -50)
    )  # fmt: skip


def _record(
    chance: random.Random, txids: list[str], setup: Setup
) -> tuple[int, bytes | None, bytes | None]:
    number = chance.randrange(len(txids))
    txid, partition = txids[number], number % setup.partitions
    key = b"other" if chance.random() < 0.05 else txid.encode()
    kind = chance.random()
    if kind < 0.06:
        return chance.randrange(setup.partitions), key, chance.choice(GARBAGE)
    body: dict[str, Any] = {"txid": txid}
    if kind < 0.10:
        body["status"] = chance.choice(("QUEUED", "COMPLETED"))
    elif kind < 0.22:
        body["imei"] = chance.sample("12345", chance.randrange(4))
    elif kind > 0.25:
        fat = FAT_BYTES if chance.random() < 0.05 else 0
        items = [_item(chance, fat) for _ in range(chance.choice((1, 1, 2, 3)))]
        body["usage"] = [item for array, item in items if array == "usage"]
        body["errors"] = [item for array, item in items if array == "errors"]
        body["callbackCount"] = chance.randrange(3)
    return partition, key, _spelled(chance, body)


def _item(chance: random.Random, fat: int) -> tuple[str, dict[str, Any]]:
    imei = chance.choice("123456")
    item: dict[str, Any] = {"imei": imei}
    if chance.random() < 0.03:
        del item["imei"]
    if fat:
        item["x"] = imei * fat
    if chance.random() < 0.75:
        item["numberOfSessions"] = chance.randrange(3)
        item["bytesTransferred"] = chance.choice((0, 10, 2**63 - 1))
        return "usage", item
    item["errorResponse"] = {"errorCode": f"E{chance.randrange(3)}"}
    return "errors", item


def _spelled(chance: random.Random, body: dict[str, Any]) -> bytes:
    if chance.random() < 0.2:
        return json.dumps(body, indent=1).encode()
    return json.dumps(body, separators=(",", ":")).encode()
