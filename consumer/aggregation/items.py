"""The unique items of one array of a report (DESIGN 2.2, "Unique items").

Items are equal when their canonical encodings are. Making an encoding canonical costs more
than all else that happens to an item, and is hardly ever needed: equal items have equal
IMEIs, so an item with an IMEI not seen before is new, proven by one look-up. Therefore the
set is a dict from IMEI to item while every IMEI has one item, which is the normal case.

A second, different item of an IMEI switches it to the general form, a dict from digest to
item. Usage is per day, so that is legal, just rarer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice

from msgspec import Struct

from consumer.wire.canonical import canonical, digest

FIRST_BYTES = 130
"""Memory of an IMEI and its first item, beside the characters of both."""
FURTHER_BYTES = 33
"""Memory of a further item of an IMEI, beside its own bytes."""
DIGEST_BYTES = 110
"""Memory of an item's place in the general form."""


class ItemSet(Struct, eq=False, gc=False):
    """Unique items, verbatim, in the order in which they came."""

    first: tuple[str, bytes] | None = None
    """IMEI and item while there is just one: a table for it would take more than all else."""
    several: dict[str | None, bytes] | None = None
    """Else distinct IMEIs in order, each with its first item; `None` stands for no IMEI."""
    repeated: dict[str, None] | None = None
    """IMEIs with more than one different item; `None` while there are none."""
    by_digest: dict[bytes, bytes] | None = None
    """All items in order, in the general form only."""

    @property
    def imeis(self) -> Mapping[str | None, bytes]:
        """Distinct IMEIs in order, each with its first item; a copy while there is one item."""
        if self.several is not None:
            return self.several
        return {} if self.first is None else dict([self.first])

    def spread(self) -> dict[str | None, bytes]:
        """The same, to be added to."""
        several = self.several
        if several is None:
            several = self.several = {} if self.first is None else dict([self.first])
            self.first = None
        return several

    def __len__(self) -> int:
        return len(self.values())

    def values(self) -> Collection[bytes]:
        """All items, to be looked at now."""
        if self.first is not None:
            return self.first[1:]
        return (self.imeis if self.by_digest is None else self.by_digest).values()

    @property
    def items(self) -> list[bytes]:
        """All items."""
        return self.since(0)

    def since(self, count: int) -> list[bytes]:
        """All items but the first `count`."""
        items = self.values()
        return list(islice(items, count, None)) if count else list(items)

    def add(self, raw: bytes, imei: str | None) -> int:
        """Add an item; the memory that it takes by our account, 0 where an equal one is in."""
        if imei is not None and self.first is None and self.several is None:
            self.first = (imei, raw)
            return len(raw) + FIRST_BYTES + len(imei)
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
        imeis = self.imeis
        return len(imeis) - (None in imeis)
