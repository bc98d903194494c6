"""What the reports of a run must hold, and what is wrong with those that came.

Every txid that completes has exactly one report, with exactly its items and the right
totals. Items that come out as they went in are compared as bytes; whoever writes JSON anew
may space and escape it in another way, so what differs is compared once more as a value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import msgspec

from consumer.simulator.request import Request

_TOLD = 5


class Expected(msgspec.Struct, frozen=True):
    """Of one txid."""

    items: frozenset[bytes]
    sessions: int
    transferred: int

    @classmethod
    def of(cls, request: Request) -> Expected:
        """What the report of a request must hold."""
        return cls(
            frozenset(answer.item for answer in request.answers),
            sum(answer.sessions for answer in request.answers),
            sum(answer.bytes_transferred for answer in request.answers),
        )


class Summary(msgspec.Struct, rename="camel"):
    """What every contender adds up."""

    number_of_sessions: int
    bytes_transferred: int


class Report(msgspec.Struct):
    """What every contender writes; more is allowed."""

    txid: str
    usage: list[msgspec.Raw]
    errors: list[msgspec.Raw]
    summary: Summary


def problems(truth: Mapping[str, Expected], reports: Iterable[bytes | None]) -> list[str]:
    """What is wrong, in a few sentences; nothing where all is right."""
    seen: set[str] = set()
    found = []
    for value in reports:
        try:
            report = msgspec.json.decode(value or b"", type=Report)
        except msgspec.DecodeError as error:
            found.append(f"not a report: {error}")
            continue
        txid = report.txid
        if txid not in truth:
            found.append(f"{txid} should have no report")
        elif txid in seen:
            found.append(f"{txid} has more than one report")
        elif wrong := _difference(truth[txid], report):
            found.append(f"{txid} has {wrong}")
        seen.add(txid)
    if missing := truth.keys() - seen:
        found.append(f"{len(missing)} of {len(truth)} txids have no report")
    if len(found) > _TOLD:
        found = [*found[:_TOLD], f"... and {len(found) - _TOLD} more"]
    return found


def _difference(expected: Expected, report: Report) -> str:
    items = [bytes(item) for item in (*report.usage, *report.errors)]
    if len(items) != len(expected.items):
        return f"{len(items)} items instead of {len(expected.items)}"
    if set(items) != expected.items and _values(items) != _values(expected.items):
        return "other items than were sent"
    if report.summary.number_of_sessions != expected.sessions:
        return "a wrong number of sessions"
    if report.summary.bytes_transferred != expected.transferred:
        return "a wrong number of bytes"
    return ""


def _values(items: Iterable[bytes]) -> list[str]:
    return sorted(json.dumps(json.loads(item), sort_keys=True) for item in items)
