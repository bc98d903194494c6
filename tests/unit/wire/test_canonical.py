"""Which spellings are one item, and which are not."""

from __future__ import annotations

import hashlib
import sys
from itertools import combinations

import pytest

from consumer.wire.canonical import canonical, digest

SAME = {
    "white space": (b'{"a":1,"b":[1,2]}', b' { "a" : 1 ,\r\n\t"b" : [ 1 , 2 ] } '),
    "order of keys": (b'{"a":1,"b":{"c":1,"d":2}}', b'{"b":{"d":2,"c":1},"a":1}'),
    "escapes": (b'{"a":"/\\n"}', b'{"\\u0061":"\\/\\u000A"}'),
    "surrogate pairs": ('{"a":"🚚"}'.encode(), b'{"a":"\\ud83d\\ude9a"}'),
    "the last of a repeated key": (b'{"a":2}', b'{"a":1,"a":2}'),
    "repeated in another spelling": (b'{"a":2}', b'{"a":[],"\\u0061":2}'),
    "zero has no sign": (b'{"a":0}', b'{"a":-0}'),
    "exponents": (b'{"a":100000.0}', b'{"a":1e5}'),
    "digits beyond a double": (b'{"a":1.1}', b'{"a":1.10000000000000000000000001}'),
}

DIFFERENT = [
    b"{}",
    b'{"a":null}',
    b'{"a":1}',
    b'{"a":1.0}',
    b'{"a":true}',
    b'{"a":"1"}',
    b'{"a":[1]}',
    b'{"a":{"1":1}}',
    b'{"a":0}',
    b'{"a":0.0}',
    b'{"a":-0.0}',
    b'{"a":false}',
    b'{"a":""}',
    b'{"a":[]}',
    b'{"a":{}}',
    b'{"A":1}',
    b'{"a":[1,2]}',
    b'{"a":[2,1]}',
    b'{"a":18446744073709551616}',
    b'{"a":18446744073709551617}',
    '{"a":"é"}'.encode(),
    '{"a":"e\u0301"}'.encode(),
    b'{"a":1e999}',
    b'{"a":1E999}',
    b'{"a":%b}' % (b"9" * 5000),
]


@pytest.mark.parametrize("spellings", SAME.values(), ids=SAME.keys())
def test_same(spellings: tuple[bytes, bytes]) -> None:
    """These are one item, so they have one canonical encoding, and one digest."""
    first, second = spellings
    assert canonical(second) == canonical(first) == first
    assert digest(b"u", second) == digest(b"u", first)


def test_different() -> None:
    """No two of these are one item."""
    for first, second in combinations(DIFFERENT, 2):
        assert canonical(first) != canonical(second)
        assert digest(b"u", first) != digest(b"u", second)


@pytest.mark.parametrize(
    "raw",
    [b'{"a":1,"b":"x"}', b'{ "a":1e999}', b'{"b":%b, "a":1}' % (b"9" * 5000)],
    ids=["canonical already", "out of range", "5,000 digits"],
)
def test_returns_the_same_object(raw: bytes) -> None:
    """What is canonical already, or cannot be made so, comes back itself: no second copy."""
    assert canonical(raw) is raw


def test_out_of_stack() -> None:
    """An item that the decoder finds too deep for the rest of the stack stands for itself."""
    raw = b'{"a": %b%b}' % (b"[" * 400, b"]" * 400)
    used, frame = 0, sys._getframe()
    while frame.f_back is not None:
        used, frame = used + 1, frame.f_back

    def go_down(levels: int) -> bytes:
        return go_down(levels - 1) if levels else canonical(raw)

    assert go_down(sys.getrecursionlimit() - used - 100) in {raw, raw.replace(b" ", b"")}


def test_digest() -> None:
    """A digest is 16 bytes over tag and canonical encoding, the same in every process."""
    expected = hashlib.blake2b(b'u{"a":1,"b":2}', digest_size=16).digest()
    assert digest(b"u", b'{"b":2, "a":1}') == expected
    assert digest(b"e", b'{"b":2, "a":1}') != expected
