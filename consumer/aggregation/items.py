"""The unique items of one array of a report (DESIGN 2.2, "Unique items").

Items are equal when their canonical encodings are. Making an encoding canonical costs more
than all else that happens to an item, and is hardly ever needed: equal items have equal
IMEIs, so an item with an IMEI not seen before is new, proven by one look-up. Only when two
items of one IMEI meet are canonical forms built, once for all items of the array, and kept.

The IMEIs are a list while they are few (a scan of ten strings is as fast as a dict and a
quarter of its size) and a dict from then on.
"""

from __future__ import annotations

from consumer.wire.canonical import canonical

FEW = 12
"""Up to here a scan of the list costs no more than hashing."""


class ItemSet:
    """Unique items, verbatim, in the order in which they came."""

    __slots__ = ("_canonical", "imeis", "items", "repeated")

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self.imeis: list[str | None] | dict[str | None, None] = []
        """Distinct IMEIs, in order; `None` stands for items without one."""
        self.repeated: dict[str, None] | None = None
        """IMEIs with more than one different item; `None` while there are none."""
        self._canonical: set[bytes] | None = None

    def __len__(self) -> int:
        return len(self.items)

    def add(self, raw: bytes, imei: str | None) -> bool:
        """Add an item unless an equal one is in; whether it was added."""
        if imei not in self.imeis:
            self._note(imei)
            if self._canonical is not None:
                self._canonical.add(canonical(raw))
        else:
            if self._canonical is None:
                self._canonical = {canonical(item) for item in self.items}
            form = canonical(raw)
            if form in self._canonical:
                return False
            self._canonical.add(form)
            if imei is not None:
                self.repeated = self.repeated or {}
                self.repeated[imei] = None
        self.items.append(raw)
        return True

    def devices(self) -> int:
        """Distinct IMEIs; items without one do not count."""
        return len(self.imeis) - (None in self.imeis)

    def _note(self, imei: str | None) -> None:
        if isinstance(self.imeis, dict):
            self.imeis[imei] = None
            return
        self.imeis.append(imei)
        if len(self.imeis) > FEW:
            self.imeis = dict.fromkeys(self.imeis)
