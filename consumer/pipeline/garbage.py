"""When Python's cycle collector runs: hardly ever, and never in the hot path.

Measured, the collector costs as much as everything else together: it is set off by
allocations, of which each record makes some, and walks over the whole state each time. The
pipeline makes no reference cycles, so reference counting frees all that it lets go. What
cycles there are come from libraries and from exceptions; they are collected when a poll
brought nothing, at most every `PERIOD_S`. What survives is then frozen (moved out of the
collector's sight), so that a collection costs as much as was made since the last one, and
not as much as there is state.
"""

from __future__ import annotations

import gc

PERIOD_S = 30.0


class Garbage:
    """Takes the collector over, for the whole process."""

    def __init__(self, now_s: float) -> None:
        self._collected_s = now_s
        gc.unfreeze()  # what a torn down pipeline left must not be frozen for good
        gc.collect()
        gc.freeze()
        gc.disable()

    def step(self, now_s: float) -> None:
        """Called while there is nothing to do."""
        if now_s - self._collected_s < PERIOD_S:
            return
        self._collected_s = now_s
        gc.collect()
        gc.freeze()
