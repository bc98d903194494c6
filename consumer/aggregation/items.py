"""The unique items of one array of a report (DESIGN 2.2, "Unique items").

Items are equal when their canonical encodings are. Making an encoding canonical costs more
than all else that happens to an item, and is hardly ever needed: equal items have equal
IMEIs, so an item with an IMEI not seen before is new, proven by one look-up. Therefore the
set is a dict from IMEI to item while every IMEI has one item, which is the normal case.

A second, different spelling for an IMEI switches it to the general form: a list of items,
and the set of their canonical forms. Usage is per day, so that is legal, just rarer.
"""

from __future__ import annotations

from itertools import islice

from consumer.wire.canonical import canonical


class ItemSet:
    """Unique items, verbatim, in the order in which they came."""

    __slots__ = ("_canonical", "_items", "imeis", "repeated")

    def __init__(self) -> None:
        self.imeis: dict[str | None, bytes] = {}
        """Distinct IMEIs in order, each with its first item; `None` stands for no IMEI."""
        self.repeated: dict[str, None] | None = None
        """IMEIs with more than one different item; `None` while there are none."""
        self._items: list[bytes] | None = None
        self._canonical: set[bytes] | None = None
        """Both of the general form only."""

    def __len__(self) -> int:
        return len(self.imeis) if self._items is None else len(self._items)

    @property
    def items(self) -> list[bytes]:
        """All items; not to be changed."""
        return list(self.imeis.values()) if self._items is None else self._items

    def since(self, count: int) -> list[bytes]:
        """All items but the first `count`."""
        if self._items is None:
            return list(islice(self.imeis.values(), count, None))
        return self._items[count:]

    def add(self, raw: bytes, imei: str | None) -> bool:
        """Add an item unless an equal one is in; whether it was added."""
        known = len(self.imeis)
        first = self.imeis.setdefault(imei, raw)
        is_first = len(self.imeis) > known
        if self._items is None or self._canonical is None:
            if is_first:
                return True
            if first == raw:  # a redelivery, byte by byte
                return False
            self._items = list(self.imeis.values())
            self._canonical = {canonical(item) for item in self._items}
        form = canonical(raw)
        if form in self._canonical:
            return False
        self._canonical.add(form)
        self._items.append(raw)
        if imei is not None and not is_first:
            self.repeated = self.repeated or {}
            self.repeated[imei] = None
        return True

    def devices(self) -> int:
        """Distinct IMEIs; items without one do not count."""
        return len(self.imeis) - (None in self.imeis)
