"""Who gives way when a partition's share of the memory is full (DESIGN 2.3.2).

First the items of remembered txids, the longest emitted first (their digests stay); then
those marks; then open txids, the earliest opened first, by being emitted. Nothing is lost.

Choosing needs an order that nothing else needs, so it is not kept up: it is made by one look
at the whole table when it is first wanted, and then worked off. What comes to the table
meanwhile would stand behind it anyway, so the next look is due when it is used up.
"""

from __future__ import annotations

from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED
from consumer.aggregation.table import TxidTable
from consumer.aggregation.txid import Txid

PHASES = (REMEMBERED, MARKED, OPEN)
"""In the order in which they give way."""


class Victims:
    """The order in which the txids of one table give way."""

    def __init__(self, table: TxidTable) -> None:
        self._table = table
        self._queues: dict[str, list[tuple[int, Txid]]] = {phase: [] for phase in PHASES}

    def next(self) -> Txid | None:
        """The one whose turn it is; it must have left its phase before the next call."""
        for phase in PHASES:
            if not self._count(phase):
                continue
            queue = self._queues[phase]
            while True:
                while queue:
                    closed_ms, state = queue.pop()
                    if (
                        state.phase is phase
                        and state.closed_ms == closed_ms
                        and _is_in(self._table, state)
                    ):
                        return state
                queue += [(state.closed_ms, state) for state in self._table.oldest(phase)]
        return None

    def _count(self, phase: str) -> int:
        table = self._table
        if phase is REMEMBERED:
            return table.body_count
        if phase is OPEN:
            return table.open_count
        return len(table) - table.body_count - table.open_count


def _is_in(table: TxidTable, state: Txid) -> bool:
    return table.by_txid.get(state.txid) is state
