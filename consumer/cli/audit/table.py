"""How an audit's verdict is shown: as a table for people, as JSON for programs."""

from __future__ import annotations

from typing import Any

from msgspec import json, structs
from rich.console import Console
from rich.table import Table

from consumer.audit.audit import Verdict

NAMES = {
    "callbacks": "callbacks consumed",
    "expectations": "expectations consumed",
    "acknowledgements": "acknowledgements consumed",
    "deadLetters": "dead letters",
    "items.usage": "usage items merged",
    "items.errors": "error items merged",
    "items.duplicates": "duplicate items",
    "items.late": "late items",
    "reports": "reports",
    "revised": "... of which revisions",
    "reported": "devices reported",
    "failed": "devices failed",
    "missing": "devices missing",
    "sessions": "sessions",
    "transferred": "bytes",
}
SHOWN = 20
"""Differences that are printed."""


def show(verdict: Verdict, console: Console) -> None:
    """Print all of it."""
    console.print(_account(verdict))
    for line in summary(verdict):
        console.print(line)
    for line in verdict.unchecked:
        console.print(f"not checked: {line}", style="yellow")
    for difference in verdict.differences[:SHOWN]:
        console.print(f"{difference.subject}: {difference.problem}", style="red")
    if len(verdict.differences) > SHOWN:
        console.print(f"... and {len(verdict.differences) - SHOWN:,} more", style="red")


def summary(verdict: Verdict) -> list[str]:
    """What stands below the table."""
    results = verdict.partitions.values()
    windows = sum(result.windows for result in results)
    txids = sum(result.open.txids for result in results)
    items = sum(result.open.items for result in results)
    return [
        f"{verdict.records:,} records of {len(results)} partitions, {windows:,} metrics windows",
        f"{txids:,} txids are still open, with {items:,} items that no report holds yet",
    ]


def as_json(verdict: Verdict) -> bytes:
    """The same, and all differences."""
    body: dict[str, Any] = {
        "ok": not verdict.differences and verdict.records > 0,
        "records": verdict.records,
        "partitions": {
            str(number): {
                "firstOffset": result.begin,
                "endOffset": result.end,
                "records": result.records,
                "windows": result.windows,
                "openTxids": result.open.txids,
                "openItems": result.open.items,
                "itemsInLastRevisions": result.items,
            }
            for number, result in verdict.partitions.items()
        },
        "account": [structs.asdict(row) for row in verdict.rows],
        "differences": [structs.asdict(difference) for difference in verdict.differences],
        "notChecked": verdict.unchecked,
    }
    return json.encode(body)


def _account(verdict: Verdict) -> Table:
    table = Table(title="What metrics windows count, and what the other topics hold of it")
    table.title_justify = "left"
    table.add_column("")
    for name in ("windows", "topics", "difference"):
        table.add_column(name, justify="right")
    for row in verdict.rows:
        off = row.counted - row.found
        cells = (f"{row.counted:,}", f"{row.found:,}", f"{off:+,}" if off else "")
        table.add_row(NAMES.get(row.name, row.name), *cells, style="red" if off else "")
    return table
