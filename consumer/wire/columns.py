"""A batch of input values, decoded in columns: what `callback.decode` says of each, for less.

Nearly every record is a callback with one usage item. Those need no object of their own, and
what can be asked of all values at once is asked once: whether they are text, and whether
their txids may hold control characters. What is unusual stands beside the columns, as `decode`
gives it.

Values are still read on their own, by one call each: joined, a broken one could be completed
by its neighbours. Only what was read as one complete JSON value by then is joined, and falls
apart into nothing but that:

- The `usage` of all values, with zero bytes in between, which JSON holds nowhere. Where each
  of them is an array, one split gives what lies in between of their brackets.
- These insides, with commas in between, in one array. None of them is empty, so as many items
  as insides mean one item in each of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import accumulate, compress
from typing import Final, cast

from msgspec import DecodeError, Raw, Struct, json

from consumer.wire.callback import (
    MAX_DEPTH,
    Callback,
    Decoded,
    Rejection,
    Txid,
    UsageItem,
    decode,
    decode_error_item,
    decode_usage_item,
)

_LARGE_BYTES: Final = 2 * MAX_DEPTH
"""Values with more are left to `decode`. With less, brackets are too few to be nested too deep."""
_LOOK_EVERY: Final = 37
"""One of so many values is looked at to guess what the others are like."""


class Columns(Struct):
    """Parallel lists, one place for each value."""

    txids: list[str]
    """Empty for rejections."""
    raws: Sequence[bytes | None]
    """The item of a callback with one usage item; `None` for other records."""
    items: Sequence[UsageItem | None]
    """What that item says."""
    others: dict[int, Decoded]
    """The other records by their place."""

    def mismatches(self, keys: Sequence[bytes | None]) -> int:
        """How many of the first records have a key that is not their txid."""
        txids = self.txids[: len(keys)]
        # No txid holds a newline: all of those on the right separate. Where both sides are
        # equal, there are as many on the left, so that those separate, too, and keys hold none.
        with contextlib.suppress(TypeError):  # a record without a key
            if b"\n".join(cast("Sequence[bytes]", keys)) == "\n".join(txids).encode():
                return 0
        return sum(
            key != txid.encode() and not isinstance(self.others.get(place), Rejection)
            for place, (key, txid) in enumerate(zip(keys, txids, strict=True))
        )


_NO_ITEMS: Final = Raw(b"[]")


class _Envelope(Struct, gc=False):
    """As `callback.Envelope`, but `usage` may be anything; an absent one is an empty one."""

    txid: Txid
    usage: Raw = _NO_ITEMS
    errors: tuple[Raw, ...] | None = None


_decode_envelope: Final = json.Decoder(_Envelope).decode
_decode_items: Final = json.Decoder(list[UsageItem]).decode
_decode_arrays: Final = json.Decoder(list[list[Raw]]).decode

_UNKNOWN: Final = _Envelope("")
"""Of values that must be examined."""
_EXAMINED: Final = b'{"txid":"?"}'
"""In place of values that must be examined."""
_NO_ITEM: Final = b"{}"
"""In place of usage that goes into no column."""


def decode_all(values: Sequence[bytes | None], largest_bytes: int) -> Columns:
    """What each of `values` is. Never raises, whatever the bytes.

    Those with more than `largest_bytes` stand beside the columns, whatever they are.
    """
    if _is_crowded(values):
        return _aside([*map(decode, values)])
    envelopes = _envelopes(values, largest_bytes)
    insides = _insides([one.usage for one in envelopes])
    unusual = [*compress(range(len(insides)), [one.errors for one in envelopes])]
    for place in unusual:
        insides[place] = _NO_ITEM
    if not all(insides):
        unusual += [place for place, inside in enumerate(insides) if not inside]
        insides = [inside or _NO_ITEM for inside in insides]
    items = _items(insides)
    if not all(items):
        unusual += [place for place, item in enumerate(items) if not item]
    txids = [one.txid for one in envelopes]
    raws: list[bytes | None] = [*insides]
    others = {place: _other(values[place], envelopes[place]) for place in unusual}
    for place, record in others.items():
        raws[place] = items[place] = None
        txids[place] = _txid(record)
    return Columns(txids, raws, items, others)


def _is_crowded(values: Sequence[bytes | None]) -> bool:
    """Whether `decode` is the faster way, as a look at some says: many hold a lot."""
    looks = [value for value in values[::_LOOK_EVERY] if value]
    crowded = [len(value) > _LARGE_BYTES or value.count(b'"imei"') > 1 for value in looks]
    return 4 * sum(crowded) > len(looks)


def _aside(records: list[Decoded]) -> Columns:
    """All of them beside the columns."""
    nothing = [None] * len(records)
    return Columns([*map(_txid, records)], nothing, nothing, dict(enumerate(records)))


def _txid(record: Decoded) -> str:
    return "" if isinstance(record, Rejection) else record.txid


def _envelopes(given: Sequence[bytes | None], largest_bytes: int) -> list[_Envelope]:
    """Their envelopes; `_UNKNOWN` for those that have none, or one that needs a closer look."""
    values = cast("Sequence[bytes]", given)
    if not all(given):
        values = [value or _EXAMINED for value in given]
    most = min(_LARGE_BYTES, largest_bytes)
    if max(map(len, values), default=0) > most:
        values = [value if len(value) <= most else _EXAMINED for value in values]
    text = b"\n".join(values)
    is_ascii = text.isascii()
    if not is_ascii:
        values = [value if _is_utf8(value) else _EXAMINED for value in values]
    envelopes: list[_Envelope] = []
    read = map(_decode_envelope, values)
    while len(envelopes) < len(values):
        try:
            envelopes.extend(read)
        except (DecodeError, RecursionError):
            envelopes.append(_UNKNOWN)
    # Control characters can stand in a string only as an escape, or are DEL, or no ASCII.
    if is_ascii and b"\\" not in text and b"\x7f" not in text:
        return envelopes
    return [one if one.txid.isprintable() else _UNKNOWN for one in envelopes]


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _insides(arrays: list[Raw]) -> list[bytes]:
    """What lies in between of the brackets of each; nothing for what is no array."""
    joined = b"\0".join(arrays)
    insides = joined[1:-1].split(b"]\0[")
    if len(insides) != len(arrays) or not joined.startswith(b"["):
        insides = [one[1:-1] if one.startswith(b"[") else b"" for one in map(bytes, arrays)]
    return [*map(bytes.strip, insides)]


def _items(insides: list[bytes]) -> list[UsageItem | None]:
    """What each of them says; `None` for those that are not one usage item."""
    try:
        items = _decode_items(b"[" + b",".join(insides) + b"]")
        if len(items) == len(insides):
            return [*items]
        sizes = [*map(len, _decode_arrays(b"[[" + b"],[".join(insides) + b"]]"))]
    except (DecodeError, RecursionError):
        return [*map(_item, insides)]
    firsts = zip(sizes, accumulate(sizes, initial=0), strict=False)
    return [items[first] if size == 1 else None for size, first in firsts]


def _item(inside: bytes) -> UsageItem | None:
    try:
        return decode_usage_item(inside)
    except (DecodeError, RecursionError):
        return None


def _other(value: bytes | None, envelope: _Envelope) -> Decoded:
    """What `decode` says of a value, which is clear from its envelope if it only has errors."""
    if envelope.errors and envelope.usage == _NO_ITEMS:
        errors = []
        try:
            for each in envelope.errors:
                raw = bytes(each)
                errors.append((raw, decode_error_item(raw)))
        except (DecodeError, RecursionError):
            return decode(value)
        return Callback(envelope.txid, [], errors)
    return decode(value)
