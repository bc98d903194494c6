"""`kill -9` in the middle of a transaction, and the proof that it was.

A kill counts when, after the death of the victim, Kafka shows all of this: a transaction is
open on the state of a partition that the group's coordinator counts as the victim's (as the
victim did itself), and the input of the victim's partitions is not consumed to its end. And
when afterwards, the transaction has ended, in an abort. Else the victim is started again all
the same, and another try follows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tests.faults.crew import Crew
from tests.faults.evidence import Progress
from tests.oracle.record import Record
from tests.waiting import until

_TRIES = 20
_WORK_S = 60.0
_DEEPER_S = 0.005
"""At most so long after a transaction was seen open: in one phase or another of it."""


class Kill(NamedTuple):
    """A kill that counts."""

    victim: str
    at_s: float
    """Monotonic."""
    owned: tuple[int, ...]
    """Partitions of the victim, say its log and, after its death, the coordinator."""
    begins: Mapping[int, int]
    """State partitions with its transaction, and where that begins."""
    offsets_pending: bool
    """Whether the transaction held offsets already, so was about to be committed."""
    progress: Mapping[int, Progress]
    """Of the group in the victim's partitions."""
    tries: int

    @property
    def unread(self) -> int:
        """Records of the victim's partitions that were not committed."""
        return sum(at.end - at.committed for at in self.progress.values())


def half_read(kills: Iterable[Kill], inputs: Iterable[Record]) -> int:
    """Txids that were in memory, half, in the victims when they were killed."""
    first: dict[tuple[int, bytes | None], int] = {}
    last: dict[tuple[int, bytes | None], int] = {}
    for record in inputs:
        first.setdefault((record.partition, record.key), record.offset)
        last[record.partition, record.key] = record.offset
    return sum(
        first[partition, key] < kill.progress[partition].committed <= end
        for kill in kills
        for (partition, key), end in last.items()
        if partition in kill.progress
    )


def kill_one(crew: Crew, draw: random.Random, victims: Sequence[str] = ()) -> Kill:
    """Kill one of the victims (all members) in the middle of a transaction; it is back then."""
    for number in range(_TRIES):
        kill = _try(crew, draw, victims or crew.names, number + 1)
        if kill is not None:
            return kill
    raise AssertionError(f"hit no transaction in {_TRIES} tries")


def _try(crew: Crew, draw: random.Random, victims: Sequence[str], number: int) -> Kill | None:
    until(lambda: any(map(crew.held, victims)), "a member at work", _WORK_S)
    victim = draw.choice([name for name in victims if crew.held(name)] or victims)
    begins = crew.await_opening(victim)
    if not begins:
        return None
    time.sleep(draw.uniform(0, _DEEPER_S))
    crew.members[victim].kill()
    kill = _judge(crew, victim, begins, number)
    crew.start(victim)
    if kill is None or not crew.evidence.aborted(kill.begins):
        return None
    return kill


def _judge(crew: Crew, victim: str, begins: Mapping[int, int], number: int) -> Kill | None:
    """What the victim has left behind, if that is what a kill is to leave behind."""
    evidence = crew.evidence
    now_s = time.monotonic()
    left = dict(evidence.open_transactions(begins).items() & begins.items())
    pending = evidence.is_offset_pending()
    owned = sorted({*evidence.owned().get(victim, [])} & {*crew.held(victim)})
    progress = evidence.progress(owned)
    kill = Kill(victim, now_s, tuple(owned), left, pending, progress, number)
    return kill if left and left.keys() <= set(owned) and kill.unread else None
