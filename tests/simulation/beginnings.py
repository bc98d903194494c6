"""Whether a new history may begin: what the group had committed just before says it.

    an offset that names a state    goes on with that state, and with nothing else
    an offset that names none       an operator set it: one history begins, right there
    no offset                       one begins where `app.start_at` says

`latest` is the end of the input, for a group that had no offset in any partition when the member
began; `earliest` its beginning; with neither, its beginning too, but only while the state
partition is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tests.simulation import statelog
from tests.simulation.broker import Kafka
from tests.simulation.scenario import Setup

LIVES = 2
"""Of a writer: what the last but one has sent may still take effect."""


class At(NamedTuple):
    """A committed offset, and the history that it names, if any."""

    offset: int
    incarnation: str


class Life(NamedTuple):
    """What the group was, and where the input began and ended, when a pipeline began to live."""

    group_was_new: bool
    starts: dict[int, int]
    ends: dict[int, int]


class Beginnings:
    """Follows the committed offsets of one group, from what is told of them alone."""

    def __init__(self, kafka: Kafka, setup: Setup) -> None:
        self._kafka = kafka
        self._start_at = setup.start_at
        self._at: dict[int, At] = {}
        self._lives: dict[str, list[Life]] = {}

    def life_begins(self, writer: str) -> None:
        """A pipeline of this `transactional.id` is about to look around."""
        starts, ends = self._kafka.starts("callbacks"), self._kafka.ends("callbacks")
        lives = self._lives.setdefault(writer, [])
        lives.append(Life(not self._at, starts, ends))
        del lives[:-LIVES]

    def put(self, offsets: Mapping[int, tuple[int, str]]) -> None:
        """An operator did it, while no member was there."""
        self._lives.clear()
        for number, (offset, metadata) in offsets.items():
            incarnation = statelog.read_named(metadata).incarnation if metadata else ""
            self._at[number] = At(offset, incarnation)

    def gone(self, numbers: set[int]) -> None:
        """These offsets have expired, or were deleted, likewise."""
        self._lives.clear()
        for number in numbers:
            self._at.pop(number, None)

    def commit(self, found: Mapping[int, tuple[int, statelog.Named]]) -> list[str]:
        """Offsets, and the states that they name, of one transaction; what is wrong."""
        is_new = not self._at
        problems = [
            f"partition {number}, {named.incarnation} at offset {offset}: {problem}"
            for number, (offset, named) in found.items()
            if (problem := self._problem(number, offset, named, is_new=is_new)) is not None
        ]
        for number, (offset, named) in found.items():
            self._at[number] = At(offset, named.incarnation)
        return problems

    def _problem(
        self, number: int, offset: int, named: statelog.Named, *, is_new: bool
    ) -> str | None:
        before = self._at.get(number)
        if before is not None and before.incarnation == named.incarnation:
            return None
        if before is not None and before.incarnation:
            return f"the committed offset {before.offset} names {before.incarnation}"
        if named.sequence != 0:
            return f"it begins with commit {named.sequence}"
        if before is not None:
            is_there = offset == before.offset
            return None if is_there else f"an operator set it to {before.offset}"
        if any(self._may_begin(number, offset, life, is_new=is_new) for life in self._of(named)):
            return None
        return f"a group without that offset does not begin there (start_at {self._start_at})"

    def _of(self, named: statelog.Named) -> list[Life]:
        return self._lives.get(named.writer, [])

    def _may_begin(self, number: int, offset: int, life: Life, *, is_new: bool) -> bool:
        log, state = self._kafka.log(("callbacks", number)), self._kafka.log(("state", number))
        if self._start_at == "latest" and life.group_was_new:
            is_at_end = life.ends[number] <= offset <= log.end
            if is_new or is_at_end:  # else it may have looked when there was one already
                return is_at_end
        is_at_start = offset in log.starts and offset >= life.starts[number]
        return is_at_start and (self._start_at == "earliest" or state.start == state.end)
