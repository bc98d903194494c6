"""Differences, in words: between two JSON values, and between two sets of outputs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_MOST = 300


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT = _Absent()


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Each place where two values differ; 1, 1.0 and true are different."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            difference
            for name in sorted(expected.keys() | found.keys())
            for difference in differences(
                expected.get(name, _ABSENT), found.get(name, _ABSENT), f"{path}.{name}"
            )
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            difference
            for index, pair in enumerate(zip(expected, found, strict=True))
            for difference in differences(*pair, f"{path}[{index}]")
        ]
    if type(expected) is type(found) and expected == found:
        return []
    return [f"{path}: expected {_short(expected)}, found {_short(found)}"]


def match(
    kind: str,
    expected: Iterable[tuple[_Key, dict[str, Any]]],
    found: Iterable[tuple[_Key, dict[str, Any]]],
) -> list[str]:
    """What is missing, doubled, invented or wrong in `found`, pairing by key, in order."""
    by_key: dict[_Key, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}
    for key, value in expected:
        by_key.setdefault(key, ([], []))[0].append(value)
    for key, value in found:
        by_key.setdefault(key, ([], []))[1].append(value)
    problems = []
    for key, (due, there) in by_key.items():
        problems += [
            f"wrong {kind} {key}: {difference}"
            for pair in zip(due, there, strict=False)
            for difference in differences(*pair)
        ]
        missing = len(due) - len(there)
        problems += [f"missing {kind} {key}"] * missing
        problems += [f"{'doubled' if due else 'invented'} {kind} {key}"] * -missing
    return problems


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}… ({len(text)} characters)"
