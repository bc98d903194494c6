"""Who judges shares no code with what is judged."""

from __future__ import annotations

import ast
from pathlib import Path

JUDGES = ("statelog", "checker", "beginnings", "claims", "quiet", "verdict", "workload", "reach")


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_no_judge_imports_what_it_judges() -> None:
    """Neither those of the simulation nor the oracle behind them; a mistake cannot agree."""
    here = Path(__file__).parent
    paths = [here / f"{name}.py" for name in JUDGES]
    paths += (here.parent / "oracle").glob("*.py")

    guilty = [path.name for path in paths if any("consumer" in name for name in _imported(path))]

    assert guilty == []
