"""Records of two requests, and what comes of them: the examples of the documentation.

They go through the real aggregation with the default settings, save that the split report
has a limit so small that its parts fit on a page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from consumer.aggregation.delta import Delta
from consumer.aggregation.partition import PartitionAggregator
from consumer.daemon import pipeline_policy
from consumer.kafka.topics import Facts
from consumer.settings.model import Settings
from consumer.wire import dead_letter
from consumer.wire.report import FRAME_BYTES
from consumer.wire.schema import Kind
from tests.unit.aggregation.feed import Batch, encode

PARTITION = 2
SPLIT_BYTES = FRAME_BYTES + 400
PLENTY = 10**6
DEVICES = 60
"""Of the request whose report is split."""

FIRST = "f2a4c7d0-6c1b-4f0e-9d57-3b8e21a90c44"
SECOND = "0b6e9a12-8f3d-4f5c-a7b1-d2c94e6f7a58"
LARGE = "5d1c3e7f-2a90-4b8d-8e6f-c0a1b2d3e4f5"

EXPECTATION = {"txid": FIRST, "imei": ["709312034493372", "709312034493380", "709312034493398"]}
ACKNOWLEDGEMENT = {"txid": FIRST, "status": "QUEUED"}
CALLBACK = {
    "txid": FIRST,
    "usage": [
        {
            "imei": "709312034493372",
            "numberOfSessions": 14,
            "bytesTransferred": 20572,
            "servicePlan": {"name": "4G 5GB", "billed": True},
        }
    ],
}
FAILURE = {
    "txid": FIRST,
    "errors": [
        {
            "imei": "709312034493380",
            "errorMessage": "The device is not on this account.",
            "errorResponse": {
                "errorCode": "INVALID_PARAMETER",
                "errorMessage": "Not found",
                "httpStatusCode": "404 NOT_FOUND",
            },
        }
    ],
}
BROKEN = {"txid": SECOND, "usage": [{"imei": 709312034493406}]}


def usage(txid: str, imei: int, sessions: int, transferred: int) -> dict[str, Any]:
    """A callback of one device."""
    item = {"imei": str(imei), "numberOfSessions": sessions, "bytesTransferred": transferred}
    return {"txid": txid, "usage": [item]}


RECORDS: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (17, "02:31:52.123", EXPECTATION),
    (18, "02:31:52.131", ACKNOWLEDGEMENT),
    (19, "02:31:54.502", CALLBACK),
    (20, "02:31:55.040", {"txid": SECOND, "imei": ["709312034493406", "709312034493414"]}),
    (21, "02:31:56.207", FAILURE),
    (22, "02:31:56.911", usage(SECOND, 709312034493406, 3, 4816)),
    (23, "02:31:57.300", CALLBACK),
    (24, "02:31:58.001", usage(FIRST, 709312034493398, 27, 102884)),
    (25, "02:31:58.640", BROKEN),
    (26, "02:36:55.873", usage(SECOND, 709312034493414, 1, 977)),
)
"""Offset, time on 2026-11-24, value."""


class Example(NamedTuple):
    """A record as the documentation shows it."""

    kind: Kind
    value: dict[str, Any]


def examples() -> dict[str, Example]:
    """By the name under which a page asks for it."""
    aggregator = _aggregator()
    for offset, time, value in RECORDS:
        _feed(aggregator, offset, time, value)
    _feed(aggregator, 27, "02:40:00.000", ACKNOWLEDGEMENT)
    delta = aggregator.take()
    complete, partial, revised = [json.loads(value) for _, value in delta.reports]
    window, *_ = [json.loads(value) for _, value in delta.metrics]
    return {
        "callback": Example("callback", CALLBACK),
        "callback-error": Example("callback", FAILURE),
        "expectation": Example("expectation", EXPECTATION),
        "acknowledgement": Example("acknowledgement", ACKNOWLEDGEMENT),
        "report": Example("report", complete),
        "report-partial": Example("report", partial),
        "report-revised": Example("report", revised),
        "report-part": Example("report", _part()),
        "metrics": Example("metrics", window),
        "dead-letter": Example("dead-letter", _headers(delta)),
    }


def _aggregator(**changes: int) -> PartitionAggregator:
    facts = Facts(
        partitions=4, report_partitions=4, message_max_bytes=PLENTY, batch_max_bytes=PLENTY
    )
    policy = pipeline_policy(Settings(), facts).aggregation
    return PartitionAggregator(PARTITION, msgspec.structs.replace(policy, **changes))


def _feed(aggregator: PartitionAggregator, offset: int, time: str, value: dict[str, Any]) -> None:
    now_ms = round(datetime.fromisoformat(f"2026-11-24T{time}+00:00").timestamp() * 1000)
    batch = Batch([offset], [now_ms], [value["txid"].encode()], [encode(value)])
    assert aggregator.apply(batch, 0, now_ms, PLENTY) == 1


def _part() -> dict[str, Any]:
    """The second part of a report that does not fit into a record."""
    aggregator = _aggregator(report_bytes=SPLIT_BYTES, device_limit=DEVICES)
    for number, value in enumerate(_devices(DEVICES)):
        _feed(aggregator, 40 + number, f"03:05:{number:02}.000", value)
    parts = aggregator.take().reports
    key, second = parts[1]
    assert key == LARGE.encode() + b"\x00" + b"2"
    found: dict[str, Any] = json.loads(second)
    return found


def _devices(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield usage(LARGE, 709312034490000 + number, 1 + number % 7, 1000 + 37 * number)


def _headers(delta: Delta) -> dict[str, str]:
    (rejected,) = delta.dead_letters
    headers = dead_letter.headers(
        None,
        Settings().topics.callbacks,
        PARTITION,
        rejected.offset,
        rejected.reason,
        rejected.message,
    )
    return {name: (value or b"").decode() for name, value in headers}
