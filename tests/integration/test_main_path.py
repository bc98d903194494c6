"""Callbacks in, reports out: the whole way on a real Kafka, judged by the oracle."""

from __future__ import annotations

import json

import pytest

from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
from tests.harness import Sending, Stage
from tests.harness.records import OLD_MS, callback, simulated, tick, usage

pytestmark = pytest.mark.kafka

STILL = {"completion.idle": "1h"}
"""Time is the records' alone."""


@pytest.mark.parametrize("policy", ["revise", "dead-letter"])
def test_outputs_are_exactly_what_the_timestamps_make_of_the_input(
    stage: Stage, policy: str
) -> None:
    """Reports, dead letters and metrics of records of long ago, hostile ones among them."""
    stage.create(
        partitions=4,
        inactivity_ms=2_000,
        window_ms=5_000,
        remember_ms=20_000,
        late_policy=policy,
    )
    options = Options(
        requests=150,
        rate=100,
        hostile=0.03,
        silent=0.1,
        retries=0.1,
        late=0.02,
        late_after_ms=5_000,
        expectations=0.1,
        seed=1,
    )
    stage.send(simulated(options, OLD_MS))
    stage.send(tick(partition, OLD_MS + 600_000) for partition in range(4))
    member = stage.member(STILL)
    stage.await_exact()
    assert member.stop() == 0
    reports, dead_letters, metrics = stage.outputs()
    reasons = {dict(one.headers)["__streams.errors.exception"] for one in dead_letters}
    assert len(reports) > 120
    assert len(reasons - {b"late"}) == 9
    assert (b"late" in reasons) == (policy == "dead-letter")
    assert len(metrics) > 4


def test_two_members_share_traffic_of_the_present(stage: Stage) -> None:
    """Each txid is reported once with all its items, whatever the wall clock decides."""
    stage.create(partitions=4, inactivity_ms=1_000, window_ms=1_000)
    stage.settings = {"completion.idle": "300ms"}
    members = [stage.member(), stage.member()]
    for member in members:
        member.await_ready(partitions=2)
    options = Options(requests=150, hostile=0.02, retries=0.1, interleaving=50, seed=2)
    stage.send(simulated(options))
    stage.await_live(Plan(options).totals().reports)
    assert [member.stop() for member in members] == [0, 0]


def test_dead_letters_carry_the_record_as_it_was(stage: Stage) -> None:
    """Key, value, headers and timestamp are the original's; what was wrong comes in headers."""
    stage.create()
    headers = [
        ("trace", b"\x00\xff"),
        ("empty", None),
        ("__streams.errors.exception", b"forged"),
        ("trace", b"again"),
    ]
    unkeyed = Sending(b'{"txid":', None, timestamp_ms=OLD_MS, headers=headers)
    tombstone = Sending(None, b"key", timestamp_ms=OLD_MS + 1)
    stage.send([unkeyed, tombstone])
    stage.member(STILL)
    stage.await_exact()
    first, second = stage.read(stage.dead_letters)
    assert (first.key, first.value, first.timestamp_ms) == (None, b'{"txid":', OLD_MS)
    assert first.headers[:3] == (("trace", b"\x00\xff"), ("empty", None), ("trace", b"again"))
    ours = dict(first.headers[3:])
    assert ours.pop("__streams.errors.message")
    assert ours == {
        "__streams.errors.topic": stage.callbacks.encode(),
        "__streams.errors.partition": b"0",
        "__streams.errors.offset": b"0",
        "__streams.errors.exception": b"malformed_json",
    }
    assert (second.key, second.value, second.timestamp_ms) == (b"key", None, OLD_MS + 1)


def test_a_report_holds_its_items_verbatim(stage: Stage) -> None:
    """Unknown properties, spacing and spelling of an item come out as they came in."""
    stage.create(device_limit=2)
    item = b'{ "imei" : "1", "numberOfSessions": 2, "quota": 1.50, "tags": [ "caf\\u00e9" ] }'
    value = b'{"txid":"t","usage":[%s],"callbackCount":1}' % item
    stage.send([Sending(value, b"t", timestamp_ms=OLD_MS)])
    stage.send([callback("t", usage("2", sessions=3), at_ms=OLD_MS + 5)])
    stage.member(STILL)
    stage.await_exact()
    (report,) = stage.read(stage.reports)
    assert report.value is not None
    assert item in report.value
    summary = json.loads(report.value)["summary"]
    assert (summary["completedBy"], summary["numberOfSessions"]) == ("device_limit", 5)
    assert summary["closedAt"] == "2023-11-14T22:13:20.005Z"


def test_reports_lie_where_a_java_client_looks_for_their_txid(stage: Stage) -> None:
    """With as many output partitions as input partitions, a report keeps its key's partition."""
    stage.create(partitions=4, device_limit=1)
    stage.send(callback(f"txid-{number}", usage("1"), at_ms=OLD_MS) for number in range(40))
    stage.member(STILL)
    stage.await_exact()
    placed = {record.key: record.partition for record in stage.read(stage.callbacks)}
    assert len(set(placed.values())) == 4
    assert {record.key: record.partition for record in stage.read(stage.reports)} == placed
