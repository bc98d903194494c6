"""A batch of input values, decoded in columns: what `callback.decode` says of each, for less.

Nearly every record is a callback with one usage item. Those need no object of their own, and
what can be asked of all values at once is asked once: whether they are text, and whether
their txids may hold control characters. What is unusual stands beside the columns as `decode`
gives it; and where something is wrong, no matter with which value, all of them do.

Values are still read on their own, by one call each: joined, a broken one could be completed
by its neighbours. Only the items are decoded jointly, *after* that: each of them was read as
one complete JSON value by then, so a list of them falls apart into nothing but them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

from msgspec import DecodeError, Raw, Struct, json

from consumer.wire.callback import MAX_DEPTH, Decoded, Rejection, Txid, UsageItem, decode, is_deep


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


class _UnusualError(Exception):
    """The values are to be looked at one by one."""


def decode_all(values: Sequence[bytes | None], largest_bytes: int) -> Columns:
    """What each of `values` is. Never raises, whatever the bytes.

    A batch with a value of more than `largest_bytes` is decoded value by value.
    """
    present = [value or b"" for value in values]
    try:
        return _decode_jointly(present, largest_bytes)
    except (DecodeError, UnicodeDecodeError, RecursionError, _UnusualError):
        return _decode_singly(present)


def _decode_jointly(values: list[bytes], largest_bytes: int) -> Columns:
    longest = max(map(len, values), default=0)
    if longest > largest_bytes or (longest > MAX_DEPTH and any(map(is_deep, values))):
        raise _UnusualError
    text = b"\n".join(values)  # a line end completes no character: sound where each value is
    # Control characters can stand in a string only as an escape, or are DEL, or no ASCII.
    is_plain = text.isascii() and b"\\" not in text and b"\x7f" not in text
    if not is_plain:
        text.decode()
    envelopes = list(map(_decode_envelope, values))
    txids = [envelope.txid for envelope in envelopes]
    if not is_plain and not "".join(txids).isprintable():
        raise _UnusualError
    unusual = [
        place
        for place, envelope in enumerate(envelopes)
        if envelope.errors or not envelope.usage or len(envelope.usage) != 1
    ]
    for place in reversed(unusual):
        del envelopes[place]
    arrays = [envelope.usage for envelope in envelopes if envelope.usage]
    found = list(map(bytes, chain.from_iterable(arrays)))
    raws: list[bytes | None] = [*found]
    items: list[UsageItem | None] = [*_decode_items(b"[" + b",".join(found) + b"]")]
    for place in unusual:
        raws.insert(place, None)
        items.insert(place, None)
    if not len(items) == len(raws) == len(txids):  # pragma: no cover - see above
        raise _UnusualError
    return Columns(txids, raws, items, {place: decode(values[place]) for place in unusual})


def _decode_singly(values: list[bytes]) -> Columns:
    records = list(map(decode, values))
    txids = ["" if isinstance(record, Rejection) else record.txid for record in records]
    nothing = [None] * len(values)
    return Columns(txids, nothing, nothing, dict(enumerate(records)))
