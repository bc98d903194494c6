"""The file of settings that comes with the project."""

from __future__ import annotations

from pathlib import Path

from consumer.settings.catalogue import SETTINGS
from consumer.settings.librdkafka import DEFAULTS
from consumer.settings.load import load, load_with_origins
from consumer.settings.model import Settings
from consumer.settings.origin import Source
from consumer.settings.template import render

FILE = Path(__file__).parents[3] / "config" / "consumer.toml"


def test_the_file_is_what_is_generated() -> None:
    """Otherwise: python -m consumer.settings.template > config/consumer.toml."""
    assert FILE.read_text(encoding="utf-8") == render()


def test_the_file_gives_the_defaults() -> None:
    """All of them, and each is written in it."""
    loaded = load_with_origins(FILE)
    assert loaded.settings == Settings()
    assert all(loaded.origins[name].source is Source.FILE for name in SETTINGS)


def test_every_default_of_a_property_stands_in_the_file() -> None:
    """Some only as a comment, since they are refused under one of the protocols."""
    text = render()
    assert all(f'"{default.name}" = ' in text for default in DEFAULTS)


def test_the_file_goes_with_both_group_protocols() -> None:
    """Nobody has to edit it to try the other one."""
    assert load(FILE, ["kafka.group.protocol=consumer"]).kafka.group_protocol == "consumer"


def test_no_line_is_long() -> None:
    """It is read in terminals."""
    assert max(map(len, render().splitlines())) <= 100
