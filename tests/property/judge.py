"""What the oracle makes of a life, and how its outputs differ from that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from consumer.aggregation import items, txid
from consumer.aggregation.partition import UNBOUNDED
from consumer.aggregation.policy import Policy
from consumer.wire import canonical
from tests.oracle.compare import differences
from tests.oracle.conservation import unbalanced
from tests.oracle.model import Partition, Settings
from tests.oracle.outputs import Report, read_metrics, read_report
from tests.oracle.parts import join
from tests.oracle.record import Record
from tests.oracle.txid import Txid
from tests.oracle.values import Item
from tests.property.driver import Outcome
from tests.property.streams import Event, Idle, bounded


def memory(entry: Txid) -> int:
    """The account of memory, which the contract leaves to the implementation."""
    known = len(entry.items) + len(entry.expected or ())
    if entry.is_mark:
        return txid.MARKED_BYTES + len(entry.txid) + known * canonical.DIGEST_BYTES
    errors = entry.of("errors")
    codes = {item.error_code for item in errors if item.error_code is not None}
    return (
        txid.TXID_BYTES
        + len(entry.txid)
        + _memory_of(entry.of("usage"))
        + _memory_of(errors)
        + (txid.ERRORS_BYTES if errors else 0)
        + sum(txid.CODE_BYTES + len(code) for code in codes)
        + sum(txid.EXPECTED_BYTES + len(imei) for imei in entry.expected or ())
        + sum(txid.EXPECTED_BYTES + len(imei) for imei in entry.oversized)
    )


def _memory_of(array: Sequence[Item]) -> int:
    imeis = {item.imei for item in array}
    further = len(array) - len(imeis)
    return (
        sum(len(item.text.encode()) for item in array)
        + sum(items.FIRST_BYTES + len(imei or "") for imei in imeis)
        + further * items.FURTHER_BYTES
        + (len(array) * items.DIGEST_BYTES if further else 0)
    )


def oracle(policy: Policy, share_bytes: int = UNBOUNDED) -> Partition:
    """A model of the partition that a driver lives for."""
    settings = Settings(
        device_limit=policy.device_limit,
        inactivity_ms=policy.inactivity_ms,
        max_age_ms=policy.max_age_ms,
        late_policy="revise" if policy.revise else "dead-letter",
        remember_ms=policy.remember_ms,
        window_ms=policy.window_ms,
        app=policy.app,
        report_bytes=policy.report_bytes,
        memory=memory,
        txid_bytes=policy.txid_bytes,
        share_bytes=share_bytes,
    )
    return Partition(policy.topic, 0, settings)


def feed(partition: Partition, events: Sequence[Event]) -> None:
    """Let the model have the events."""
    for event in events:
        if isinstance(event, Idle):
            partition.advance(event.until_ms)
        else:
            timestamp_ms = bounded(event.timestamp_ms)
            partition.take(
                Record(partition.topic, 0, event.offset, timestamp_ms, event.key, event.value)
            )


def reports_of(outcome: Outcome, report_bytes: int) -> tuple[list[Report], list[str]]:
    """Whole reports, and what is wrong with their parts."""
    records = [
        Record("reports", 0, offset, 1, key, value)
        for offset, (key, value) in enumerate(outcome.reports)
    ]
    return join(map(read_report, records), report_bytes)


def problems(outcome: Outcome, partition: Partition) -> list[str]:
    """Differences between what came out and what the oracle expects."""
    reports, torn = reports_of(outcome, partition.settings.report_bytes)
    found: dict[str, Any] = {
        "reports": [report.body for report in reports],
        "metrics": [json.loads(value) for _, value in outcome.metrics],
        "dead letters": [list(letter[:2]) for letter in outcome.dead_letters],
        "forgotten early": outcome.tallies.forgotten_early,
    }
    wanted = {
        "reports": partition.reports,
        "metrics": partition.metrics,
        "dead letters": [[letter.offset, letter.reason] for letter in partition.dead_letters],
        "forgotten early": partition.forgotten_early,
    }
    return torn + differences(wanted, found)


def imbalance(outcome: Outcome, consumed: int, report_bytes: int) -> list[str]:
    """What does not add up in a life at whose end nothing is open."""
    reports, torn = reports_of(outcome, report_bytes)
    metrics = [
        read_metrics(Record("metrics", 0, offset, 1, key, value))
        for offset, (key, value) in enumerate(outcome.metrics)
    ]
    return torn + unbalanced(consumed, reports, len(outcome.dead_letters), metrics)
