"""The end of a calm, when there is nothing left that could be the cause of anything.

For `SINCE_S` no fault has struck, nobody was started or killed, and everything is consumed. From
then on no pipeline may be torn down, no process end by itself, no producer be fenced, and no
round of the group begin, save for the one member that is told to go and to come back, and for
what that entails: partitions that nobody has are dealt once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.crew import Crew

RACE_S = 4.0
"""Within this time a commit and its second try meet rounds of the group."""
SINCE_S = 20.0
"""More than what any fault leads to: transactions and sessions run out, pauses are over."""


class Quiet:
    """Judges from its making on; `moves` is the place of the one that goes and comes."""

    def __init__(self, crew: Crew, moves: str) -> None:
        self._crew = crew
        self._moves = moves
        self._began_s = crew.world.now
        self._rounds: list[float] = []
        self._has_cause: set[str] = set()
        """Who was torn down and had reason to: a commit fails when it meets two rounds."""
        crew.group.on_round = self._round

    def _round(self, why: str, who: str) -> None:
        name, group = who.partition(".")[0], self._crew.group
        self._rounds.append(self._crew.world.now)
        is_its = name in {self._moves, *self._has_cause} and why != "joins again"
        if not is_its and not group.unassigned:
            self._crew.checker.violation(f"a rebalance while all was well: {who} {why}")

    def tore_down(self, name: str, cause: str, what: str) -> None:
        """A pipeline was given up."""
        since_s = self._crew.world.now - RACE_S
        if cause == "rebalance_race" and sum(at_s >= since_s for at_s in self._rounds) >= 2:
            self._has_cause.add(name)
            return
        self._crew.checker.violation(f"torn down while all was well: {name}: {what}")

    def exited(self, name: str, what: str) -> None:
        """A process ended that nobody had asked to, or not in good order."""
        self._crew.checker.violation(f"{name} ended while all was well: {what}")

    def look_back(self) -> None:
        """Before all are told to stop: who was fenced, or ran out of time."""
        self._crew.group.on_round = lambda *_: None
        for slot in self._crew.slots:
            bumps = self._crew.kafka.coordinator.of(slot.name).bumps
            found = [why for at_s, why in bumps if at_s >= self._began_s]
            may_begin = slot.name in {self._moves, *self._has_cause}
            if found and not (may_begin and found == ["init"]):
                self._crew.checker.violation(f"{slot.name} was fenced while all was well: {found}")
