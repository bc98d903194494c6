"""Conservation: what goes in comes out, by the outputs alone.

No model: the sums of the metrics windows are weighed against the number of records
consumed, the dead letters, and the last revisions of all reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.oracle.compare import differences
from tests.oracle.outputs import Metrics, Report

_TOTALS = ("numberOfSessions", "bytesTransferred")


def unbalanced(
    consumed: int,
    reports: Iterable[Report],
    dead_letters: int,
    metrics: Iterable[Metrics],
    still_open: int = 0,
) -> list[str]:
    """What does not add up, once the windows of all records and reports are closed.

    `still_open` is the number of items that no report has held yet.
    """
    reports = list(reports)
    last = {
        (report.partition, report.txid, report.first_offset): report
        for report in sorted(reports, key=lambda report: report.revision)
    }
    windows = [found.body for found in metrics]
    records, items, kinds, devices, codes = (
        _sum(window[part] for window in windows)
        for part in ("records", "items", "reports", "devices", "errorCodes")
    )
    summaries = [report.body["summary"] for report in last.values()]
    due = {
        "records": consumed,
        "deadLetters": dead_letters,
        "items": still_open
        + sum(len(r.body["usage"]) + len(r.body["errors"]) for r in last.values()),
        "reports": len(reports),
        "revised": sum(report.revision > 0 for report in reports),
        "timeToCompleteMs": sum(report.revision == 0 for report in reports),
        "devices": {
            "reported": sum(summary["devices"]["reported"] for summary in summaries),
            "failed": sum(summary["devices"]["failed"] for summary in summaries),
            "missing": sum(len(summary["devices"]["missing"]) for summary in summaries),
        },
        "errorCodes": _sum(summary["errorCodes"] for summary in summaries),
        **{name: sum(summary[name] for summary in summaries) for name in _TOTALS},
    }
    found = {
        "records": sum(records.values()),
        "deadLetters": records["deadLetters"],
        "items": items["usage"] + items["errors"],
        "reports": kinds["complete"] + kinds["partial"] + kinds["unconfirmed"],
        "revised": kinds["revised"],
        "timeToCompleteMs": sum(window["timeToCompleteMs"]["count"] for window in windows),
        "devices": {name: devices[name] for name in ("reported", "failed", "missing")},
        "errorCodes": codes,
        **{name: sum(window[name] for window in windows) for name in _TOTALS},
    }
    return [f"wrong balance: {difference}" for difference in differences(due, found)]


def _sum(counts: Iterable[dict[str, Any]]) -> Counter[str]:
    total = Counter[str]()
    for count in counts:
        total.update(count)
    return Counter({name: count for name, count in total.items() if count})
