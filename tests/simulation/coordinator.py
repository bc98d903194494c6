"""The transaction coordinator, as the old protocol has it (librdkafka knows no KIP-890).

A transactional id has one producer id and an epoch. Its transaction begins with the first
partition that is added to it, whoever sends that and however late, and is ended by a request,
by its time-out, or by the next producer of the id; the latter two fence the epoch. The answer
to the end of a transaction comes before its markers are written, each in its own time; until
they are all there, nothing can be added and no producer gets the id.

An end request names no transaction. One that arrives late ends whatever its epoch has open.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from confluent_kafka import KafkaError

from tests.simulation.log import Log
from tests.simulation.network import CONCURRENT, RefusedError
from tests.simulation.world import World

Place = tuple[str, int]
"""Topic and partition."""


class Transactional:
    """What is known of one transactional id."""

    def __init__(self, name: str, pid: int) -> None:
        self.name = name
        self.pid = pid
        self.epoch = -1
        self.timeout_s = 60.0
        self.status = "empty"
        """`empty`, `ongoing`, `ending`, or how the last one ended: `committed`, `aborted`."""
        self.places: list[Place] = []
        self.group: str | None = None
        """Whose offsets are part of it."""
        self.serial = 0
        self.fencings: dict[int, float] = {}
        """By epoch that was refused because there is a newer one: when it last was."""
        self.bumps: list[tuple[float, str]] = []
        """When and by what the epoch rose."""

    def refuse(self, epoch: int, now_s: float) -> None:
        """Tell a producer that it was fenced."""
        self.fencings[epoch] = now_s
        raise RefusedError(KafkaError.INVALID_PRODUCER_EPOCH)


class Coordinator:
    """All transactional ids."""

    def __init__(
        self,
        world: World,
        log: Callable[[Place], Log],
        end_offsets: Callable[[str, int, bool], None],
    ) -> None:
        """`end_offsets` ends the offsets of a group (its name, producer id, committed)."""
        self._world = world
        self._log = log
        self._end_offsets = end_offsets
        self._known: dict[str, Transactional] = {}
        self.marker_delay_s: Callable[[], float] = lambda: 0.001
        """How long a marker takes to be written."""
        self.epoch_of_offsets: dict[int, int] = {}
        """Per producer id, what markers have fenced in the offsets topic."""
        self.tears: dict[str, Callable[[Place], None]] = {}
        """By id: told which partition of the state lacks the marker of its next commit."""
        self.spoiled = ""
        """Where a record that came too late was committed with a later transaction."""

    def of(self, name: str) -> Transactional:
        """The id's, made if need be."""
        if name not in self._known:
            self._known[name] = Transactional(name, 1000 + len(self._known))
        return self._known[name]

    def find(self, pid: int) -> Transactional:
        """The id of a producer id."""
        return next(one for one in self._known.values() if one.pid == pid)

    def init(self, name: str, timeout_s: float) -> tuple[int, int]:
        """`InitProducerId`: producer id and epoch; fences and aborts the predecessor."""
        one = self.of(name)
        if one.status == "ongoing":
            one.epoch += 1
            self._end(one, committed=False)
        if one.status == "ending":
            raise RefusedError(CONCURRENT)
        one.epoch += 1
        one.bumps.append((self._world.now, "init"))
        one.timeout_s = timeout_s
        one.status = "empty"
        return one.pid, one.epoch

    def add(self, name: str, epoch: int, place: Place) -> None:
        """`AddPartitionsToTxn`."""
        one = self._begun(name, epoch)
        if place not in one.places:
            one.places.append(place)

    def add_offsets(self, name: str, epoch: int, group: str) -> None:
        """`AddOffsetsToTxn`."""
        self._begun(name, epoch).group = group

    def end(self, name: str, epoch: int, *, committed: bool) -> None:
        """`EndTxn`, of whatever is open."""
        one = self._checked(name, epoch)
        if one.status == "ending":
            raise RefusedError(CONCURRENT)
        if one.status != "ongoing":
            if one.status == ("committed" if committed else "aborted"):
                return
            raise RefusedError(KafkaError.INVALID_TXN_STATE)
        self._end(one, committed=committed)

    def holds(self, pid: int, epoch: int, place: Place | None) -> bool:
        """Whether a place (or, `None`, the group's offsets) is part of what is open."""
        one = self.find(pid)
        if one.status != "ongoing" or one.epoch != epoch:
            return False
        return one.group is not None if place is None else place in one.places

    def _checked(self, name: str, epoch: int) -> Transactional:
        one = self.of(name)
        if epoch != one.epoch:
            one.refuse(epoch, self._world.now)
        return one

    def _begun(self, name: str, epoch: int) -> Transactional:
        """The transaction that something is added to, begun by this if it is the first."""
        one = self._checked(name, epoch)
        if one.status == "ending":
            raise RefusedError(CONCURRENT)
        if one.status != "ongoing":
            one.status = "ongoing"
            one.serial += 1
            serial = one.serial
            self._world.after(one.timeout_s, lambda: self._expire(one, serial))
        return one

    def _expire(self, one: Transactional, serial: int) -> None:
        if one.status == "ongoing" and one.serial == serial:
            self._world.note("broker", "transaction timed out", one.name)
            one.epoch += 1
            one.bumps.append((self._world.now, "time-out"))
            self._end(one, committed=False)

    def _end(self, one: Transactional, *, committed: bool) -> None:
        """Write markers, each when its time has come."""
        one.status = "ending"
        places, group = one.places, one.group
        one.places, one.group = [], None
        left = len(places) + (group is not None)
        epoch = one.epoch

        def written() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                one.status = "committed" if committed else "aborted"

        torn = self._torn(one.name, places) if committed else None

        def mark(place: Place) -> None:
            if place == torn:
                written()
                return
            log = self._log(place)
            span = log.open.get(one.pid)
            if committed and span is not None and span.is_orphan:
                self.spoiled = f"{place}: a record from before is part of a commit of {one.name}"
            log.mark(one.pid, epoch, committed=committed)
            self._world.note("broker", "commits" if committed else "aborts", one.name, *place)
            written()

        def mark_offsets(group: str) -> None:
            self.epoch_of_offsets[one.pid] = epoch
            self._end_offsets(group, one.pid, committed)
            written()

        for place in places:
            self._world.after(self.marker_delay_s(), partial(mark, place))
        if group is not None:
            self._world.after(self.marker_delay_s(), partial(mark_offsets, group))

    def _torn(self, name: str, places: list[Place]) -> Place | None:
        """A partition that is to lose the marker of this commit, if there is one."""
        state = next((place for place in places if place[0] == "state"), None)
        if name not in self.tears or state is None:
            return None
        self.tears.pop(name)(state)
        return state
