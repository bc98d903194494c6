"""All txids that one partition knows, and which of them is due next.

Timers are a heap of (deadline, opening, txid), and every known txid has one valid timer in
it: the one noted in its `timer_ms`. A part moves its txid's deadline on without touching the
heap. The timer then lies too early, which is found out when it comes up, and it is put back
with the true deadline: the hot path pays nothing for timers, and a txid costs the heap about
one push per `inactivity`. Where a deadline moves *nearer*, a second timer is pushed and the
old one, no longer the noted one, is dropped when it comes up, or when there are so many of
them that the heap is made anew. So a valid timer is never later than the truth, and the top
of the heap, once true, is the next in the order that DESIGN 2.3 asks for: by (deadline,
opening).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import chain

from consumer.aggregation.lifecycle import OPEN, REMEMBERED, UNKNOWN
from consumer.aggregation.policy import Policy
from consumer.aggregation.txid import Numbers, Txid

LEAST_SWEEP = 1_000
"""So many stale timers are never worth a sweep."""
GONE = -1
"""No timer is valid for a forgotten txid."""


class TxidTable:
    """Known txids by their name."""

    __slots__ = (
        "_policy",
        "body_count",
        "growing",
        "memory_bytes",
        "open_count",
        "settled",
        "timers",
    )

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.growing: dict[str, Txid] = {}
        """Open txids with no expectation and no device with several usage items: all that
        one more usage item of a new device does is to add to them."""
        self.settled: dict[str, Txid] = {}
        """All others."""
        self.timers: list[tuple[int, int, Txid]] = []
        self.open_count = 0
        self.body_count = 0
        """Remembered txids, that is with their items."""
        self.memory_bytes = 0
        """Sum of their memory, by its fixed formula."""

    def __len__(self) -> int:
        return len(self.growing) + len(self.settled)

    def __contains__(self, txid: str) -> bool:
        return txid in self.growing or txid in self.settled

    def get(self, txid: str) -> Txid | None:
        """A known txid."""
        return self.growing.get(txid) or self.settled.get(txid)

    def states(self) -> Iterator[Txid]:
        """All known txids."""
        return chain(self.growing.values(), self.settled.values())

    def open(self, txid: str, offset: int, now_ms: int) -> Txid:
        """A new txid, opened by the record at `offset`."""
        state = Txid(txid, offset, now_ms)
        self.growing[txid] = state
        self.open_count += 1
        self.memory_bytes += state.memory
        self._set_timer(state)
        return state

    def note(self, state: Txid) -> None:
        """`state` may be `growing` now, or not any more."""
        txid = state.txid
        grows = state.phase is OPEN and not state.expected and state.usage.by_digest is None
        if grows is not (txid in self.growing):
            source, target = self.settled, self.growing
            if not grows:
                source, target = target, source
            target[txid] = source.pop(txid)

    def emitted(self, state: Txid, closed_ms: int) -> None:
        """An open txid was emitted; its items stay for a revision."""
        state.remember(closed_ms)
        self.note(state)
        self.open_count -= 1
        self.body_count += 1
        if state.deadline_ms(self._policy) < state.timer_ms:
            self._set_timer(state)
            self._sweep()

    def reopen(self, state: Txid, now_ms: int, previous: Numbers) -> None:
        """A part came for a remembered txid."""
        state.reopen(now_ms, previous)
        self.open_count += 1
        self.body_count -= 1
        if state.deadline_ms(self._policy) < state.timer_ms:
            self._set_timer(state)
            self._sweep()

    def mark(self, state: Txid) -> None:
        """A remembered txid is known by its digests only, from now on."""
        memory = state.memory
        state.mark()
        self.memory_bytes += state.memory - memory
        self.body_count -= 1

    def forget(self, state: Txid) -> None:
        """Drop an emitted txid. A stale timer may hold on to it, but not to its items."""
        del self.settled[state.txid]
        state.timer_ms = GONE
        self.body_count -= state.phase is REMEMBERED
        state.phase = UNKNOWN
        state.drop_content()
        self.memory_bytes -= state.memory
        self._sweep()

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

    def has_timer(self, now_ms: int) -> bool:
        """Whether something may be due."""
        timers = self.timers
        return bool(timers) and timers[0][0] <= now_ms

    def next_timer_ms(self) -> int | None:
        """A time before which nothing is due (the earliest deadline, or sooner)."""
        return self.timers[0][0] if self.timers else None

    def next_closing_ms(self) -> int | None:
        """The earliest deadline of an open txid. Looks at every txid."""
        policy = self._policy
        known = self.states()
        return min((one.deadline_ms(policy) for one in known if one.phase is OPEN), default=None)

    def oldest_open_ms(self) -> int | None:
        """Since when the txid that is open longest is open. Looks at every txid."""
        opened = [state.since_ms for state in self.states() if state.phase is OPEN]
        return min(opened, default=None)

    def load(self, states: Iterable[Txid]) -> None:
        """Take over restored txids."""
        self.settled = {state.txid: state for state in states}
        known = list(self.settled.values())
        for state in known:
            if state.phase is REMEMBERED and not self._policy.revise:
                state.mark()  # it may have been otherwise when it was emitted
            self.note(state)
            state.timer_ms = state.deadline_ms(self._policy)
        self.open_count = sum(state.phase is OPEN for state in known)
        self.body_count = sum(state.phase is REMEMBERED for state in known)
        self.memory_bytes = sum(state.memory for state in known)
        self._make_timers()

    def _set_timer(self, state: Txid) -> None:
        state.timer_ms = state.deadline_ms(self._policy)
        heapq.heappush(self.timers, (state.timer_ms, state.first_offset, state))

    def _sweep(self) -> None:
        """Drop stale timers when there are many: all beyond one for each known txid."""
        known = len(self)
        if len(self.timers) > known + known // 4 + LEAST_SWEEP:
            self._make_timers()

    def _make_timers(self) -> None:
        self.timers = [(state.timer_ms, state.first_offset, state) for state in self.states()]
        heapq.heapify(self.timers)
