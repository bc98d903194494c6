"""What the documentation shows is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from benchmarks.page import pictures
from consumer.wire.callback import decode
from consumer.wire.report import PART_MARK
from consumer.wire.schema import KINDS, schema
from tests.docs import story
from tests.docs.pages import MADE, ROOT, made, pages
from tests.docs.pieces import folded, pieces

EXAMPLES = story.examples()
PIECES = pieces()
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_what_is_made(page: Path) -> None:
    """Otherwise: make docs."""
    text = page.read_text("utf-8")
    assert made(text, PIECES) == text


@pytest.mark.parametrize("name", pictures())
def test_a_picture_is_what_is_made(name: str) -> None:
    """Otherwise: make docs."""
    assert (ROOT / "docs" / name).read_text("utf-8") == pictures()[name]()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_record_on_a_page_is_made(page: Path) -> None:
    """None is written by hand, and every mark has its end."""
    text = page.read_text("utf-8")
    assert text.count("<!-- made: ") == text.count("<!-- end -->") == len(MADE.findall(text))
    assert "json" not in [language for language, _ in FENCE.findall(MADE.sub("", text))]


def test_everything_that_is_made_is_shown() -> None:
    """Nothing is made for no page, and each kind of record has its example."""
    shown = {name for page in pages() for _, name, _ in MADE.findall(page.read_text("utf-8"))}
    assert shown == PIECES.keys()
    assert {example.kind for example in EXAMPLES.values()} == set(KINDS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fits_its_schema(name: str) -> None:
    """As it stands on the page."""
    _, text = FENCE.findall(PIECES[name]())[0]
    value = json.loads(text)
    assert value == EXAMPLES[name].value
    Draft202012Validator(schema(EXAMPLES[name].kind)).validate(value)


@pytest.mark.parametrize("name", ["callback", "callback-error", "expectation", "acknowledgement"])
def test_an_input_record_is_of_its_kind(name: str) -> None:
    """By the decoder."""
    kind = type(decode(json.dumps(EXAMPLES[name].value).encode())).__name__.lower()
    assert kind == EXAMPLES[name].kind


def test_the_examples_show_what_they_are_for() -> None:
    """A complete report, one that lacks a device, its revision, one that is split."""
    summaries = {name: one.value.get("summary", {}) for name, one in EXAMPLES.items()}
    complete, partial = summaries["report"], summaries["report-partial"]
    revised, part = summaries["report-revised"], summaries["report-part"]
    assert (complete["outcome"], complete["duplicates"]) == ("complete", 1)
    assert (partial["outcome"], partial["devices"]["missing"]) == ("partial", ["709312034493414"])
    assert (revised["outcome"], revised["revision"]) == ("complete", 1)
    assert part["part"]["index"] == 2 < part["part"]["count"]
    assert PART_MARK.decode() not in part["source"]["topic"]


@pytest.mark.parametrize("value", [{}, [], {"a": [{"b": "é"}] * 30}, [["x" * 200]] * 2, "x" * 200])
def test_folding_keeps_the_value(value: object) -> None:
    """Lines are as long as allowed where they can be broken."""
    text = folded(value)
    assert json.loads(text) == value
    assert all(len(line) <= 110 or " " not in line.strip() for line in text.splitlines())
