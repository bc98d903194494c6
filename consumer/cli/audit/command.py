"""`session-reports audit`: is everything that went in accounted for in what came out."""

from __future__ import annotations

import sys
import time
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from consumer.audit.audit import Verdict
from consumer.cli.audit.range import parse_range
from consumer.cli.audit.reading import read
from consumer.cli.audit.table import as_json, show
from consumer.cli.options import NOWHERE_ELSE, SettingsFrom
from consumer.errors import SessionReportsError


def audit(
    *,
    source: SettingsFrom = NOWHERE_ELSE,
    since: Annotated[str, Parameter(name="--from", show_default=False)] = "",
    until: Annotated[str, Parameter(name="--to", show_default=False)] = "",
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Prove that nothing was lost, doubled or invented, from the topics alone.

    Reads callbacks, reports, metrics and dead letters as any consumer would, and commits
    nothing; the daemon may run meanwhile. Use the settings that the daemon runs with. Exit
    code 0: everything that was looked at is accounted for; 1: differences, which name the
    txid, window or record, or nothing was consumed in the range, so nothing is proven.

    **Examples**
    ```
    session-reports audit --config config/consumer.toml
    session-reports audit --from 2h
    session-reports audit --from 2026-11-24T00:00Z --to 2026-11-25T00:00Z --json
    ```

    Args:
        source: Where the settings come from.
        since: Records from this time on: an ISO time, or a duration back from now.
        until: Records before this time.
        json: Print one JSON object, with all differences.
    """
    settings = source.load().settings
    range_ = parse_range(since, until, time.time_ns() // 1_000_000)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    screen = Console(stderr=True)
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    ) as progress:
        tasks: dict[str, TaskID] = {}

        def told(topic: str, done: int, total: int) -> None:
            if topic not in tasks:
                tasks[topic] = progress.add_task(topic)
            progress.update(tasks[topic], completed=done, total=total)

        verdict = read(settings, range_, told)
    if json:
        sys.stdout.buffer.write(as_json(verdict) + b"\n")
    else:
        show(verdict, Console(highlight=False, soft_wrap=True, markup=False))
    conclude(verdict)


def conclude(verdict: Verdict) -> None:
    """Raises `SessionReportsError` unless conservation is proven for something."""
    if verdict.differences:
        raise SessionReportsError(f"{len(verdict.differences):,} differences")
    if not verdict.records:
        raise SessionReportsError("nothing was consumed in this range: nothing is proven")
