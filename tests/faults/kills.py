"""`kill -9` in the middle of a transaction, and the proof that it was.

A kill counts when, after the death of the victim, Kafka shows all of this: a transaction is
open on the state of a partition that the group's coordinator counts as the victim's, and
the input of the victim's partitions is not consumed to its end. And when afterwards, the
transaction has ended, in an abort. Else the victim is started again all the same, and
another try follows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import NamedTuple

from tests.faults.evidence import Evidence, Progress
from tests.harness.member import Member
from tests.harness.stage import Stage
from tests.waiting import until

_TRIES = 20
_OPEN_S = 5.0
_OWNERS_S = 60.0
_DEEPER_S = 0.005
"""At most so long after a transaction was seen open: in one phase or another of it."""


class Kill(NamedTuple):
    """A kill that counts."""

    victim: str
    at_s: float
    """Monotonic."""
    owned: tuple[int, ...]
    """Partitions of the victim, says the coordinator after its death."""
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


class Crew:
    """Members by name. One that was killed comes back under the same name."""

    def __init__(self, stage: Stage, size: int, settings: Mapping[str, str] | None = None) -> None:
        self._stage = stage
        self._settings = dict(settings or {})
        self.names = [f"member-{number}" for number in range(size)]
        self.members: dict[str, Member] = {}
        self.evidence = Evidence(stage)

    def start(self, name: str) -> Member:
        """Start one, for the first time or once more."""
        identity = {"app.instance": name, "kafka.client.id": name}
        self.members[name] = self._stage.member({**self._settings, **identity})
        return self.members[name]

    def start_all(self) -> None:
        """Start all, and wait until each one has partitions."""
        for name in self.names:
            self.start(name)
        self.await_owners()

    def await_owners(self) -> None:
        """Wait until each member has partitions."""
        until(
            lambda: all(self._working(name) for name in self.names),
            f"partitions for each of {self.names}",
            _OWNERS_S,
        )

    def kill(self, draw: random.Random) -> Kill:
        """Kill a random member in the middle of a transaction; it is back afterwards."""
        for number in range(_TRIES):
            kill = self._try(draw, number + 1)
            if kill is not None:
                return kill
        raise AssertionError(f"hit no transaction in {_TRIES} tries")

    def _try(self, draw: random.Random, number: int) -> Kill | None:
        until(lambda: any(map(self._working, self.names)), "a member at work", _OWNERS_S)
        victim = draw.choice([name for name in self.names if self._working(name)] or self.names)
        owned = self._working(victim)
        # None is open now: so one that will be, is none that somebody else left behind.
        if not owned or self.evidence.open_transactions(owned):
            return None
        begins = self.evidence.await_open(owned, _OPEN_S)
        if not begins:
            return None
        time.sleep(draw.uniform(0, _DEEPER_S))
        self.members[victim].kill()
        kill = self._judge(victim, begins, number)
        self.start(victim)
        if kill is None or not self.evidence.aborted(kill.begins):
            return None
        return kill

    def _judge(self, victim: str, begins: Mapping[int, int], number: int) -> Kill | None:
        """What the victim has left behind, if that is what a kill is to leave behind."""
        evidence = self.evidence
        now_s = time.monotonic()
        left = dict(evidence.open_transactions(begins).items() & begins.items())
        pending = evidence.is_offset_pending()
        owned = evidence.owned().get(victim, [])
        progress = evidence.progress(owned)
        kill = Kill(victim, now_s, tuple(owned), left, pending, progress, number)
        return kill if left and left.keys() <= set(owned) and kill.unread else None

    def _working(self, name: str) -> list[int]:
        """Partitions that a member has, says the coordinator, and that are restored."""
        member = self.members[name]
        assert member.exit_code is None, f"{name} has ended with {member.exit_code}"
        owned = self.evidence.owned().get(name, [])
        ready = {line["partition"] for line in member.seen("partition ready")}
        return owned if ready.issuperset(owned) else []
