"""Which txid is due next: one valid timer for each that is known.

A part moves its txid's deadline on without touching the timer. The timer then lies too early,
which is found out when it comes up, and it is put back with the true deadline: the hot path
pays nothing for timers. A valid timer is never later than the truth, so the first of them,
once true, is the next in the order that DESIGN 2.3 asks for: by (deadline, opening).

The first timer of a txid is its opening and the shortest time after which it could expire.
Those come in order, so they stand in a *line*, which takes nothing but the txid; most are never
looked at again until they are long out of date. All later ones are in a *heap* of (deadline,
opening, txid). Where a deadline moves *nearer*, a second timer is pushed and the old one, no
longer the noted one, is dropped when it comes up, or when there are so many of them that all
are made anew.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from operator import attrgetter

from consumer.aggregation.lifecycle import OPEN
from consumer.aggregation.policy import Policy
from consumer.aggregation.txid import Txid

LEAST_SWEEP = 1_000
"""So many stale timers are never worth a sweep."""

# What `Txid.timer_ms` says in place of a time of the heap:
GONE = -1
"""No timer is valid for a forgotten txid."""
IN_LINE = -2


class Timers:
    """Times are milliseconds of the partition's clock."""

    __slots__ = ("_first_ms", "_policy", "heap", "line")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._first_ms = min(policy.inactivity_ms, policy.max_age_ms)
        self.line: deque[Txid] = deque()
        self.heap: list[tuple[int, int, Txid]] = []

    def __len__(self) -> int:
        return len(self.line) + len(self.heap)

    def begin(self, state: Txid) -> None:
        """A txid was opened, later than all others: the clock never goes back."""
        state.timer_ms = IN_LINE
        self.line.append(state)

    def hasten(self, state: Txid) -> None:
        """Its deadline has changed, and may lie before its timer now."""
        deadline_ms = state.deadline_ms(self._policy)
        if deadline_ms < self._noted_ms(state):
            self._push(state, deadline_ms)

    def due(self, now_ms: int) -> Txid | None:
        """The next txid whose deadline has come, or `None`."""
        while (state := self._first()) is not None:
            noted_ms = self._noted_ms(state)
            if noted_ms > now_ms:
                break
            deadline_ms = state.deadline_ms(self._policy)
            if deadline_ms <= noted_ms:
                return state
            if state.timer_ms == IN_LINE:
                self.line.popleft()
            else:
                heapq.heappop(self.heap)
            self._push(state, deadline_ms)
        return None

    def next_ms(self) -> int | None:
        """A time before which nothing is due (the earliest deadline, or sooner)."""
        state = self._first()
        return None if state is None else self._noted_ms(state)

    def sweep(self, known: int, states: Callable[[], Iterable[Txid]]) -> None:
        """Drop stale timers when there are many: all beyond one for each of `known` txids."""
        if len(self) > known + known // 4 + LEAST_SWEEP:
            self._make(self.line, states())

    def load(self, states: Iterable[Txid]) -> None:
        """Restored txids have a timer each, and there are no others."""
        states = sorted(states, key=attrgetter("opened_ms", "first_offset"))
        for state in states:
            is_open = state.phase is OPEN
            state.timer_ms = IN_LINE if is_open else state.deadline_ms(self._policy)
        self._make(states, states)

    def _make(self, line: Iterable[Txid], states: Iterable[Txid]) -> None:
        self.line = deque(state for state in line if state.timer_ms == IN_LINE)
        self.heap = [
            (state.timer_ms, state.first_offset, state)
            for state in states
            if state.timer_ms != IN_LINE
        ]
        heapq.heapify(self.heap)

    def _first(self) -> Txid | None:
        """Whose valid timer is the first."""
        line, heap = self.line, self.heap
        while line and line[0].timer_ms != IN_LINE:
            line.popleft()
        while heap and heap[0][0] != heap[0][2].timer_ms:
            heapq.heappop(heap)
        if not line:
            return heap[0][2] if heap else None
        head = line[0]
        if heap and heap[0][:2] < (head.opened_ms + self._first_ms, head.first_offset):
            return heap[0][2]
        return head

    def _noted_ms(self, state: Txid) -> int:
        timer_ms = state.timer_ms
        return state.opened_ms + self._first_ms if timer_ms == IN_LINE else timer_ms

    def _push(self, state: Txid, deadline_ms: int) -> None:
        state.timer_ms = deadline_ms
        heapq.heappush(self.heap, (deadline_ms, state.first_offset, state))
