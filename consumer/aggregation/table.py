"""All txids that one partition knows, and which of them is due next.

Timers are a heap of (deadline, opening, txid), and every known txid has one valid timer in
it: the one noted in its `timer_ms`. A part moves its txid's deadline on without touching the
heap. The timer then lies too early, which is found out when it comes up, and it is put back
with the true deadline: the hot path pays nothing for timers, and a txid costs the heap about
one push per `inactivity`. Where a deadline moves *nearer*, a second timer is pushed and the
old one, no longer the noted one, is dropped when it comes up. So a valid timer is never
later than the truth, and the top of the heap, once true, is the next in the order that
DESIGN 2.3 asks for: by (deadline, opening).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from consumer.aggregation.lifecycle import OPEN
from consumer.aggregation.policy import Policy
from consumer.aggregation.txid import Txid

OPEN_BYTES = 700
"""Memory of an open txid beside its content: object, table, timer, item lists."""
REMEMBERED_BYTES = 500
"""The same of a marker."""
GONE = -1
"""No timer is valid for a forgotten txid."""


class TxidTable:
    """Known txids by their name."""

    __slots__ = ("_policy", "by_txid", "content_bytes", "open_count", "timers")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.by_txid: dict[str, Txid] = {}
        self.timers: list[tuple[int, int, Txid]] = []
        self.open_count = 0
        self.content_bytes = 0
        """Sum of the sizes of all known txids."""

    def __len__(self) -> int:
        return len(self.by_txid)

    def open(self, txid: str, offset: int, now_ms: int) -> Txid:
        """A new txid, opened by the record at `offset`."""
        state = Txid(txid, offset, now_ms)
        self.by_txid[txid] = state
        self.open_count += 1
        self.content_bytes += state.size
        self._set_timer(state)
        return state

    def remember(self, state: Txid, closed_ms: int) -> None:
        """An open txid was emitted: from now on it is known by its digests only."""
        self.content_bytes -= state.size
        state.remember(closed_ms)
        self.content_bytes += state.size
        self.open_count -= 1
        if state.deadline_ms(self._policy) < state.timer_ms:
            self._set_timer(state)

    def forget(self, state: Txid) -> None:
        """Drop the remembered txid whose timer is due (the top of the heap)."""
        heapq.heappop(self.timers)
        state.timer_ms = GONE
        del self.by_txid[state.txid]
        self.content_bytes -= state.size

    def due(self, now_ms: int) -> Txid | None:
        """The next txid whose deadline has come, or `None`."""
        timers = self.timers
        while timers and timers[0][0] <= now_ms:
            noted_ms, order, state = timers[0]
            if noted_ms != state.timer_ms:
                heapq.heappop(timers)
                continue
            deadline_ms = state.deadline_ms(self._policy)
            if deadline_ms <= noted_ms:
                return state
            state.timer_ms = deadline_ms
            heapq.heapreplace(timers, (deadline_ms, order, state))
        return None

    def next_timer_ms(self) -> int | None:
        """A time before which nothing is due (the earliest deadline, or sooner)."""
        return self.timers[0][0] if self.timers else None

    def next_closing_ms(self) -> int | None:
        """The earliest deadline of an open txid. Looks at every txid."""
        policy = self._policy
        known = self.by_txid.values()
        return min((one.deadline_ms(policy) for one in known if one.phase is OPEN), default=None)

    def oldest_open_ms(self) -> int | None:
        """When the txid that is open longest was opened. Looks at every txid."""
        opened = [state.opened_ms for state in self.by_txid.values() if state.phase is OPEN]
        return min(opened, default=None)

    def state_bytes(self) -> int:
        """Memory in use, by a fixed formula over content."""
        remembered = len(self.by_txid) - self.open_count
        return self.content_bytes + self.open_count * OPEN_BYTES + remembered * REMEMBERED_BYTES

    def load(self, states: Iterable[Txid]) -> None:
        """Take over restored txids, with their timers."""
        self.by_txid = {state.txid: state for state in states}
        self.open_count = sum(state.phase is OPEN for state in self.by_txid.values())
        self.content_bytes = sum(state.size for state in self.by_txid.values())
        for state in self.by_txid.values():
            state.timer_ms = state.deadline_ms(self._policy)
        self.timers = [
            (state.timer_ms, state.first_offset, state) for state in self.by_txid.values()
        ]
        heapq.heapify(self.timers)

    def _set_timer(self, state: Txid) -> None:
        state.timer_ms = state.deadline_ms(self._policy)
        heapq.heappush(self.timers, (state.timer_ms, state.first_offset, state))
