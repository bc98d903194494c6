"""JSON with its spelling.

The standard library parses; this module adds what it hides: the text of each member and
element, every occurrence of a repeated key, and what Python takes for JSON although it is
none (`NaN`, half a surrogate pair).
"""

from __future__ import annotations

import json
import re
from typing import Any

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> tuple[str, str]:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("too large")
    return "float", repr(number)


def _last_of_each(pairs: list[tuple[str, Any]]) -> tuple[str, list[tuple[str, Any]]]:
    return "object", sorted(dict(pairs).items(), key=lambda pair: pair[0])


_SPELLED = json.JSONDecoder(
    # Numbers stay text, so that none is too large; objects keep every pair.
    parse_int=str,
    parse_float=str,
    parse_constant=_no_constant,
    object_pairs_hook=list,
)
_TYPED = json.JSONDecoder(
    # int() refuses numbers beyond 4,300 digits with ValueError.
    parse_int=lambda digits: ("int", int(digits)),
    parse_float=_finite,
    parse_constant=_no_constant,
    object_pairs_hook=_last_of_each,
)


def check(text: str) -> None:
    """Raise ValueError unless `text` is one JSON value."""
    parsed = _SPELLED.decode(text)
    # A lone surrogate cannot be encoded (UnicodeEncodeError is a ValueError).
    json.dumps(parsed, ensure_ascii=False).encode()


def depth(text: str) -> int:
    """How deep arrays and objects are nested at the deepest place."""
    deepest = now = 0
    for bracket in re.findall(r"[][{}]", _STRING.sub("", text)):
        now += 1 if bracket in "[{" else -1
        deepest = max(deepest, now)
    return deepest


def members(text: str) -> list[tuple[str, str]]:
    """Keys and verbatim value texts of an object, in order, repeated keys included."""
    found = []
    at = _after_space(text, 1)
    while text[at] != "}":
        key, at = _SPELLED.raw_decode(text, at)
        start = _after_space(text, _after_space(text, at) + 1)  # past the colon
        _, at = _SPELLED.raw_decode(text, start)
        found.append((key, text[start:at]))
        at = _past_comma(text, at)
    return found


def elements(text: str) -> list[str]:
    """Verbatim texts of an array's elements."""
    found = []
    at = _after_space(text, 1)
    while text[at] != "]":
        start = at
        _, at = _SPELLED.raw_decode(text, start)
        found.append(text[start:at])
        at = _past_comma(text, at)
    return found


def identity(text: str) -> tuple[str, str]:
    """The same for two texts exactly when the contract calls them equal.

    Order of keys, white space, escapes and the spelling of floats do not matter, the last
    of a repeated key wins; 1, 1.0 and true differ, null differs from absent. A text with
    a number that has no canonical form is only equal to itself.
    """
    try:
        return "value", repr(_TYPED.decode(text))
    except ValueError:
        return "text", text


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None  # it matches nothing, too
    return match.end()


def _past_comma(text: str, at: int) -> int:
    at = _after_space(text, at)
    return _after_space(text, at + 1) if text[at] == "," else at
