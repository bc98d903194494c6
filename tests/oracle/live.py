"""The model with its clock taken from the reports: for runs that a wall clock had a hand in.

When a txid opened and closed cannot be known afterwards, but a report says it, and says by
`lastOffset` after which record. Replaying the input with exactly these times leaves
nothing else open: every item, count, total and dead letter follows. That the times
themselves are possible is checked apart (`impossible_times`).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from tests.oracle import values
from tests.oracle.model import Partition, Settings
from tests.oracle.outputs import Report
from tests.oracle.record import Record
from tests.oracle.values import Callback, Value

_Name = tuple[int, str]
"""Partition and txid."""


def replay(
    inputs: Iterable[Record], reports: Iterable[Report], settings: Settings
) -> dict[int, Partition]:
    """The model of every input partition; what has no report is still open in it."""
    read = [(record, values.classify(record.value)) for record in inputs]
    by_name = {(report.partition, report.txid): report for report in reversed(list(reports))}
    closing = _closing_offsets(read, by_name)
    partitions: dict[int, Partition] = {}
    for record, value in read:
        if record.partition not in partitions:
            model = Partition(record.topic, record.partition, settings)
            partitions[record.partition] = model
        model = partitions[record.partition]
        report = None
        if isinstance(value, Callback):
            report = by_name.get((record.partition, value.txid))
        if report is None:
            model.apply(value, record.offset)
            continue
        closes = closing[report.partition, report.txid] == record.offset
        opens = report.txid not in model.table
        model.clock = report.closed_at if closes and not opens else report.opened_at
        model.apply(value, record.offset)
        entry = model.table[report.txid]
        if closes and entry.closed_at is None:
            by = "max_age" if report.completed_by == "max_age" else "inactivity"
            model.emit(entry, "unconfirmed", by, report.closed_at)
    return partitions


def impossible_times(reports: Iterable[Report], settings: Settings) -> list[str]:
    """What no clock can have done, whatever it did."""
    problems = []
    points: dict[int, list[tuple[int, int, Report]]] = {}
    for report in reports:
        age = report.closed_at - report.opened_at
        least = settings.inactivity_ms if report.completed_by == "inactivity" else 0
        if report.completed_by == "max_age":
            least = settings.max_age_ms
        if not least <= age <= settings.max_age_ms:
            problems.append(f"wrong report {report.name}: {report.completed_by} after {age} ms")
        first = (report.first_offset, report.opened_at, report)
        points.setdefault(report.partition, []).append(first)
        if report.completed_by == "device_limit":
            last = (report.last_offset, report.closed_at, report)
            points[report.partition].append(last)
    for found in points.values():
        ordered = sorted(found, key=lambda point: point[:2])
        problems += [
            f"wrong report {after[2].name}: the clock went back {before[1] - after[1]} ms"
            for before, after in pairwise(ordered)
            if after[1] < before[1]
        ]
    return problems


def _closing_offsets(
    read: list[tuple[Record, Value]], by_name: dict[_Name, Report]
) -> dict[_Name, int]:
    """The record after which each report was closed: its last one if it names no other."""
    offsets: dict[_Name, list[int]] = {}
    for record, value in read:
        if isinstance(value, Callback):
            offsets.setdefault((record.partition, value.txid), []).append(record.offset)
    return {
        name: by_name[name].last_offset if by_name[name].last_offset in own else own[-1]
        for name, own in offsets.items()
        if name in by_name
    }
