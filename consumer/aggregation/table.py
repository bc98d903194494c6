"""All txids that one partition knows, and how many of them are in which phase."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from consumer.aggregation.items import ItemSet
from consumer.aggregation.lifecycle import OPEN, REMEMBERED, UNKNOWN
from consumer.aggregation.policy import Policy
from consumer.aggregation.timers import GONE, Timers
from consumer.aggregation.txid import Numbers, Txid


class TxidTable:
    """Known txids by their name."""

    __slots__ = (
        "_looked_into",
        "_looked_into_before",
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
        self.timers = Timers(policy)
        self._looked_into: dict[Txid, None] = {}
        self._looked_into_before: dict[Txid, None] = {}
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

    def open(
        self, txid: str, offset: int, now_ms: int, usage: ItemSet | None = None, size: int = 0
    ) -> Txid:
        """A new txid, opened by the record at `offset`; with `usage` of that size, if any."""
        self.growing[txid] = state = Txid(txid, offset, now_ms, usage)
        state.memory = memory = state.memory + size
        self.memory_bytes += memory
        self.open_count += 1
        self.timers.begin(state)
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
        memory = state.memory
        state.remember(closed_ms)
        self.memory_bytes += state.memory - memory
        self.note(state)
        self.open_count -= 1
        self.body_count += 1
        self.timers.hasten(state)
        self.timers.sweep(len(self), self.states)

    def reopen(self, state: Txid, now_ms: int, previous: Numbers) -> None:
        """A part came for a remembered txid."""
        memory = state.memory
        state.reopen(now_ms, previous)
        self.memory_bytes += state.memory - memory
        self.open_count += 1
        self.body_count -= 1
        self.timers.hasten(state)
        self.timers.sweep(len(self), self.states)

    def looked_into(self, state: Txid) -> None:
        """A duplicate was looked for among the items of a remembered txid, which are spread out."""
        self._looked_into[state] = None

    def rest(self) -> None:
        """A commit is due: pack what nobody has looked into since the last one.

        To spread and pack costs as much as there are items. Where a large request is answered
        anew, a duplicate comes for each of them: so not with each, nor with each commit.
        """
        for state in self._looked_into_before.keys() - self._looked_into.keys():
            if state.phase is REMEMBERED:
                state.rest()
        self._looked_into_before, self._looked_into = self._looked_into, {}

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
        self.timers.sweep(len(self), self.states)

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
        self.open_count = sum(state.phase is OPEN for state in known)
        self.body_count = sum(state.phase is REMEMBERED for state in known)
        self.memory_bytes = sum(state.memory for state in known)
        self.timers.load(known)
