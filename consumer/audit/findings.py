"""What an audit has found: differences, and what it could not look at and why.

Both are collected while reading goes on, by whoever meets them. A difference names its
subject, so that an operator knows where to look; what was not checked is only counted.
"""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from consumer.wire.timestamps import iso


class Difference(Struct, frozen=True):
    """One thing that is not as it must be."""

    subject: str
    """A txid, a window or a record, with its partition of the input."""
    problem: str


class Findings:
    """Collects what comes up."""

    def __init__(self) -> None:
        self.differences: list[Difference] = []
        self._skipped = Counter[tuple[str, str]]()

    def differ(self, subject: str, problem: str) -> None:
        """Something is not as it must be."""
        self.differences.append(Difference(subject, problem))

    def skip(self, what: str, why: str, count: int = 1) -> None:
        """Something (a plural) is neither proven nor disproven."""
        if count:
            self._skipped[what, why] += count

    def unchecked(self) -> list[str]:
        """What was skipped, in a line for each reason."""
        return [f"{count:,} {what}: {why}" for (what, why), count in self._skipped.items()]


def name_txid(txid: str, partition: int) -> str:
    """What a txid of a partition is called."""
    return f"txid {txid!r} of partition {partition}"


def name_window(start_ms: int, partition: int) -> str:
    """What a metrics window is called: as its record's key."""
    return f"window {iso(start_ms)}/{partition}"


def name_record(topic: str, partition: int, offset: int) -> str:
    """What a record is called."""
    return f"{topic}[{partition}]@{offset}"
