from __future__ import annotations

from tests.oracle.compare import differences, match


def test_differences_name_their_place() -> None:
    """Each differing place is one line with both values."""
    expected = {"a": 1, "b": {"c": [1, 2]}, "d": "x"}
    found = {"a": 1, "b": {"c": [1, 3]}, "e": None}
    assert differences(expected, found) == [
        ".b.c[1]: expected 2, found 3",
        ".d: expected 'x', found nothing",
        ".e: expected nothing, found None",
    ]


def test_types_matter() -> None:
    """1, 1.0 and true are not the same, and neither are None and absence."""
    assert len(differences([1, 1, None], [1.0, True, 0])) == 3
    assert differences({"a": None}, {})
    assert differences({}, {"a": "nothing"})
    assert differences([1], [1, 2])


def test_match_pairs_by_key_and_order() -> None:
    """Too few is missing, too many is doubled or invented, another value is wrong."""
    one, two = {"n": 1}, {"n": 2}
    assert match("x", [("a", one), ("a", two)], [("a", one), ("a", two)]) == []
    assert match("x", [("a", one), ("b", two)], [("b", two)]) == ["missing x a"]
    assert match("x", [("a", one)], [("a", one), ("a", one)]) == ["doubled x a"]
    assert match("x", [], [("a", one)]) == ["invented x a"]
    assert match("x", [("a", one)], [("a", two)]) == ["wrong x a: .n: expected 1, found 2"]
