"""Tables for pages and terminals."""

from __future__ import annotations

from benchmarks.columns import aligned


def test_columns_stand_below_each_other() -> None:
    """Numbers to the right; Markdown is told so, too."""
    text = aligned(("a", "bb"), [("xx", "1"), ("y", "234")])
    assert text.splitlines() == ["| a  |  bb |", "| -- | --: |", "| xx |   1 |", "| y  | 234 |"]
