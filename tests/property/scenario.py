"""One long life, the same every time: what comes out must be the same everywhere."""

from __future__ import annotations

import random
from collections.abc import Iterator

from consumer.aggregation.policy import Policy
from tests.property.driver import After, Driver, Step
from tests.property.streams import HOSTILE, REPORT_BYTES, Event, Idle, Input
from tests.unit.aggregation.feed import callback, encode, error, usage

POLICY = Policy(
    app="app",
    topic="callbacks",
    device_limit=4,
    inactivity_ms=900,
    max_age_ms=5_000,
    remember_ms=2_000,
    window_ms=1_000,
    report_bytes=REPORT_BYTES,
)
SHARE_BYTES = 60_000


def outputs() -> Iterator[bytes]:
    """Reports, metrics records, dead letters and records of the state log."""
    driver = Driver(POLICY, _events(), SHARE_BYTES)
    outcome = driver.run(
        Step(1 + number % 9, 5, After.REFUSED if number % 7 == 0 else After.COMMIT)
        for number in range(1_000)
    )
    for key, value in outcome.reports + outcome.metrics:
        yield key + value
    for offset, reason, message in outcome.dead_letters:
        yield f"{offset} {reason} {message}".encode()
    for offset, value in driver.ledger.records:
        yield b"%d" % offset + value


def _events() -> list[Event]:
    rng = random.Random(1)  # noqa: S311 - the same life every time
    events: list[Event] = []
    now_ms = 1_000
    for number in range(2_500):
        now_ms += rng.choice((0, 1, 5, 40))
        imeis = [f"imei-{rng.randrange(9)}" for _ in range(rng.randrange(4))]
        items = [
            usage(imei, rng.randrange(3)) if rng.random() < 0.7 else error(imei, f"E{imei[-1]}")
            for imei in imeis
        ]
        txid = f"txid-{rng.randrange(40)}"
        value: bytes | None = callback(txid, *items)
        chance = rng.random()
        if chance < 0.05:
            value = rng.choice(HOSTILE)
        elif chance < 0.1:
            value = callback(txid, *(usage(imei, x="y" * 2_000) for imei in imeis))
        elif chance < 0.15:
            value = callback(txid, *(usage(imei, x="y" * 3_000) for imei in imeis))
        elif chance < 0.25:
            value = encode({"txid": txid, "imei": imeis})
        events.append(Input(number, now_ms, b"txid-1", value))
    return [*events, Idle(now_ms + 60_000)]
