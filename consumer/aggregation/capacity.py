"""Who gives way when a partition's share of the memory is full (DESIGN 2.3.2).

First the items of remembered txids, the longest emitted first (their digests stay); then
those marks, likewise; then open txids, the earliest opened first, by being emitted. Nothing
is lost.

Nothing else needs these orders, so they are not kept up. When one is wanted, one look at
the whole table brings a share of the txids of that phase in line, the oldest; when the line
is used up, the next look is due. In between the line is kept true: what comes to the phase
and is older than its end (a reopened txid may be very old) gets in line. So the next one is
always the oldest of its phase, a matter of the state alone, whenever looks were made.

A line holds names, not txids: those may be forgotten before their turn comes.
"""

from __future__ import annotations

import heapq

from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED
from consumer.aggregation.table import TxidTable
from consumer.aggregation.txid import Txid

PHASES = (REMEMBERED, MARKED, OPEN)
"""In the order in which they give way."""

LEAST_LOOK = 1_000
SHARE = 16
"""A look brings in line so many, or one of so many: enough to make it cheap for each."""

Place = tuple[int, int, str]
"""Age in the phase (smaller is older), and the name."""


class Victims:
    """The order in which the txids of one table give way."""

    def __init__(self, table: TxidTable) -> None:
        self._table = table
        self._lines: dict[str, list[Place]] = {phase: [] for phase in PHASES}
        """Heaps of those that are next."""
        self._ends: dict[str, Place] = {}
        """Who is not in line stands behind this."""

    def next(self) -> Txid | None:
        """The one whose turn it is; it must have left its phase before the next call."""
        for phase in PHASES:
            if not self._count(phase):
                continue
            line = self._lines[phase]
            while True:
                while line:
                    place = heapq.heappop(line)
                    state = self._table.get(place[2])
                    if state is not None and state.phase is phase and _place(state) == place:
                        return state
                self._look(phase)
        return None

    def came(self, state: Txid) -> None:
        """`state` has come to its phase, not from the unknown."""
        line = self._lines[state.phase]
        if line and (place := _place(state)) < self._ends[state.phase]:
            heapq.heappush(line, place)

    def _look(self, phase: str) -> None:
        states = self._table.states()
        length = max(LEAST_LOOK, self._count(phase) // SHARE)
        oldest = heapq.nsmallest(length, (_place(one) for one in states if one.phase is phase))
        self._lines[phase] += oldest
        self._ends[phase] = oldest[-1]

    def _count(self, phase: str) -> int:
        table = self._table
        if phase is REMEMBERED:
            return table.body_count
        if phase is OPEN:
            return table.open_count
        return len(table) - table.body_count - table.open_count


def _place(state: Txid) -> Place:
    """By emission; while open, by opening."""
    return (0 if state.phase is OPEN else state.closed_ms, state.first_offset, state.txid)
