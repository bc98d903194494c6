"""The pages, and what in them is made by the code.

    <!-- made: NAME -->
    ...
    <!-- end -->

What stands between is the piece of that name. `python -m tests.docs` puts it there, and a
test finds a page in which it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
MADE = re.compile(r"(<!-- made: ([\w-]+) -->\n)(?:(?!<!-- made: ).)*?(<!-- end -->)", re.DOTALL)
"""An end that is missing must not cost what stands behind it."""


def pages() -> list[Path]:
    """All that a reader may meet."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def made(text: str, pieces: Mapping[str, Callable[[], str]]) -> str:
    """The text of a page with its pieces as they are now."""
    return MADE.sub(lambda found: f"{found[1]}{pieces[found[2]]()}\n{found[3]}", text)
