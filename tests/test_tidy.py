"""The rules of the house: what a reader may rely on in every file."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
CODE = ROOT / "consumer"
TESTS = ROOT / "tests"
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 70
PUT_OFF = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")

WITHOUT_TESTS_OF_THEIR_OWN = {
    "__main__": "every test of the command line that starts a process",
    "errors": "classes; who raises them is tested for it",
    "aggregation.delta": "a struct",
    "aggregation.policy": "a struct",
    "audit.terms": "structs",
    "embedded.guardian": "a program of its own: tests of `guarded`, which starts it",
    "kafka.cluster": "asked by `topics` only, and tested with it on a real Kafka",
    "pipeline.policy": "a struct",
    "aggregation.records": "a Protocol; mypy is its judge",
    "pipeline.ports": "Protocols; mypy is their judge",
    "simulator.request": "the truth of a plan: tests of `plan`",
    "simulator.totals": "sums over a plan: tests of `plan`",
}
"""Modules, and where they are covered instead."""


def python_files(*folders: str) -> Iterator[tuple[str, str]]:
    """Name and text of each."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text()


def modules() -> list[str]:
    """All of `consumer`, without packages, as `room.module`."""
    names = (path.relative_to(CODE).with_suffix("") for path in sorted(CODE.rglob("*.py")))
    return [".".join(name.parts) for name in names if name.name != "__init__"]


def functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All of a file, nested ones and methods included."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def pyproject() -> dict[str, Any]:
    """The project's own file."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_files_and_functions_are_short() -> None:
    """What does not fit is two things."""
    long = []
    for name, text in python_files("consumer", "tests", "benchmarks"):
        lines = text.count("\n")
        if lines > MOST_LINES_OF_A_FILE:
            long.append(f"{name}: {lines} lines")
        for function in functions(text):
            lines = (function.end_lineno or 0) - function.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                long.append(f"{name}:{function.lineno}: {function.name} has {lines} lines")

    assert long == []


def test_nothing_is_put_off() -> None:
    """What is missing stands in the tracker, not in the code."""
    found = [
        f"{name}:{number}"
        for name, text in python_files("consumer", "tests", "benchmarks")
        for number, line in enumerate(text.splitlines(), 1)
        if PUT_OFF.search(line)
    ]

    assert found == []


def test_every_module_says_how_it_works() -> None:
    """Its docstring comes first."""
    mute = [
        name for name, text in python_files("consumer") if not ast.get_docstring(ast.parse(text))
    ]

    assert mute == []


def test_every_test_says_what_it_tests() -> None:
    """The behaviour, in a sentence."""
    mute = [
        f"{name}:{function.lineno}: {function.name}"
        for name, text in python_files("tests")
        for function in functions(text)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]

    assert mute == []


def test_every_module_has_its_tests_where_one_looks_for_them() -> None:
    """`consumer/room/module.py` is tested by `tests/unit/room/test_module.py`.

    Or below `tests/integration`, where only a real Kafka can tell.
    """
    without = set()
    for module in modules():
        *room, name = module.split(".")
        places = [
            TESTS / kind / "/".join(room) / f"test_{name}.py" for kind in ("unit", "integration")
        ]
        if not any(place.exists() for place in places):
            without.add(module)

    assert without == set(WITHOUT_TESTS_OF_THEIR_OWN)


def test_no_module_is_dead() -> None:
    """Each is imported by another one, or is a program."""
    imported: set[str] = set()
    programs: set[str] = set()
    for name, text in python_files("consumer"):
        if '\nif __name__ == "__main__":' in text:
            programs.add(name.removesuffix(".py").replace("/", "."))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module)
                imported.update(f"{node.module}.{alias.name}" for alias in node.names)

    assert {f"consumer.{name}" for name in modules()} <= imported | programs


def test_the_layers_hold_for_every_room() -> None:
    """A room that no contract names could import what it likes."""
    contracts = {one["name"]: one for one in pyproject()["tool"]["importlinter"]["contracts"]}
    layers = contracts["Imports only point downwards"]
    rooms = {path.stem for path in CODE.iterdir() if path.suffix == ".py" or path.is_dir()}
    rooms -= {"__init__", "__pycache__"}

    assert layers["exhaustive"]
    assert {room for layer in layers["layers"] for room in re.split(r"\W+", layer)} == rooms
    client = contracts["Only kafka/ talks to librdkafka"]
    free = {"consumer." + room for room in ("kafka", "cli", "__main__")}
    assert set(client["source_modules"]) == {f"consumer.{room}" for room in rooms} - free


@pytest.mark.parametrize(
    ("group", "of_lock"),
    [("dependencies", "requires-dist"), ("dev", "requires-dev"), ("bench", "requires-dev")],
)
def test_the_lock_is_in_step(group: str, of_lock: str) -> None:
    """Every requirement of the project stands in `uv.lock` as it was when it was locked."""
    project = pyproject()
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    (own,) = (one for one in lock["package"] if one["name"] == project["project"]["name"])
    locked = own["metadata"][of_lock]
    if group in project["dependency-groups"]:
        wanted, locked = project["dependency-groups"][group], locked[group]
    else:
        extras = project["project"]["optional-dependencies"].values()
        wanted = [*project["project"]["dependencies"], *(one for extra in extras for one in extra)]

    assert sorted(_plain(one) for one in wanted) == sorted(
        one["name"] + one.get("specifier", "") for one in locked
    )


def _plain(requirement: str) -> str:
    """Without its extras."""
    return re.sub(r"\[.*\]", "", requirement)
