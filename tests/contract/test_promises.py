"""Where each promise is tested: the table of docs/testing.md."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "testing.md"


def test_each_test_that_the_document_names_is_there() -> None:
    """By its name, in one of the files of the contract."""
    named = set(re.findall(r"`(test_\w+)`", DOCUMENT.read_text()))
    found = {
        name
        for path in HERE.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert named
    assert named <= found
