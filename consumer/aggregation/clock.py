"""The clock of one input partition (DESIGN 2.3).

Time is what the records say: the largest timestamp seen, each bounded by the wall clock
plus a skew, never going back. A partition with nothing left to read would stand still and
its last reports hang, so there, and only there, the clock goes on at the speed of the wall
clock, keeping the `lag` behind it that it had at the last record. The lag is part of the
state: time goes on through restarts, and it never jumps to the present, so a replay of old
records expires nothing early.
"""

from __future__ import annotations


class PartitionClock:
    """Milliseconds since the epoch; 0 until a record with a timestamp came."""

    __slots__ = ("lag_ms", "now_ms")

    def __init__(self, now_ms: int = 0, lag_ms: int = 0) -> None:
        self.now_ms = now_ms
        self.lag_ms = lag_ms

    def read(self, timestamp_ms: int, bound_ms: int) -> bool:
        """Move to a record's timestamp, bounded by `bound_ms`; whether that moved it.

        Timestamps <= 0 (Kafka's -1 is "none") never do, since the clock is never below 0.
        """
        if timestamp_ms > bound_ms:  # noqa: PLR1730 - min() costs a call per record
            timestamp_ms = bound_ms
        if timestamp_ms <= self.now_ms:
            return False
        self.now_ms = timestamp_ms
        return True

    def settle(self, wall_ms: int) -> None:
        """Note the lag: `wall_ms` is the wall clock at the last record."""
        self.lag_ms = wall_ms - self.now_ms

    def idle_ms(self, wall_ms: int) -> int:
        """Where the clock stands at `wall_ms` if nothing is left to read."""
        return max(self.now_ms, wall_ms - self.lag_ms)
