"""Reports as they were emitted: put together from their parts, and weighed in themselves.

A part is judged by what it owes the others: to be there once, in their partition, under its
key. Of the whole, everything in the summary that follows from the items is computed anew.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from msgspec import UNSET, Struct

from consumer.audit.findings import Findings, name_txid
from consumer.audit.letters import Record
from consumer.audit.trail import error_digest, usage_digest
from consumer.wire import report as wire
from consumer.wire.callback import decode_error_item, decode_usage_item
from consumer.wire.placement import partition_for
from consumer.wire.report import CompletedBy, Outcome, Report, Summary
from consumer.wire.timestamps import milliseconds

_Name = tuple[int, str, int, int]
"""Input partition, txid, first offset, revision."""

Latest = Callable[[int, str], tuple[int, int]]
"""First offset and revision of the last report of an input partition's txid; -1 for none."""

_SHOWN = 5
"""Numbers of missing parts that are told."""

_PROOFS = (CompletedBy.EXPECTED_DEVICES, CompletedBy.DEVICE_LIMIT)
"""Rules that a part makes true: only these prove a report complete."""


class Numbers(Struct, frozen=True, gc=False):
    """What a report adds up to in metrics windows."""

    reported: int = 0
    failed: int = 0
    missing: int = 0
    sessions: int = 0
    transferred: int = 0
    codes: Mapping[str, int] = {}


class Emission(Struct):
    """One whole report. Offsets are those of the input."""

    partition: int
    txid: str
    first: int
    last: int
    revision: int
    outcome: str
    by_part: bool
    """A record completed it: so `closed_ms` was the clock at the last one."""
    opened_ms: int
    closed_ms: int
    callbacks: int
    duplicates: int
    numbers: Numbers
    expected: int | None
    missing: list[str]
    unexpected: list[str]
    usage: list[bytes]
    """Digests of its items."""
    errors: list[bytes]
    seen: set[str]
    """IMEIs in its items."""
    at: tuple[int, int]
    """Partition and offset of its first part in the reports topic."""

    @property
    def name(self) -> str:
        """What it is called."""
        name = name_txid(self.txid, self.partition)
        return f"{name}, revision {self.revision}" if self.revision else name


class Emissions:
    """Takes the records of the reports topic, gives whole reports."""

    def __init__(self, topic: str, partitions: int, findings: Findings) -> None:
        """`topic` is that of the input, `partitions` are those of the reports."""
        self._topic = topic
        self._partitions = partitions
        self._findings = findings
        self._torn: dict[_Name, dict[int, tuple[Record, Report]]] = {}
        self._split = set[_Name]()
        """Reports in several parts that were whole once."""

    def take(self, record: Record) -> Emission | None:
        """The next record; the report that it completes."""
        try:
            part = wire.decode(record.value or b"")
        except ValueError as error:
            self._findings.differ(record.name, f"not a report: {error}")
            return None
        source = part.summary.source
        if source.topic != self._topic:
            self._findings.skip("reports", f"their input is {source.topic!r}")
            return None
        index, count = part.summary.part.index, part.summary.part.count
        name = (source.partition, part.txid, source.first_offset, part.summary.revision)
        if record.key != wire.part_key(part.txid, index):
            self._findings.differ(_called(name), f"{record.name} has the key {record.key!r}")
        parts = self._torn.setdefault(name, {})
        if index in parts:
            places = f"{parts[index][0].name}, {record.name}"
            self._findings.differ(_called(name), f"part {index} is there twice: {places}")
        parts[index] = record, part
        if len(parts) != count or max(parts) != count:
            return None
        del self._torn[name]
        if count > 1:
            self._split.add(name)
        return self._whole(name, [parts[number] for number in sorted(parts)])

    def finish(self, begins: Mapping[int, int], latest: Latest | None) -> None:
        """All were taken. Parts at the beginning of a topic (by offset) may have lost others.

        `latest`: of whole reports, where compaction may have taken parts of older ones.
        """
        for name, parts in self._torn.items():
            record, part = next(iter(parts.values()))
            count = part.summary.part.count
            if name in self._split:
                self._findings.differ(_called(name), f"parts {sorted(parts)} are there twice")
            elif begins[record.partition] and 1 not in parts:
                self._findings.skip("split reports", "the topic has lost their first parts")
            elif latest is not None and latest(name[0], name[1]) > name[2:]:
                self._findings.skip(
                    "split reports", "the topic is compacted, and a later one there"
                )
            else:
                self._findings.differ(_called(name), _torn(parts, count))

    def _whole(self, name: _Name, parts: list[tuple[Record, Report]]) -> Emission | None:
        records, reports = zip(*parts, strict=True)
        places = {record.partition for record in records}
        judge_places(_called(name), name[1], places, self._partitions, self._findings)
        first = reports[0].summary
        if any(_common(each) != _common(reports[0]) for each in reports):
            self._findings.differ(_called(name), "its parts do not agree with each other")
        try:
            held = _Held(reports)
            opened_ms, closed_ms = milliseconds(first.opened_at), milliseconds(first.closed_at)
        except ValueError as error:
            self._findings.differ(_called(name), f"it cannot be read: {error}")
            return None
        lists = {each: _all(reports, each) for each in ("missing", "unexpected")}
        stated = _stated(reports)
        for what, number in held.summary().items():
            if stated[what] != number:
                self._findings.differ(
                    _called(name), f"{what} is {stated[what]}, but its items make it {number}"
                )
        for problem in _wrong_ending(first, lists["missing"], lists["unexpected"]):
            self._findings.differ(_called(name), problem)
        return Emission(
            partition=name[0],
            txid=name[1],
            first=first.source.first_offset,
            last=first.source.last_offset,
            revision=first.revision,
            outcome=first.outcome.value,
            by_part=first.completed_by in _PROOFS,
            opened_ms=opened_ms,
            closed_ms=closed_ms,
            callbacks=first.callbacks,
            duplicates=first.duplicates,
            numbers=Numbers(
                first.devices.reported,
                first.devices.failed,
                len(lists["missing"]),
                first.number_of_sessions,
                first.bytes_transferred,
                stated["errorCodes"],
            ),
            expected=first.devices.expected,
            usage=held.usage,
            errors=held.errors,
            seen=held.imeis,
            at=(records[0].partition, records[0].offset),
            **lists,
        )


def judge_places(
    called: str, txid: str, places: set[int], partitions: int, findings: Findings
) -> None:
    """Records of a txid lie together, unless the topic was given partitions in between."""
    if len(places) == 1:
        return
    key = txid.encode()
    if places <= {partition_for(key, count) for count in range(1, partitions + 1)}:
        why = "their records lie in several partitions, as if the topic had been given some since"
        findings.skip("reports", why)
    else:
        findings.differ(called, f"its records lie in different partitions: {sorted(places)}")


class _Held:
    """What the items of a report say."""

    def __init__(self, reports: Iterable[Report]) -> None:
        self.usage: list[bytes] = []
        self.errors: list[bytes] = []
        self._reported = Counter[str]()
        self._failed = set[str]()
        self._codes = Counter[str]()
        self._sessions = self._transferred = 0
        for report in reports:
            for raw in map(bytes, report.usage):
                item = decode_usage_item(raw)
                self.usage.append(usage_digest(raw))
                self._sessions += item.number_of_sessions or 0
                self._transferred += item.bytes_transferred or 0
                if item.imei is not None:
                    self._reported[item.imei] += 1
            for raw in map(bytes, report.errors):
                error = decode_error_item(raw)
                self.errors.append(error_digest(raw))
                if error.imei is not None:
                    self._failed.add(error.imei)
                if error.error_response and error.error_response.error_code is not None:
                    self._codes[error.error_response.error_code] += 1

    @property
    def imeis(self) -> set[str]:
        """All devices."""
        return self._reported.keys() | self._failed

    def summary(self) -> dict[str, Any]:
        """What the summary must say."""
        return {
            "reported": len(self._reported),
            "failed": len(self._failed),
            "repeated": sorted(imei for imei, count in self._reported.items() if count > 1),
            "conflicting": sorted(self._reported.keys() & self._failed),
            "numberOfSessions": self._sessions,
            "bytesTransferred": self._transferred,
            "errorCodes": dict(self._codes),
        }


def _stated(reports: list[Report] | tuple[Report, ...]) -> dict[str, Any]:
    """What the summary says, in the same words."""
    summary = reports[0].summary
    codes = Counter[str]()
    for report in reports:
        codes.update(report.summary.error_codes)
    return {
        "reported": summary.devices.reported,
        "failed": summary.devices.failed,
        "repeated": _all(reports, "repeated"),
        "conflicting": _all(reports, "conflicting"),
        "numberOfSessions": summary.number_of_sessions,
        "bytesTransferred": summary.bytes_transferred,
        "errorCodes": dict(codes),
    }


def _wrong_ending(summary: Summary, missing: list[str], unexpected: list[str]) -> Iterator[str]:
    """What contradicts the rule that closed a report, or that it expected nobody."""
    rule, expected = summary.completed_by, summary.devices.expected
    outcome = Outcome.PARTIAL if missing else Outcome.UNCONFIRMED
    if rule in _PROOFS:
        outcome = Outcome.COMPLETE
    if summary.outcome is not outcome:
        yield f"outcome is {summary.outcome}, by {rule} with {len(missing)} missing it is {outcome}"
    if rule is CompletedBy.EXPECTED_DEVICES and (missing or not expected):
        yield f"it was closed by {rule}, but expected {expected}, of which {len(missing)} missing"
    if rule is CompletedBy.DEVICE_LIMIT and expected is not None:
        yield f"it was closed by {rule}, but expected {expected}"
    if expected is None and (missing or unexpected):
        yield "missing or unexpected names devices, but it expected none"


def _all(reports: Iterable[Report], name: str) -> list[str]:
    """A list of IMEIs, put together from the parts."""
    return [
        imei for report in reports for imei in getattr(report.summary.devices, name, UNSET) or ()
    ]


def _torn(parts: Collection[int], count: int) -> str:
    """What is wrong with these parts of so many; `count` is whatever a record says."""
    lacking = (index for index in range(1, count + 1) if index not in parts)
    if few := list(itertools.islice(lacking, _SHOWN + 1)):
        more = ", ..." if len(few) > _SHOWN else ""
        return f"parts {', '.join(map(str, few[:_SHOWN]))}{more} of {count} are missing"
    return f"part {max(parts)} is there, of {count}"


def _common(report: Report) -> tuple[Any, ...]:
    """What stands in each part."""
    summary, devices = report.summary, report.summary.devices
    return (
        summary.outcome,
        summary.completed_by,
        summary.part.count,
        (devices.expected, devices.reported, devices.failed),
        summary.number_of_sessions,
        summary.bytes_transferred,
        summary.callbacks,
        summary.duplicates,
        summary.opened_at,
        summary.closed_at,
        summary.source,
    )


def _called(name: _Name) -> str:
    partition, txid, _, revision = name
    called = name_txid(txid, partition)
    return f"{called}, revision {revision}" if revision else called
