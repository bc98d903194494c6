"""What an aggregator is fed with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Records(Protocol):
    """Consecutive records of the partition, as parallel sequences."""

    @property
    def offsets(self) -> Sequence[int]:
        """Rising."""

    @property
    def timestamps(self) -> Sequence[int]:
        """Milliseconds; -1 for none."""

    @property
    def keys(self) -> Sequence[bytes | None]:
        """As received."""

    @property
    def values(self) -> Sequence[bytes | None]:
        """As received."""
