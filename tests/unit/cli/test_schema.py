from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from consumer.wire.schema import KINDS, Kind, schema
from tests.unit.cli.conftest import Command

KEPT = Path(__file__).parents[3] / "docs" / "schemas"


@pytest.mark.parametrize("kind", KINDS)
def test_prints_the_schema_of_a_kind(command: Command, kind: Kind) -> None:
    """As JSON and nothing else, to be piped."""
    ended = command("schema", kind)

    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == schema(kind)


def test_without_a_kind_prints_all(command: Command) -> None:
    """One object, by kind."""
    assert json.loads(command("schema").out) == {kind: schema(kind) for kind in get_args(Kind)}


def test_the_kept_schemas_are_what_is_generated(command: Command, tmp_path: Path) -> None:
    """Otherwise: session-reports schema --write docs/schemas."""
    ended = command("schema", "--write", str(tmp_path / "new"))

    assert ended.code == 0
    written = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    assert written == {path.name: path.read_text() for path in KEPT.iterdir()}
    assert [Path(line).name for line in ended.out.splitlines()] == [
        f"{kind}.json" for kind in KINDS
    ]


def test_a_kind_can_be_written_alone(command: Command, tmp_path: Path) -> None:
    """For who needs no other."""
    command("schema", "report", "--write", str(tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_folder_that_cannot_be_written_is_one_line(command: Command, tmp_path: Path) -> None:
    """With the path and the reason."""
    (tmp_path / "file").touch()
    ended = command("schema", "--write", str(tmp_path / "file"))

    assert ended.code == 1
    (line,) = ended.complaints
    assert "cannot be written: " in line


def test_an_unknown_kind_names_the_known_ones(command: Command) -> None:
    """One line, and the exit code of a wrong command line."""
    ended = command("schema", "reports")

    assert ended.code == 1
    (line,) = ended.complaints
    assert all(kind in line for kind in KINDS)
