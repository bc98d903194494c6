"""`python -m tests.docs`: puts into the pages, and beside them, what is made by the code."""

from __future__ import annotations

from benchmarks.page import pictures
from tests.docs.pages import ROOT, made, pages
from tests.docs.pieces import pieces

if __name__ == "__main__":
    found = pieces()
    for page in pages():
        text = page.read_text("utf-8")
        page.write_text(made(text, found), "utf-8")
    for name, picture in pictures().items():
        (ROOT / "docs" / name).write_text(picture(), "utf-8")
