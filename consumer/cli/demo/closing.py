"""The verdict for a reader: a table, what is wrong, and one sentence."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.cli.demo.verdict import Row, Verdict
from consumer.errors import SessionReportsError

MOST_PROBLEMS = 10
"""Differences that are printed."""


def pronounce(verdict: Verdict, console: Console) -> None:
    """Print the verdict. Raises `SessionReportsError` for one that found a difference."""
    console.print()
    console.print(closing_table(verdict.rows))
    console.print()
    for problem in verdict.problems[:MOST_PROBLEMS]:
        console.print(problem, style="red", markup=False, soft_wrap=True)
    if verdict.problems:
        raise SessionReportsError(
            f"the outputs are not what was sent: {len(verdict.problems)} differences"
        )
    for sentence in sentences(verdict):
        console.print(sentence, style="green")


def sentences(verdict: Verdict) -> Iterator[str]:
    """What a good run has shown."""
    yield "Every request has exactly one report with exactly its devices."
    yield "The metrics topic adds up to the same."
    kill = verdict.kill
    count = len(kill.open_txids)
    yield f"{count:,} txids were open in {kill.member} when it was killed: each has its report."


def closing_table(rows: list[Row]) -> Table:
    """What was sent beside what came out."""
    table = Table(
        title="Sent, and what came of it",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
    )
    table.add_column("", no_wrap=True)
    for name in ("sent", "read back", "metrics"):
        table.add_column(name, justify="right")
    table.add_column("")
    for row in rows:
        mark = Text("ok", "green") if row.ok else Text("DIFFERS")
        table.add_row(row.name, *map(_cell, row.cells), mark, style="" if row.ok else "bold red")
    return table


def _cell(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
