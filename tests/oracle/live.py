"""The model with its clock taken from the reports: for runs that a wall clock had a hand in.

When a txid opened and closed cannot be known afterwards, but a report says it, and says by
`lastOffset` after which record. Replaying the input with exactly these times leaves
nothing else open: every item, count, total and dead letter follows. That the times
themselves are possible is checked apart (`impossible_times`). Likewise a txid was
forgotten where its next report says that it opened anew, and closed for want of memory
where a report says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from tests.oracle import values
from tests.oracle.model import Partition, Settings
from tests.oracle.outputs import Report
from tests.oracle.record import Record
from tests.oracle.values import Callback, Expectation, Value

_Name = tuple[int, str]
"""Partition and txid."""
_Place = tuple[int, int]
"""Partition and offset."""
_BY_TIME = ("inactivity", "max_age")
_BY_PARTS = ("expected_devices", "device_limit")


def replay(
    inputs: Iterable[Record], reports: Iterable[Report], settings: Settings
) -> dict[int, Partition]:
    """The model of every input partition; what has no report is still open in it."""
    settings = replace(settings, share_bytes=Settings.share_bytes)
    read = [(record, values.classify(record.value)) for record in inputs]
    reports = list(reports)
    opening = {(report.partition, report.first_offset): report for report in reports}
    closing = _closing(read, reports)
    partitions: dict[int, Partition] = {}
    for record, value in read:
        if record.partition not in partitions:
            model = Partition(record.topic, record.partition, settings)
            partitions[record.partition] = model
        model = partitions[record.partition]
        place = (record.partition, record.offset)
        if not isinstance(value, Callback | Expectation):
            model.apply(value, record.offset)
            continue
        opens, closes = opening.get(place), closing.get(place)
        if opens is not None and opens.txid == value.txid:
            model.clock = opens.opened_at
            if value.txid not in model.open:
                model.table.pop(value.txid, None)
        elif closes is not None:
            model.clock = closes.closed_at
        model.apply(value, record.offset)
        entry = model.open.get(value.txid) if closes is not None else None
        if closes is not None and entry is not None:
            by = closes.completed_by if closes.completed_by not in _BY_PARTS else "inactivity"
            model.emit(entry, by, closes.closed_at)
    return partitions


def impossible_times(reports: Iterable[Report], settings: Settings) -> list[str]:
    """What no clock can have done, whatever it did."""
    problems = []
    points: dict[int, list[tuple[int, int, Report]]] = {}
    lives: dict[_Name, list[Report]] = {}
    for report in reports:
        first = (report.first_offset, report.opened_at, report)
        points.setdefault(report.partition, []).append(first)
        if report.completed_by in _BY_PARTS:
            last = (report.last_offset, report.closed_at, report)
            points[report.partition].append(last)
        lives.setdefault((report.partition, report.txid), []).append(report)
    for life in lives.values():
        life.sort(key=lambda report: (report.first_offset, report.revision))
        problems += _impossible_ages(life, settings)
    for found in points.values():
        ordered = sorted(found, key=lambda point: point[:2])
        problems += [
            f"wrong report {after[2].name}: the clock went back {before[1] - after[1]} ms"
            for before, after in pairwise(ordered)
            if after[1] < before[1]
        ]
    return problems


def _impossible_ages(life: list[Report], settings: Settings) -> list[str]:
    """`life` is all reports of one txid, in order."""
    problems = []
    before: Report | None = None
    for report in life:
        if before is not None and report.first_offset != before.first_offset:
            if report.opened_at < before.closed_at + settings.remember_ms:
                problems.append(f"wrong report {report.name}: its txid was forgotten too early")
            before = None
        # A revision reopened at an unknown time while the report before it was remembered.
        since = report.opened_at if before is None else before.closed_at
        most = settings.max_age_ms + (0 if before is None else settings.remember_ms)
        least = settings.inactivity_ms if report.completed_by == "inactivity" else 0
        if report.completed_by == "max_age":
            least = settings.max_age_ms
        age = report.closed_at - since
        if not least <= age <= most:
            problems.append(f"wrong report {report.name}: {report.completed_by} after {age} ms")
        before = report
    return problems


def _closing(read: list[tuple[Record, Value]], reports: list[Report]) -> dict[_Place, Report]:
    """By the record after which each report was closed: its last one if it names no other."""
    offsets: dict[_Name, set[int]] = {}
    for record, value in read:
        if isinstance(value, Callback | Expectation):
            offsets.setdefault((record.partition, value.txid), set()).add(record.offset)
    closing: dict[_Place, Report] = {}
    for report in reversed(reports):
        own = offsets.get((report.partition, report.txid))
        if own:
            last = report.last_offset if report.last_offset in own else max(own)
            closing[report.partition, last] = report
    return closing
