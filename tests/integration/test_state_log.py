"""The state log on a real Kafka: it stays short, and what it no longer needs is deleted."""

from __future__ import annotations

import json

import pytest

from tests.harness import Stage
from tests.harness.records import OLD_MS, callback, tick, usage
from tests.oracle.topics import read_topic
from tests.waiting import until

pytestmark = pytest.mark.kafka

ROUNDS = 35
TXIDS = 40
ITEM_BYTES = 1_000


def start_offset(stage: Stage) -> int:
    """Where a restore would begin, from the metadata of the committed offset."""
    committed = stage.cluster.committed(stage.app, stage.callbacks)[0]
    return int(json.loads(committed.metadata)["start"])


def long_traffic(stage: Stage) -> None:
    """One txid that stays open all the while, and many that come and go, over many commits."""
    stage.send([callback("long", usage("0"), at_ms=OLD_MS)])
    for number in range(ROUNDS):
        at_ms = OLD_MS + number * 1_000
        note = {"note": f"{number:03}" * (ITEM_BYTES // 3)}
        stage.send(
            callback(f"{number}/{txid}", usage(str(txid)) | note, at_ms=at_ms)
            for txid in range(TXIDS)
        )
        stage.send([callback("long", usage(str(number + 1)), at_ms=at_ms)])
        stage.await_consumed()


def test_it_stays_short_however_long_the_traffic(stage: Stage) -> None:
    """A restore reads what depends on what is open, not on what has been; the rest is deleted.

    A txid from the very beginning keeps nothing of the rest, and is whole after the restore.
    """
    stage.create(inactivity_ms=1_500, remember_ms=1_500, window_ms=60_000, device_limit=0)
    stage.settings = {"completion.idle": "1h", "commit.interval": "20ms"}
    member = stage.member()
    long_traffic(stage)
    assert member.stop() == 0
    start, end = start_offset(stage), stage.cluster.ends(stage.state)[0]
    log = read_topic(stage.cluster.bootstrap_servers, stage.state)
    needed = sum(len(one.value or b"") for one in log if one.offset >= start)
    assert 0 < start < end
    assert needed < 500_000 < ROUNDS * TXIDS * ITEM_BYTES / 2
    member = stage.member()
    stage.send([tick(0, OLD_MS + ROUNDS * 1_000)])
    until(lambda: stage.cluster.starts(stage.state)[0] >= start, "deletion up to the start")
    assert member.stop() == 0
    (line,) = member.seen("restored")
    assert line["txids"] > TXIDS
    stage.member()
    stage.send([tick(0, OLD_MS + 600_000)])
    stage.await_exact()
    long = next(one for one in stage.read(stage.reports) if one.key == b"long")
    assert len(json.loads(long.value or b"")["usage"]) == ROUNDS + 1
