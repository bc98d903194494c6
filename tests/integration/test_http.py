"""The endpoints of a live member, and whether what they count is what was sent."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from consumer.simulator.options import Options
from tests.harness import Member, Stage
from tests.harness.records import OLD_MS, callback, simulated, tick, usage
from tests.oracle.outputs import read_dead_letter, read_report

pytestmark = pytest.mark.kafka


IMEI = "990000862471854"


class Busy(NamedTuple):
    """A stage with a member that has worked off some traffic, and holds two open txids."""

    stage: Stage
    member: Member


@pytest.fixture(scope="module")
def busy(bootstrap_servers: str) -> Iterator[Busy]:
    """For all tests that only look: what there is to be seen stays the same."""
    with Stage(bootstrap_servers, f"test-{uuid.uuid4().hex[:12]}") as stage:
        stage.create(partitions=2, inactivity_ms=2_000, window_ms=5_000)
        stage.settings = {"completion.idle": "1h"}
        member = stage.member()
        options = Options(requests=200, rate=200, hostile=0.05, silent=0.1, retries=0.1, seed=5)
        stage.send(simulated(options, OLD_MS))
        stage.send(tick(partition, OLD_MS + 600_000) for partition in (0, 1))
        for partition in (0, 1):
            last = callback("open", usage(IMEI), at_ms=OLD_MS + 600_000, partition=partition)
            stage.send([last._replace(key=b"foreign")])
        stage.await_exact()
        yield Busy(stage, member)


def test_counters_are_what_was_sent_and_what_came_out(busy: Busy) -> None:
    """Against the topics: records and items in, reports and dead letters out, no more."""
    stage, member = busy
    reports, dead_letters, metrics = stage.outputs()
    records = len(stage.read(stage.callbacks))
    member.await_metric("records_consumed_total", records)
    member.await_metric("records_consumed_total", len(dead_letters), kind="dead_letter")
    outcomes = Counter(read_report(report).completed_by for report in reports)
    for rule, count in outcomes.items():
        assert member.metric("reports_emitted_total", completed_by=rule) == count
    assert member.metric("reports_emitted_total") == len(reports)
    reasons = Counter(read_dead_letter(letter).reason for letter in dead_letters)
    for reason, count in reasons.items():
        assert member.metric("dead_letters_total", reason=reason) == count
    assert member.metric("dead_letters_total") == len(dead_letters)
    sums = Counter[str]()
    for record in metrics:
        sums.update(json.loads(record.value or b"")["items"])
    assert member.metric("items_total", result="duplicate") == sums["duplicates"]
    assert member.metric("items_total", result="usage") == sums["usage"] + 2  # the open ones
    assert member.metric("time_to_complete_seconds_count") == len(reports)
    assert member.metric("restarts_total") == 0
    assert member.metric("key_mismatches_total") == 2


def test_gauges_tell_what_is_held(busy: Busy) -> None:
    """Partitions, open txids, and a lag that reaches 0."""
    stage, member = busy
    assert member.metric("assigned_partitions") == 2
    member.await_metric("open_txids", 2)
    member.await_metric("consumer_lag_records", 0, topic=stage.callbacks)
    _, text = member.get("/metrics")
    lags = [line for line in text.splitlines() if line.startswith("session_reports_consumer_lag_")]
    assert len(lags) == 2
    assert member.metric("state_bytes") > 0
    assert member.metric("last_commit_timestamp_seconds") > 1_600_000_000


def test_the_metrics_can_be_scraped(busy: Busy) -> None:
    """They parse, and no txid or IMEI is anywhere in them."""
    status, text = busy.member.get("/metrics")
    assert status == 200
    families = {family.name for family in text_string_to_metric_families(text)}
    assert {
        "session_reports_records_consumed",
        "session_reports_commit_duration_seconds",
    } < families
    txids = busy.stage.txids()
    assert not [secret for secret in (IMEI, *txids) if secret in text]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_complain_of(busy: Busy) -> None:
    """Names, types and help texts follow Prometheus' conventions."""
    _, text = busy.member.get("/metrics")
    ours = "\n".join(line for line in text.splitlines() if "session_reports_" in line) + "\n"
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=ours, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_health_and_version(busy: Busy) -> None:
    """Live, ready with its partitions, and of a version; nothing else is there."""
    member = busy.member
    assert member.get("/livez")[0] == 200
    status, text = member.get("/readyz")
    assert (status, text) == (200, "ready: 2 partitions assigned and restored\n")
    status, text = member.get("/version")
    assert status == 200
    assert json.loads(text).keys() == {"version", "python", "librdkafka", "confluent_kafka"}
    assert member.get("/x")[0] == 404
    assert member.get("/")[0] == 404
    assert member.get("/metrics/x")[0] == 404


def test_a_standby_is_ready_and_takes_over(stage: Stage) -> None:
    """More members than partitions: the one with none is ready, and does the work later."""
    stage.create(device_limit=1)
    stage.settings = {"completion.idle": "1h"}
    first = stage.member()
    first.await_ready(partitions=1)
    standby = stage.member()
    standby.await_ready(partitions=0)
    assert standby.get("/readyz") == (200, "ready: standing by with no partitions\n")
    assert standby.metric("assigned_partitions") == 0
    assert first.stop() == 0
    standby.await_ready(partitions=1)
    stage.send([callback("t", usage("1"), at_ms=OLD_MS)])
    stage.await_exact()
