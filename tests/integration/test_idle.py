"""When nothing comes any more: time goes on, but only where nothing is left to read."""

from __future__ import annotations

import json
import time

import pytest
from confluent_kafka import Producer

from tests.harness import Stage
from tests.harness.cluster import queue
from tests.harness.records import OLD_MS, callback, tick, usage
from tests.oracle.record import iso
from tests.waiting import until

pytestmark = pytest.mark.kafka


def in_transactions(stage: Stage) -> Producer:
    """A producer of callbacks that are hidden until it commits them."""
    producer = Producer(
        {
            "bootstrap.servers": stage.cluster.bootstrap_servers,
            "transactional.id": f"{stage.app}-input",
            "transaction.timeout.ms": 60_000,
        }
    )
    producer.init_transactions(20)
    return producer


def test_the_last_report_of_an_idle_topic_is_emitted(stage: Stage) -> None:
    """At the speed of the wall clock, from where the records' time stood, and not earlier."""
    stage.create(inactivity_ms=1_500, window_ms=1_000)
    stage.settings = {"completion.idle": "200ms"}
    member = stage.member()
    member.await_ready(partitions=1)
    before_s = time.monotonic()
    stage.send([callback("t", usage("1"), at_ms=OLD_MS + 250)])
    until(lambda: stage.txids() == ["t"], "the report", timeout_s=6)
    assert time.monotonic() - before_s >= 1.5
    (report,) = stage.read(stage.reports)
    assert json.loads(report.value or b"")["summary"]["closedAt"] == iso(OLD_MS + 1_750)
    stage.await_live(reports=1)  # its metrics windows close, too
    assert [record.key for record in stage.read(stage.metrics)] == [
        f"{iso(OLD_MS)}/0".encode(),
        f"{iso(OLD_MS + 1_000)}/0".encode(),
    ]


def test_records_behind_an_open_transaction_stop_the_time(stage: Stage) -> None:
    """A part that is there but cannot be read yet keeps its txid from expiring.

    The other partition, idle just as long, shows how far the time would have got.
    """
    stage.create(partitions=2, inactivity_ms=500, window_ms=1_000)
    stage.settings = {"completion.idle": "100ms"}
    member = stage.member()
    member.await_ready(partitions=2)
    hanging = in_transactions(stage)
    hanging.begin_transaction()
    queue(hanging, stage.callbacks, [callback("held", usage("2"), partition=0)])
    hanging.flush(20)
    stage.send([callback("held", usage("1"), partition=0)])
    stage.send([callback("free", usage("1"), partition=1)])
    until(lambda: stage.txids() == ["free"], "the report of the partition that is read out")
    until(lambda: stage.committed() == {0: 0, 1: 1}, "nothing read beyond the transaction")
    hanging.commit_transaction(20)
    until(lambda: stage.txids() == ["free", "held"], "the report of the other one")
    stage.await_live(reports=2)
    held = next(one for one in stage.read(stage.reports) if one.key == b"held")
    assert len(json.loads(held.value or b"")["usage"]) == 2


def test_open_txids_wait_where_the_hidden_records_come_after_them(stage: Stage) -> None:
    """A txid that is open already does not expire while its next part cannot be read."""
    stage.create(partitions=2, inactivity_ms=1_000, window_ms=1_000)
    stage.settings = {"completion.idle": "100ms"}
    member = stage.member()
    member.await_ready(partitions=2)
    hanging = in_transactions(stage)
    stage.send([callback("held", usage("1"), partition=0)])
    hanging.begin_transaction()
    queue(hanging, stage.callbacks, [callback("held", usage("2"), partition=0)])
    hanging.flush(20)
    until(lambda: stage.committed().get(0) == 1, "the first part is taken")
    stage.send([callback("free", usage("1"), partition=1)])
    until(lambda: stage.txids() == ["free"], "the report of the partition that is read out")
    hanging.abort_transaction(20)
    until(lambda: stage.txids() == ["free", "held"], "the report of the other one")
    stage.await_live(reports=2)


def test_a_lone_tick_ends_no_txid_before_its_time(stage: Stage) -> None:
    """Without idleness nothing moves the clock but records: the report waits for one."""
    stage.create(inactivity_ms=100)
    member = stage.member({"completion.idle": "1h"})
    member.await_ready(partitions=1)
    stage.send([callback("t", usage("1"), at_ms=OLD_MS), tick(0, OLD_MS + 99)])
    stage.await_consumed()
    assert stage.txids() == []
    stage.send([tick(0, OLD_MS + 100)])
    stage.await_exact()
    assert stage.txids() == ["t"]
