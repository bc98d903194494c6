"""What one commit adds to the Prometheus counters, over all partitions of a member.

Counted here, published only once the transaction that holds the work is committed: a
counter never tells of work that was thrown away and done again.
"""

from __future__ import annotations

from msgspec import Struct, field


class Counts(Struct):
    """Records and items consumed, by kind: what a metrics window and the counters share."""

    callbacks: int = 0
    expectations: int = 0
    acknowledgements: int = 0
    dead_letters: int = 0
    usage: int = 0
    """Usage items merged: neither duplicate nor late."""
    errors: int = 0
    duplicates: int = 0
    late: int = 0

    def grow(self, callbacks: int) -> None:
        """Count callbacks with one usage item each, all merged."""
        self.callbacks += callbacks
        self.usage += callbacks

    def pour(self, *others: Struct) -> None:
        """Add it to others that have the same fields, and begin anew."""
        for name in Counts.__struct_fields__:
            if count := getattr(self, name):
                setattr(self, name, 0)
                for other in others:
                    setattr(other, name, getattr(other, name) + count)


class Tallies(Counts):
    """Sums since the last commit. Plain integers; keys of the dicts are closed enums."""

    reports: dict[tuple[str, str], int] = field(default_factory=dict)
    """By (outcome, completedBy)."""
    revisions: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    """Dead letters by reason."""
    key_mismatches: int = 0
    forgotten_early: int = 0
    completion_ms: list[int] = field(default_factory=list)
    """Opening to first emission, one entry per first emission."""

    @property
    def records(self) -> int:
        """Records consumed: each counts in exactly one kind."""
        return self.callbacks + self.expectations + self.acknowledgements + self.dead_letters

    def add(self, other: Tallies) -> None:
        """Add what another partition counted."""
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, dict):
                for key, count in theirs.items():
                    mine[key] = mine.get(key, 0) + count
            else:
                setattr(self, name, mine + theirs)
