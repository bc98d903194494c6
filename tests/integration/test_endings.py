"""Every way in which a txid can end, on a real Kafka, and what its report looks like then."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import Any

import pytest

from consumer.wire.placement import partition_for
from tests.harness import Sending, Stage
from tests.harness.records import OLD_MS, callback, expectation, tick, usage
from tests.oracle.record import Record, iso, milliseconds

pytestmark = pytest.mark.kafka

STILL = {"completion.idle": "1h"}
"""Time is the records' alone."""


def summary(record: Record) -> dict[str, Any]:
    """Of a report."""
    found: dict[str, Any] = json.loads(record.value or b"")["summary"]
    return found


def endings(stage: Stage) -> dict[str, tuple[str, str, int]]:
    """By txid: outcome, completedBy, and milliseconds from the beginning to `closedAt`."""
    return {
        (record.key or b"").decode(): (
            found["outcome"],
            found["completedBy"],
            milliseconds(found["closedAt"]) - OLD_MS,
        )
        for record in stage.read(stage.reports)
        for found in [summary(record)]
    }


def test_by_its_devices_or_by_time(stage: Stage) -> None:
    """Each rule where it is the first to be true; the report says which one it was."""
    stage.create(inactivity_ms=1_000, max_age_ms=3_000, device_limit=3, window_ms=1_000)
    stage.settings = STILL
    long = [callback("max_age", usage("1", n), at_ms=OLD_MS + 600 * n) for n in range(5)]
    wanted = [expectation(f"asked-{when}", "1", "2", at_ms=OLD_MS) for when in ("before", "late")]
    stage.send(
        sorted(
            [
                wanted[0],
                callback("asked-before", usage("1"), at_ms=OLD_MS + 10),
                callback("asked-before", usage("2"), at_ms=OLD_MS + 20),
                callback("asked-late", usage("1"), usage("2"), at_ms=OLD_MS + 30),
                wanted[1]._replace(timestamp_ms=OLD_MS + 40),
                callback("device_limit", usage("1"), usage("2"), at_ms=OLD_MS + 50),
                callback("device_limit", usage("3"), at_ms=OLD_MS + 60),
                callback("inactivity", usage("1"), at_ms=OLD_MS + 70),
                expectation("silent", "1", at_ms=OLD_MS + 80),
                *long,
            ],
            key=lambda sending: sending.timestamp_ms,
        )
    )
    stage.send([tick(0, OLD_MS + 10_000)])
    stage.member()
    stage.await_exact()

    assert endings(stage) == {
        "asked-before": ("complete", "expected_devices", 20),
        "asked-late": ("complete", "expected_devices", 40),
        "device_limit": ("complete", "device_limit", 60),
        "inactivity": ("unconfirmed", "inactivity", 1_070),
        "silent": ("partial", "inactivity", 1_080),
        "max_age": ("unconfirmed", "max_age", 3_000),
    }


def test_for_want_of_memory(stage: Stage) -> None:
    """The earliest opened ones give way, whole, and those that stay are within the limit."""
    stage.create(inactivity_ms=60_000, window_ms=10_000)
    stage.settings = {**STILL, "limits.state_bytes": "1MB"}
    member = stage.member()
    txids = [f"t{number:04}" for number in range(3_000)]
    stage.send(
        callback(txid, usage("1"), at_ms=OLD_MS + number) for number, txid in enumerate(txids)
    )
    stage.await_consumed()
    gone = stage.txids()

    assert 1_000 < len(gone) < 2_500
    assert gone == txids[: len(gone)]
    assert {ending[:2] for ending in endings(stage).values()} == {("unconfirmed", "capacity")}
    assert member.stop() == 0
    member = stage.member()  # which tells at once what it has restored
    member.await_metric("open_txids", len(txids) - len(gone))
    assert 900_000 < member.metric("state_bytes") <= 1_000_000
    stage.send([tick(0, OLD_MS + 600_000)])
    stage.await_consumed()
    assert stage.txids() == txids
    assert stage.command("audit").wait() == 0


def test_because_it_outgrew_its_own_limit(stage: Stage) -> None:
    """It is emitted once, and only its marks stay: what it could still get becomes late."""
    stage.create(inactivity_ms=60_000, device_limit=0, window_ms=10_000)
    stage.settings = {**STILL, "limits.txid_bytes": "10kB"}
    stage.send(callback("t", usage(str(n)) | {"note": "x" * 500}, at_ms=OLD_MS) for n in range(30))
    stage.member()
    stage.await_consumed()
    (report,) = stage.read(stage.reports)
    held = len(json.loads(report.value or b"")["usage"])
    letters = stage.read(stage.dead_letters)

    assert endings(stage) == {"t": ("unconfirmed", "capacity", 0)}
    assert 10 < held < 20
    assert len(letters) == 30 - held
    assert {dict(one.headers)["__streams.errors.exception"] for one in letters} == {b"late"}


def test_a_large_report_comes_in_parts(stage: Stage) -> None:
    """Each within the limit, all in the partition of their txid, under keys of their own."""
    stage.create(partitions=4, inactivity_ms=1_000, device_limit=0, report_bytes=10_000)
    stage.settings = {**STILL, "limits.report_bytes": "10kB"}
    txids = ["large", "larger"]
    for count, txid in ((40, "large"), (90, "larger")):
        stage.send(
            callback(txid, usage(str(n)) | {"note": f"{n:0500}"}, at_ms=OLD_MS + n)
            for n in range(count)
        )
        stage.send([expectation(txid, *(f"{n:0200}" for n in range(60)), at_ms=OLD_MS + 500)])
    stage.send(tick(partition, OLD_MS + 10_000) for partition in range(4))
    stage.member(STILL)
    stage.await_exact()
    parts = stage.read(stage.reports)

    for txid in txids:
        own = [one for one in parts if (one.key or b"").partition(b"\0")[0] == txid.encode()]
        count = len(own)
        assert count >= 7
        assert {one.partition for one in own} == {partition_for(txid.encode(), 4)}
        keys = [txid.encode(), *(b"%s\0%d" % (txid.encode(), n) for n in range(2, count + 1))]
        assert [one.key for one in own] == keys
        assert [summary(one)["part"] for one in own] == [
            {"index": number, "count": count} for number in range(1, count + 1)
        ]
        assert max(len(one.value or b"") for one in own) <= 10_000
        items = list(itertools.chain(*(json.loads(one.value or b"")["usage"] for one in own)))
        assert [item["imei"] for item in items] == [str(n) for n in range(len(items))]
        missing = list(itertools.chain(*(summary(one)["devices"]["missing"] for one in own)))
        assert len(missing) == 60


TXIDS = 100_000
AT_ONCE = 20_000
"""`commit.max_reports`, its default."""


def test_a_hundred_thousand_fall_due_at_once(stage: Stage) -> None:
    """They are spread over transactions; what comes behind them waits until all are out."""
    stage.create(inactivity_ms=1_000, device_limit=2, window_ms=60_000)
    stage.settings = STILL
    member = stage.member()
    value = b'{"txid":"%06d","usage":[{"imei":"%06d","bytesTransferred":1}]}'
    stage.send(
        Sending(value % (number, number), b"%06d" % number, 0, OLD_MS) for number in range(TXIDS)
    )
    stage.await_consumed(60)
    assert stage.txids() == []
    behind = callback("behind", usage("1"), usage("2"), at_ms=OLD_MS + 1_000)
    stage.send([behind, tick(0, OLD_MS + 120_000)])
    stage.await_consumed(60)
    reports = stage.read(stage.reports)
    *due, last = (record.key for record in reports)

    assert due == [b"%06d" % number for number in range(TXIDS)]
    assert last == b"behind"
    closed = f'"closedAt":"{iso(OLD_MS + 1_000)}"'.encode()
    assert all(closed in (record.value or b"") for record in reports)
    assert all(
        b'[{"imei":"%s","bytesTransferred":1}]' % (record.key or b"") in (record.value or b"")
        for record in reports[:-1]
    )
    # Between two transactions lies the marker that ended the first.
    sizes = Counter(record.offset - number for number, record in enumerate(reports))
    assert max(sizes.values()) <= AT_ONCE
    assert TXIDS / AT_ONCE <= len(sizes) <= TXIDS / AT_ONCE + 2
    assert member.metric("reports_emitted_total", completed_by="inactivity") == TXIDS
    assert stage.command("audit").wait(60) == 0
