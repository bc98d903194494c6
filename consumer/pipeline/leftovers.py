"""Partitions that nobody took, because a static member was killed at the wrong moment.

With the classic protocol a static member that comes back within its session gets what the
group has noted for it, and nobody else hears of it. That may be less than it had: if it was
told to give partitions up, and was killed before it had joined again to say that it had,
nobody has them until the next rebalance, whenever that may be (seen on Kafka 4.3.1).

The metadata of a committed offset names its writer. So a member that wrote the last one of
a partition which it does not have, sees more to read there, and the offset standing still,
leaves the group for a moment: what has no owner is then handed out with all the rest. A new
owner that restores for long looks the same, so it is done at growing intervals.
"""

from __future__ import annotations

from collections.abc import Collection

import structlog

from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.ports import Clock, Committed, Offsets
from consumer.wire.state_entry import StateError, decode_named

log = structlog.get_logger(__name__)

LOOK_S = 5.0
STILL_S = 15.0
"""How long an offset has to stand still; twice as long after each time."""


class Leftovers:
    """Looks after partitions of this member that it did not get back."""

    def __init__(
        self, policy: PipelinePolicy, offsets: Offsets, clock: Clock, *, writer: str
    ) -> None:
        self._policy = policy
        self._offsets = offsets
        self._clock = clock
        self._writer = writer
        self._still_s = STILL_S
        self._looked_s = float("-inf")
        self._standing: dict[tuple[int, int], float] = {}
        """Since when, by partition and offset."""

    def are_found(self, own: Collection[int]) -> bool:
        """Whether to leave the group for a moment. Raises `Fault`."""
        now_s = self._clock.monotonic_s()
        others = [number for number in range(self._policy.input_partitions) if number not in own]
        if not self._policy.keeps_place or not others or now_s - self._looked_s < LOOK_S:
            return False
        self._looked_s = now_s
        self._standing = {at: self._standing.get(at, now_s) for at in self._left(others)}
        found = [at for at, since_s in self._standing.items() if now_s - since_s >= self._still_s]
        if not found:
            return False
        log.warning("left_over", partitions=sorted(number for number, _ in found))
        self._standing.clear()
        self._still_s *= 2
        return True

    def _left(self, numbers: Collection[int]) -> list[tuple[int, int]]:
        """Partition and offset of those that this member was the last to write to."""
        committed = self._offsets.committed(list(numbers), self._policy.request_s)
        if committed is None:  # somebody is at work there
            return []
        own = {number: at.offset for number, at in committed.items() if self._is_own(at)}
        ends = self._offsets.input_ends(list(own), self._policy.request_s) if own else None
        return [] if ends is None else [(n, at) for n, at in own.items() if ends[n] > at]

    def _is_own(self, committed: Committed) -> bool:
        try:
            named = decode_named(committed.metadata)
        except StateError:  # who gets the partition will say so
            return False
        return named is not None and named.writer == self._writer
