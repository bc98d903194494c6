"""How a verdict looks."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from consumer.cli.audit.table import as_json, show
from tests.unit.audit.history import History, Writer


@pytest.fixture
def history() -> History:
    """A report, and a txid that is open."""
    writer = Writer(device_limit=2, window_ms=100)
    writer.devices("done", "1", "2", at=1_000)
    writer.devices("open", "1", at=1_200)
    return writer.history()


def shown(history: History) -> str:
    """The text."""
    console = Console(file=io.StringIO(), width=120, markup=False, highlight=False)
    show(history.verdict(), console)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_the_table_shows_both_sides(history: History) -> None:
    """What windows count, what the topics hold, and what is still open."""
    text = shown(history)
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:5]]
        for line in text.splitlines()
        if len(cells := line.split("│")) == 6
    }

    assert rows["reports"] == ["1", "1", ""]
    assert rows["usage items merged"] == ["3", "3", ""]
    assert rows["items reported or open"] == ["3", "3", ""]
    assert "2 records of 1 partitions, 1 metrics windows" in text
    assert "1 txids are still open, with 1 items that no report holds yet" in text
    assert "not checked" not in text


def test_differences_are_shown_with_their_subjects(history: History) -> None:
    """And in the table, as a number."""
    text = shown(history.without("reports", 0))

    assert "txid 'done' of partition 0: no report holds what came with 1 records: 0" in text
    assert "+1" in text


def test_only_the_first_differences_are_shown() -> None:
    """A topic that is gone makes one for each txid."""
    writer = Writer(device_limit=1, window_ms=100)
    for number in range(50):
        writer.devices(f"t{number}", "1", at=1_000)
    writer.tick(at=2_000)
    history = writer.history().changed(reports=[])
    text = shown(history)

    assert text.count("no report holds what came") == 20
    assert f"... and {len(history.problems()) - 20} more" in text


def test_json_holds_everything(history: History) -> None:
    """All differences among it, and whether there are none."""
    good, bad = (
        json.loads(as_json(one.verdict())) for one in (history, history.without("reports", 0))
    )

    assert (good["ok"], bad["ok"]) == (True, False)
    assert good["records"] == 2
    assert good["differences"] == good["notChecked"] == []
    assert good["partitions"]["0"] == {
        "firstOffset": 0,
        "endOffset": 2,
        "records": 2,
        "windows": 1,
        "openTxids": 1,
        "openItems": 1,
        "itemsInLastRevisions": 2,
    }
    assert {"name": "reports", "counted": 1, "found": 1} in good["account"]
    assert {one["subject"] for one in bad["differences"]} >= {"txid 'done' of partition 0"}


def test_nothing_is_not_in_order(history: History) -> None:
    """An empty range proves nothing."""
    empty = History(history.policy, []).verdict()

    assert json.loads(as_json(empty))["ok"] is False
