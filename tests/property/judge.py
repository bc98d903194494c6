"""What the oracle makes of a life, and how its outputs differ from that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from consumer.aggregation.partition import UNBOUNDED
from consumer.aggregation.policy import Policy
from tests.oracle.compare import differences
from tests.oracle.conservation import unbalanced
from tests.oracle.memory import memory
from tests.oracle.model import Partition, Settings
from tests.oracle.outputs import Report, read_metrics, read_report
from tests.oracle.parts import join
from tests.oracle.record import Record
from tests.property.driver import Outcome
from tests.property.streams import Event, Idle, bounded


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
