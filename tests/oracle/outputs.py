"""Reports, dead letters and metrics records as read from their topics.

Only as much is demanded here as it takes to find out what an output speaks of; whether it
is right is for `verify`. What does not even allow that raises ValueError.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tests.oracle import jsontext
from tests.oracle.record import Record, iso, milliseconds

_PREFIX = "__streams.errors."
_LISTS = ("missing", "unexpected", "repeated", "conflicting")
IMEI_LISTS = (*_LISTS, "oversized")
"""Lists in a summary's `devices`; the last one is there only where it holds anything."""


class Outputs(NamedTuple):
    """All records of the three output topics."""

    reports: list[Record]
    dead_letters: list[Record]
    metrics: list[Record]


class Report(NamedTuple):
    """A report, or a part of one, parsed; `usage` and `errors` hold their verbatim texts."""

    record: Record
    body: dict[str, Any]
    txid: str
    partition: int
    last_offset: int
    first_offset: int
    revision: int
    part: tuple[int, int]
    """Index and count."""
    completed_by: str
    opened_at: int
    closed_at: int

    @property
    def name(self) -> str:
        """What problems call it."""
        return report_name(self.partition, self.txid, self.revision)


class DeadLetter(NamedTuple):
    """A dead letter and the input record that it names."""

    record: Record
    partition: int
    offset: int
    reason: str
    headers: tuple[tuple[str, bytes | None], ...]
    """Those that are not ours."""
    topic: str
    message: str


class Metrics(NamedTuple):
    """A metrics record, parsed."""

    record: Record
    body: dict[str, Any]
    partition: int
    start: int

    @property
    def name(self) -> str:
        """What problems call it, and its key."""
        return window_name(iso(self.start), self.partition)


def read_report(record: Record) -> Report:
    """Parse a report."""
    texts = _object(record)
    # Items stay text, all of them: a number in there may be more than Python takes.
    body = {
        name: _elements(name, text) if name in ("usage", "errors") else json.loads(text)
        for name, text in texts.items()
    }
    for array in ("usage", "errors"):
        _get(body, array, list)
    summary = _get(body, "summary", dict)
    source = _get(summary, "source", dict)
    part = _get(summary, "part", dict)
    _check_divided(summary)
    return Report(
        record=record,
        body=body,
        txid=_get(body, "txid", str),
        partition=_get(source, "partition", int),
        last_offset=_get(source, "lastOffset", int),
        first_offset=_get(source, "firstOffset", int),
        revision=_get(summary, "revision", int),
        part=(_get(part, "index", int), _get(part, "count", int)),
        completed_by=_get(summary, "completedBy", str),
        opened_at=milliseconds(_get(summary, "openedAt", str)),
        closed_at=milliseconds(_get(summary, "closedAt", str)),
    )


def _check_divided(summary: dict[str, Any]) -> None:
    """What a split report divides among its parts, beside its items."""
    devices = _get(summary, "devices", dict)
    for name in IMEI_LISTS if "oversized" in devices else _LISTS:
        _get(devices, name, list)
    for code in _get(summary, "errorCodes", dict):
        _get(summary["errorCodes"], code, int)


def read_dead_letter(record: Record) -> DeadLetter:
    """Parse the headers of a dead letter: five of ours, after those of the input."""
    ours = [
        (name.removeprefix(_PREFIX), value or b"")
        for name, value in record.headers
        if is_ours((name, value))
    ]
    texts = {name: value.decode() for name, value in ours}
    if sorted(name for name, _ in ours) != sorted(
        ("topic", "partition", "offset", "exception", "message")
    ):
        raise ValueError(f"its headers are {[name for name, _ in record.headers]}")
    return DeadLetter(
        record=record,
        partition=int(texts["partition"]),
        offset=int(texts["offset"]),
        reason=texts["exception"],
        headers=tuple(pair for pair in record.headers if not is_ours(pair)),
        topic=texts["topic"],
        message=texts["message"],
    )


def read_metrics(record: Record) -> Metrics:
    """Parse a metrics record."""
    body = {name: json.loads(text) for name, text in _object(record).items()}
    for part in ("records", "items", "reports"):
        for name in _get(body, part, dict):
            _get(body[part], name, int)
    start = milliseconds(_get(_get(body, "window", dict), "start", str))
    return Metrics(record, body, _get(body, "partition", int), start)


def report_name(partition: int, txid: str, revision: int) -> str:
    """What problems call a report of a txid."""
    name = f"{txid!r} of partition {partition}"
    return f"{name}, revision {revision}" if revision else name


def window_name(start: str, partition: int) -> str:
    """What problems call a metrics record, and its key."""
    return f"{start}/{partition}"


def is_ours(header: tuple[str, bytes | None]) -> bool:
    """Whether it is a header that a dead letter adds to the input record's own."""
    return header[0].startswith(_PREFIX)


def _object(record: Record) -> dict[str, str]:
    """The verbatim texts of the members of a record's value."""
    text = (record.value or b"").decode()
    jsontext.check(text)
    if not text.startswith("{"):
        raise ValueError("it is not an object")
    pairs = jsontext.members(text)
    if len(dict(pairs)) < len(pairs):
        raise ValueError("it repeats a property")
    return dict(pairs)


def _elements(name: str, text: str) -> list[str]:
    if not text.startswith("["):
        raise ValueError(f"`{name}` is not an array")
    return jsontext.elements(text)


def _get(parent: dict[str, Any], name: str, kind: type) -> Any:
    if type(parent.get(name)) is not kind:
        raise ValueError(f"`{name}` is not of type {kind.__name__}")
    return parent[name]
