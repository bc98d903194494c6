"""The closing table and the exit code."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from consumer.cli.demo.closing import MOST_PROBLEMS, pronounce
from consumer.cli.demo.verdict import NAMES, Kill, Row, Verdict
from consumer.errors import SessionReportsError

KILL = Kill("member-2", [2, 3], frozenset({"a", "b", "c"}))
AGREED = Row("reports", 2_399, 2_399, 2_399)
OFF = Row("bytes", 1_000, 1_000, 999)
UNTOLD = Row("records consumed", 12, None, 12)


def pronounced(verdict: Verdict, width: int = 80) -> list[str]:
    """The lines of a verdict that passes."""
    paper = io.StringIO()
    pronounce(verdict, Console(file=paper, width=width))
    return [line.rstrip() for line in paper.getvalue().splitlines()]


def test_a_good_run_is_said_to_be_one() -> None:
    """The table, and what it means; a number that nobody tells is no difference."""
    lines = pronounced(Verdict([AGREED, UNTOLD], [], KILL))

    assert "Sent, and what came of it" in lines
    assert [line.split() for line in lines if line.endswith("ok")] == [
        ["reports", "2,399", "2,399", "2,399", "ok"],
        ["records", "consumed", "12", "12", "ok"],
    ]
    assert lines[-3:] == [
        "Every request has exactly one report with exactly its devices.",
        "The metrics topic adds up to the same.",
        "3 txids were open in member-2 when it was killed: each has its report.",
    ]


def test_any_difference_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The table and the differences are printed, and the exit code is 1."""
    with pytest.raises(SessionReportsError, match="1 differences") as raised:
        pronounce(Verdict([AGREED, OFF], ["t-1: no report"], KILL), Console())
    out = capsys.readouterr().out

    assert raised.value.exit_code == 1
    assert "t-1: no report" in out
    assert out.count("DIFFERS") == 1
    assert "Every request" not in out


def test_a_flood_of_differences_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """The first ones tell enough; the error tells how many there are."""
    problems = [f"t-{number}: no report" for number in range(100)]
    with pytest.raises(SessionReportsError, match="100 differences"):
        pronounce(Verdict([], problems, KILL), Console())

    assert capsys.readouterr().out.count("no report") == MOST_PROBLEMS


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_fits(width: int) -> None:
    """All of its rows are one line each, whatever the numbers of a long run."""
    rows = [Row(name, 99_999_999_999, 99_999_999_999, 99_999_999_999) for name in NAMES.values()]
    lines = pronounced(Verdict(rows, [], KILL), width)

    assert sum(line.endswith("ok") for line in lines) == len(NAMES)
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
