"""The unique items of one array of a report (DESIGN 2.2, "Unique items").

Items are equal when their canonical encodings are. Making an encoding canonical costs more
than all else that happens to an item, and is hardly ever needed: equal items have equal
IMEIs, so an item with an IMEI not seen before is new, proven by one look-up. Therefore the
set is a dict from IMEI to item while every IMEI has one item, which is the normal case.

A second, different item of an IMEI switches it to the general form, a dict from digest to
item. Usage is per day, so that is legal, just rarer.

Either form is there only while the set grows. At rest it is *packed*: the items as they stand
in the report and in the state log, joined by commas. That takes less than half of the memory,
and one string where there were dozens of objects. A set with one item is always packed, since
most that are open in great numbers have no other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct, json

from consumer.wire.callback import split_items
from consumer.wire.canonical import canonical, digest

FIRST_BYTES = 120
"""Memory of an IMEI and its first item, beside the characters of both."""
FURTHER_BYTES = 33
"""Memory of a further item of an IMEI, beside its own bytes."""
DIGEST_BYTES = 110
"""Memory of an item's place in the general form."""


class _Item(Struct, gc=False):
    """An item of either array."""

    imei: str | None = None


_decode_item: Final = json.Decoder(_Item).decode
_decode_items: Final = json.Decoder(list[_Item]).decode


def spread_bytes(packed: bytes, imeis: Sequence[str]) -> int:
    """Memory of items of as many different devices by our account, were they spread out."""
    each = FIRST_BYTES - 1  # without its comma
    return len(packed) + 1 + each * len(imeis) + sum(map(len, imeis))


NOBODY: Final[Mapping[str | None, bytes]] = {}
"""Those of an empty set. To look at it does not spread it: its first item is packed."""


class ItemSet(Struct, eq=False, gc=False):
    """Unique items, verbatim, in the order in which they came."""

    packed: bytes = b""
    """Items joined by commas; empty while they are spread out."""
    count: int = 0
    """How many are packed."""
    devices_packed: int = 0
    """How many distinct IMEIs are among them."""
    several: dict[str | None, bytes] | None = None
    """Spread out: distinct IMEIs in order, each with its first item; `None` stands for no IMEI."""
    repeated: dict[str, None] | None = None
    """IMEIs with more than one different item; `None` while there are none."""
    by_digest: dict[bytes, bytes] | None = None
    """All items in order, in the general form only."""

    @property
    def imeis(self) -> Mapping[str | None, bytes]:
        """Distinct IMEIs in order, each with its first item."""
        if self.several is not None:
            return self.several
        return self.spread() if self.count else NOBODY

    def spread(self) -> dict[str | None, bytes]:
        """The same, to be added to."""
        several = self.several
        if several is None:
            packed, count = self.packed, self.count
            several = self.several = {}
            self.packed, self.count, self.devices_packed = b"", 0, 0
            if count == 1:
                several[_decode_item(packed).imei] = packed
            elif count:
                items = _decode_items(b"[" + packed + b"]")
                for raw, item in zip(split_items(packed), items, strict=True):
                    self.add(raw, item.imei)
        return several

    def pack(self) -> bytes:
        """The items as they stand in a report, and from now on here: nothing more is to come."""
        if self.several is not None:
            self.count, self.devices_packed = len(self), self.devices()
            self.packed = self.joined()
            self.several = self.repeated = self.by_digest = None
        return self.packed

    def __len__(self) -> int:
        if self.several is None:
            return self.count
        return len(self.several if self.by_digest is None else self.by_digest)

    def values(self) -> Collection[bytes]:
        """All items, to be looked at now."""
        if self.several is not None:
            return (self.several if self.by_digest is None else self.by_digest).values()
        if self.count == 1:
            return (self.packed,)
        return split_items(self.packed)

    @property
    def items(self) -> list[bytes]:
        """All items."""
        return self.since(0)

    def since(self, count: int) -> list[bytes]:
        """All items but the first `count`."""
        items = self.values()
        return list(islice(items, count, None)) if count else list(items)

    def joined(self, count: int = 0, size: int = 0) -> bytes:
        """All items but the first `count`, joined by commas. Those may be known to take `size`."""
        if self.several is None and (size or not count):
            return self.packed[size + 1 :] if count else self.packed
        return b",".join(islice(self.values(), count, None))

    def add(self, raw: bytes, imei: str | None) -> int:
        """Add an item; the memory that it takes by our account, 0 where an equal one is in."""
        if self.several is None and not self.count:
            self.packed, self.count, self.devices_packed = raw, 1, int(imei is not None)
            return len(raw) + FIRST_BYTES + (len(imei) if imei else 0)
        imeis, by_digest = self.spread(), self.by_digest
        if imei not in imeis:
            imeis[imei] = raw
            taken = len(raw) + FIRST_BYTES + (len(imei) if imei else 0)
            if by_digest is not None:
                by_digest[digest(b"", raw)] = raw
                taken += DIGEST_BYTES
            return taken
        taken = len(raw) + FURTHER_BYTES + DIGEST_BYTES
        if by_digest is None:
            first = imeis[imei]
            if first == raw or canonical(first) == canonical(raw):
                return 0
            by_digest = self.by_digest = {digest(b"", item): item for item in imeis.values()}
            taken += DIGEST_BYTES * len(imeis)
        known = len(by_digest)
        by_digest.setdefault(digest(b"", raw), raw)
        if len(by_digest) == known:
            return 0
        if imei is not None:
            self.repeated = self.repeated or {}
            self.repeated[imei] = None
        return taken

    def devices(self) -> int:
        """Distinct IMEIs; items without one do not count."""
        if self.several is None:
            return self.devices_packed
        return len(self.several) - (None in self.several)

    def spread_bytes(self) -> int:
        """Memory of all items by our account, spread out: the sum of what `add` said."""
        if self.several is None and self.count == 1:
            return spread_bytes(self.packed, [_decode_item(self.packed).imei or ""])
        imeis = self.imeis
        size = FIRST_BYTES * len(imeis) + sum(len(imei) for imei in imeis if imei)
        if self.by_digest is None:
            return size + sum(map(len, imeis.values()))
        size += FURTHER_BYTES * (len(self.by_digest) - len(imeis))
        return size + sum(map(len, self.by_digest.values())) + DIGEST_BYTES * len(self.by_digest)

    def packed_bytes(self) -> int:
        """The same, packed, which they are from now on."""
        return len(self.pack())
