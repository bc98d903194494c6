"""What is sent, and what must come of it."""

from __future__ import annotations

import json

import pytest

from benchmarks.traffic import Traffic
from benchmarks.workloads import WORKLOADS, Workload, workload


@pytest.mark.parametrize("mix", WORKLOADS, ids=lambda mix: mix.name)
def test_as_many_records_as_were_asked_for_lie_behind_the_gate(mix: Workload) -> None:
    """What warms up comes on top."""
    traffic = Traffic.of(mix, 10_000)
    assert traffic.measured == 10_000
    assert 1_000 <= traffic.warm_up < 1_100


@pytest.mark.parametrize("name", ["steady", "heavy", "errors"])
def test_every_item_that_is_sent_is_expected_once(name: str) -> None:
    """In the report of its txid."""
    traffic = Traffic.of(workload(name), 5_000)
    sent = [value for _, value, _ in traffic.records if b'"imei":[' not in value]
    expected = {(txid, item) for txid, one in traffic.truth.items() for item in one.items}
    assert len(sent) == len(expected)
    assert {(json.loads(value)["txid"], _item(value)) for value in sent} == expected


def test_of_those_that_stay_open_a_thousand_are_closed() -> None:
    """Spread evenly, each by an expectation of the one device that has answered."""
    traffic = Traffic.of(workload("wide"), 20_000)
    assert len(traffic.closing) == len(traffic.truth) == 1_000
    txid, value, _ = traffic.closing[-1]
    asked = json.loads(value)
    assert asked["txid"].encode() == txid
    (item,) = traffic.truth[asked["txid"]].items
    assert asked["imei"] == [json.loads(item)["imei"]]


def test_half_of_the_items_are_errors() -> None:
    """About."""
    records = Traffic.of(workload("errors"), 5_000).records
    assert 0.45 < sum(b'"errors":[' in value for _, value, _ in records) / len(records) < 0.55


def _item(value: bytes) -> bytes:
    return value[value.index(b":[") + 2 : -2]
