"""A batch of input values, decoded in columns: what `callback.decode` says of each, for less.

Nearly every record is a callback with one usage item. Those need no object of their own, and
what can be asked of all values at once is asked once: whether they are text, and whether
their txids may hold control characters. What is unusual stands beside the columns, as `decode`
gives it.

Values are still read on their own, by one call each: joined, a broken one could be completed
by its neighbours. Only the items are decoded jointly, *after* that: each of them was read as
one complete JSON value by then, so a list of them falls apart into nothing but them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import chain
from typing import Final

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
    is_deep,
)


class Columns(Struct):
    """Parallel lists, one place for each value."""

    txids: list[str]
    """Of rejections anything."""
    raws: Sequence[bytes | None]
    """The item of a callback with one usage item; `None` for other records."""
    items: Sequence[UsageItem | None]
    """What that item says."""
    others: dict[int, Decoded]
    """The other records by their place."""

    def mismatches(self, keys: Sequence[bytes | None]) -> int:
        """How many of the first records have a key that is not their txid."""
        txids = self.txids[: len(keys)]
        if list(map(str.encode, txids)) == keys:
            return 0
        return sum(
            key != txid.encode() and not isinstance(self.others.get(place), Rejection)
            for place, (key, txid) in enumerate(zip(keys, txids, strict=True))
        )


class _Envelope(Struct, gc=False):
    """As `callback.Envelope`; an absent array is an empty one."""

    txid: Txid
    usage: tuple[Raw, ...] | None = ()
    errors: tuple[Raw, ...] | None = ()


_decode_envelope: Final = json.Decoder(_Envelope).decode
_decode_items: Final = json.Decoder(list[UsageItem]).decode


def decode_all(values: Sequence[bytes | None], largest_bytes: int) -> Columns:
    """What each of `values` is. Never raises, whatever the bytes.

    Those with more than `largest_bytes` stand beside the columns, whatever they are.
    """
    present = [value or b"" for value in values]
    envelopes = _envelopes(present, largest_bytes)
    unusual = [
        place
        for place, envelope in enumerate(envelopes)
        if envelope is None or envelope.errors or not envelope.usage or len(envelope.usage) != 1
    ]
    usual = envelopes
    if unusual:
        usual = [*envelopes]
        for place in reversed(unusual):
            del usual[place]
    raws: list[bytes | None] = [
        *map(bytes, chain.from_iterable([one.usage for one in usual if one and one.usage]))
    ]
    items = _items(raws)
    for place in unusual:
        raws.insert(place, None)
        items.insert(place, None)
    columns = Columns([one.txid if one else "" for one in envelopes], raws, items, {})
    for place, item in enumerate(items):
        if item is None:
            record = _other(present[place], envelopes[place])
            columns.others[place] = record
            raws[place] = None
            if not isinstance(record, Rejection):
                columns.txids[place] = record.txid
    return columns


def _envelopes(values: list[bytes], largest_bytes: int) -> list[_Envelope | None]:
    """The values as far as they may be usual."""
    if max(map(len, values), default=0) <= min(MAX_DEPTH, largest_bytes):
        text = b"\n".join(values)
        # Control characters can stand in a string only as an escape, or are DEL, or no ASCII.
        if text.isascii() and b"\\" not in text and b"\x7f" not in text:
            with contextlib.suppress(DecodeError, RecursionError):
                return [*map(_decode_envelope, values)]
    return [_envelope(value, largest_bytes) for value in values]


def _envelope(value: bytes, largest_bytes: int) -> _Envelope | None:
    """A value, unless it must be examined."""
    size = len(value)
    if size > largest_bytes or (size > MAX_DEPTH and is_deep(value)):
        return None
    try:
        if not value.isascii():
            value.decode()
        envelope = _decode_envelope(value)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return envelope if envelope.txid.isprintable() else None


def _items(raws: Sequence[bytes | None]) -> list[UsageItem | None]:
    """What each of them says; `None` for those that are no usage items."""
    found = [raw for raw in raws if raw is not None]
    with contextlib.suppress(DecodeError, RecursionError):
        items = _decode_items(b"[" + b",".join(found) + b"]")
        if len(items) == len(found):  # always, see above
            return [*items]
    return [_item(raw) for raw in found]


def _item(raw: bytes) -> UsageItem | None:
    try:
        return decode_usage_item(raw)
    except (DecodeError, RecursionError):
        return None


def _other(value: bytes, envelope: _Envelope | None) -> Decoded:
    """What `decode` says of a value, which is mostly clear from its envelope."""
    if envelope is not None and (envelope.usage or envelope.errors):
        usage = [bytes(raw) for raw in envelope.usage or ()]
        errors = [bytes(raw) for raw in envelope.errors or ()]
        with contextlib.suppress(DecodeError, RecursionError):
            return Callback(
                envelope.txid,
                [(raw, decode_usage_item(raw)) for raw in usage],
                [(raw, decode_error_item(raw)) for raw in errors],
            )
    return decode(value)
