"""Stopping and starting again: nothing is emitted early, nothing is forgotten."""

from __future__ import annotations

import json
import time

import pytest
from confluent_kafka import Producer

from consumer.simulator.options import Options
from tests.harness import Stage
from tests.harness.records import OLD_MS, callback, simulated, tick, usage
from tests.oracle.record import iso, milliseconds
from tests.waiting import until

pytestmark = pytest.mark.kafka


def test_restarts_do_not_show_in_the_outputs(stage: Stage) -> None:
    """Stopped three times with txids open, the outputs are exact at each stop and at the end."""
    stage.create(partitions=3, inactivity_ms=2_000, window_ms=5_000, remember_ms=10_000)
    stage.settings = {"completion.idle": "1h"}
    options = Options(requests=120, rate=120, hostile=0.02, silent=0.2, retries=0.1, seed=3)
    records = list(simulated(options, OLD_MS))
    step = len(records) // 3 + 1
    for start in range(0, len(records), step):
        member = stage.member()
        stage.send(records[start : start + step])
        stage.await_exact()
        assert member.stop() == 0
        assert stage.exact_problems() == []
        assert stage.is_consumed()
    member = stage.member()
    member.await_ready(partitions=3)
    assert sum(line["txids"] for line in member.seen("restored")) > 0
    stage.send(tick(partition, OLD_MS + 600_000) for partition in range(3))
    stage.await_exact()


def test_open_txids_survive_a_stop_in_the_middle_of_traffic(stage: Stage) -> None:
    """SIGTERM while records stream in: what was not committed is read again by the next."""
    stage.create(partitions=2, inactivity_ms=2_000, window_ms=5_000)
    stage.settings = {"completion.idle": "1h"}
    options = Options(requests=1_000, rate=1_000, silent=0.2, seed=4)
    first = stage.member()
    first.await_ready(partitions=2)
    stage.send(simulated(options, OLD_MS))
    stage.send(tick(partition, OLD_MS + 600_000) for partition in range(2))
    assert first.stop() == 0
    stage.member()
    stage.await_exact()


def test_time_goes_on_while_no_member_runs(stage: Stage) -> None:
    """A txid whose time came during the downtime is closed soon after it, with its deadline."""
    stage.create(inactivity_ms=3_000)
    stage.settings = {"completion.idle": "100ms"}
    member = stage.member()
    member.await_ready(partitions=1)
    stage.send([callback("t", usage("1"), at_ms=OLD_MS)])
    stage.await_consumed()
    sent_s = time.monotonic()
    assert member.stop() == 0
    assert stage.txids() == []
    until(lambda: time.monotonic() > sent_s + 3, "3 s of downtime")
    member = stage.member()
    until(lambda: stage.txids() == ["t"], "the report")
    (report,) = stage.read(stage.reports)
    assert json.loads(report.value or b"")["summary"]["closedAt"] == iso(OLD_MS + 3_000)
    ready_ms = milliseconds(member.await_log("restored")["timestamp"])
    assert report.timestamp_ms - ready_ms < 2_500  # and not after 3 s more


def test_retention_may_leave_nothing_of_an_input_that_is_consumed(stage: Stage) -> None:
    """Not even the control records that end its transactions: that is no gap."""
    stage.create()
    producer = Producer(
        {
            "bootstrap.servers": stage.cluster.bootstrap_servers,
            "transactional.id": f"{stage.app}-sender",
        }
    )
    member = stage.member()
    producer.init_transactions(20)
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        producer.produce(stage.callbacks, callback("t", usage("1"), at_ms=OLD_MS).value)
        producer.flush(20)
        end(20)
    until(lambda: stage.committed() == {0: 4}, "an offset behind the last marker")
    assert member.stop() == 0
    stage.cluster.delete_records(stage.callbacks, {0: 4})
    member = stage.member()
    member.await_ready(partitions=1)
    stage.send([callback("u", usage("1"), at_ms=OLD_MS)])
    stage.await_consumed()


def test_nothing_expires_while_its_parts_wait_unread(stage: Stage) -> None:
    """A part that came in time during a downtime counts, however much stands before it."""
    stage.create(inactivity_ms=1_000, device_limit=2)
    stage.settings = {"completion.idle": "1ms"}
    member = stage.member()
    stage.send([callback("t", usage("1"), at_ms=OLD_MS)])
    stage.await_consumed()
    stopped_s = time.monotonic()
    assert member.stop() == 0
    stage.send(tick(0, OLD_MS) for _ in range(20_000))
    stage.send([callback("t", usage("2"), at_ms=OLD_MS + 900)])
    until(lambda: time.monotonic() > stopped_s + 1, "more than inactivity")
    stage.member()
    until(lambda: stage.txids() == ["t"], "the report")
    (report,) = stage.read(stage.reports)
    assert json.loads(report.value or b"")["summary"]["completedBy"] == "device_limit"
    stage.send([tick(0, OLD_MS + 120_000)])
    stage.await_exact()
