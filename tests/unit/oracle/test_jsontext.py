from __future__ import annotations

import pytest

from tests.oracle import jsontext


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1,"b":2}', ' { "b" : 2 , "a" : 1 } '),
        ('{"a":9,"a":1}', '{"a":1}'),
        ('{"a":[{"x":1,"y":2}]}', '{"a":[{"y":2,"x":1}]}'),
        ('"\\u0041\\/"', '"A/"'),
        ("1.0", "1e0"),
        ("0.1", "0.10000000000000000"),
        ("-0", "0"),
    ],
)
def test_equal_texts(one: str, other: str) -> None:
    """Spelling does not matter where the contract says so."""
    assert jsontext.identity(one) == jsontext.identity(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1", "true"),
        ("1.0", "true"),
        ("0", "false"),
        ("null", '"null"'),
        ('{"a":null}', "{}"),
        ("[1,2]", "[2,1]"),
        ("[]", "{}"),
        ('{"a":1}', '[["a",1]]'),
        ("0.0", "-0.0"),
        ("9007199254740993", "9007199254740992"),
        ("1" * 5_000, " " + "1" * 5_000),
        ("1e999", "1E999"),
    ],
)
def test_different_texts(one: str, other: str) -> None:
    """Types, order of elements and null make a difference, as do numbers without a form."""
    assert jsontext.identity(one) != jsontext.identity(other)


def test_a_text_without_a_form_equals_itself() -> None:
    """What cannot be made canonical is compared by its bytes."""
    assert jsontext.identity("1" * 5_000) == jsontext.identity("1" * 5_000)


def test_parts_keep_their_spelling() -> None:
    """Members and elements come out verbatim, repeated keys and all."""
    text = '{ "a" : [ 1.50 , {"x" :"]},"} ] ,"b":\t"\\u0041", "a":1e999}'
    assert jsontext.members(text) == [
        ("a", '[ 1.50 , {"x" :"]},"} ]'),
        ("b", '"\\u0041"'),
        ("a", "1e999"),
    ]
    assert jsontext.elements('[ 1.50 , {"x" :"]},"} ]') == ["1.50", '{"x" :"]},"}']
    assert jsontext.members("{ }") == []
    assert jsontext.elements("[ ]") == []
