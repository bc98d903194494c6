"""Metrics records, and how reports count in them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.oracle.record import iso


def empty_window(app: str, partition: int, start: int, end: int) -> dict[str, Any]:
    """A metrics record that counts nothing."""
    return {
        "window": {"start": iso(start), "end": iso(end)},
        "app": app,
        "partition": partition,
        "records": dict.fromkeys(
            ("callbacks", "expectations", "acknowledgements", "deadLetters"), 0
        ),
        "items": dict.fromkeys(("usage", "errors", "duplicates", "late"), 0),
        "reports": dict.fromkeys(("complete", "partial", "unconfirmed", "revised"), 0),
        "devices": dict.fromkeys(("reported", "failed", "missing"), 0),
        "numberOfSessions": 0,
        "bytesTransferred": 0,
        "errorCodes": {},
        "timeToCompleteMs": {"count": 0, "sum": 0, "min": None, "max": None},
    }


def add_report(
    window: dict[str, Any], report: dict[str, Any], before: dict[str, Any] | None, age_ms: int
) -> None:
    """Count an emission in the window of its `closedAt`: what differs from the one before."""
    window["reports"][report["summary"]["outcome"]] += 1
    if before is None:
        _add_time(window["timeToCompleteMs"], age_ms)
    else:
        window["reports"]["revised"] += 1
        _add_content(window, before, -1)
    _add_content(window, report, +1)


def _add_content(window: dict[str, Any], report: dict[str, Any], sign: int) -> None:
    summary = report["summary"]
    devices = summary["devices"]
    window["devices"]["reported"] += sign * devices["reported"]
    window["devices"]["failed"] += sign * devices["failed"]
    window["devices"]["missing"] += sign * len(devices["missing"])
    window["numberOfSessions"] += sign * summary["numberOfSessions"]
    window["bytesTransferred"] += sign * summary["bytesTransferred"]
    codes = Counter(window["errorCodes"])
    for code, count in summary["errorCodes"].items():
        codes[code] += sign * count
    window["errorCodes"] = {code: count for code, count in codes.items() if count}


def _add_time(times: dict[str, Any], age_ms: int) -> None:
    times["min"] = min(times["min"], age_ms) if times["count"] else age_ms
    times["max"] = max(times["max"], age_ms) if times["count"] else age_ms
    times["count"] += 1
    times["sum"] += age_ms
