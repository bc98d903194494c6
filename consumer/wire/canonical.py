"""When two items are the same item: when their canonical encodings are equal bytes.

Canonical is: no white space, keys sorted, the last of a repeated key, one spelling per
string. Numbers keep their type: `1` and `1.0` are two values (and `true` a third), while
numbers with a fraction or an exponent are compared as the doubles they denote. `null` is
a value, so it is not the same as an absent key.

What the decoder cannot hold (an integer of 5,000 digits, `1e999`) has no canonical
encoding and stands for itself, byte by byte. It is valid JSON all the same and is kept.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

from msgspec import json

_decode: Final = json.Decoder[Any]().decode
_encode: Final = json.Encoder(order="sorted").encode

DIGEST_BYTES: Final = 16


def canonical(raw: bytes) -> bytes:
    """The canonical encoding of one item, or `raw` itself where that is the same or none.

    `raw` is an item as `callback.decode` gave it: valid JSON in valid UTF-8.
    """
    try:
        encoded = _encode(_decode(raw))
    except (ValueError, RecursionError):  # all that the decoder raises is a ValueError
        return raw
    return raw if encoded == raw else encoded


def digest(array_tag: bytes, raw: bytes) -> bytes:
    """16 bytes that stand for an item of one array (`array_tag` names which of the two).

    A keyless BLAKE2b, the same in every process, unlike `hash()`: it is kept in the state
    log. The tags in use must be of one length, so that no tag plus item equals another.
    """
    return blake2b(array_tag + canonical(raw), digest_size=DIGEST_BYTES).digest()
