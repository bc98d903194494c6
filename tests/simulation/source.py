"""The group member that reads the callbacks topic: the pipeline's `Source`.

Its membership is kept up beside the program (`membership`). A poll serves what waits for the
program, then fetches. It waits its whole time unless a whole batch is there, as librdkafka
does, and what it returns was fetched after the last callback.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from confluent_kafka import KafkaError

from consumer.errors import Fault
from consumer.kafka import faults
from consumer.kafka.faults import Call
from consumer.kafka.records import Record
from consumer.kafka.source import Batch, Polled
from consumer.pipeline.ports import Listener
from tests.simulation.group import Metadata
from tests.simulation.log import Entry, Headers
from tests.simulation.membership import Membership
from tests.simulation.network import RefusedError

if TYPE_CHECKING:
    from tests.simulation.client import Client

LEAVE_S = 1.0


class BrokenError(Exception):
    """The client library fails where nobody expects it."""


class Message:
    """A consumed record, as far as dead letters want it."""

    __slots__ = ("_entry", "_source")

    def __init__(self, entry: Entry, source: Source) -> None:
        self._entry = entry
        self._source = source

    def key(self) -> bytes | None:
        """As received."""
        self._source.touch()
        return self._entry.key

    def value(self) -> bytes | None:
        """As received."""
        return self._entry.value

    def headers(self) -> Headers | None:
        """As received."""
        return self._entry.headers

    def timestamp(self) -> tuple[int, int]:
        """As set by its producer."""
        return 1, self._entry.timestamp_ms


class Source(Membership):
    """See `ports.Source`."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._listener: Listener | None = None
        self._positions: dict[int, int] = {}
        self._paused: set[int] = set()
        self._ends: dict[int, int] = {}
        self._broken: set[int] = set()
        """Partitions whose position is not there, as was said once; they stay so."""
        self._subscribed = False

    # As the pipeline sees it

    def subscribe(self, listener: Listener) -> None:
        """See `ports.Source`."""
        self._listener = listener

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        """See `ports.Source`."""
        self._process.check()
        if not self._subscribed:
            self._subscribed = True
            self._watch()
            self._join()
        self._rejoin()
        self._polled_s, self._polling = self._kafka.world.now, True
        if self._waiting(max_records):
            timeout_s = 0.0
        self._process.sleep(max(timeout_s, self._network.latency_s() / 4))
        while self._events:
            self._serve(*self._events.popleft())
        found = self._fetch(max_records)
        self._polling, self._polled_s = False, self._kafka.world.now
        return found

    def start(self, partition: int, offset: int) -> None:
        """See `ports.Source`."""
        if partition in self._owned:
            self._positions[partition] = offset
        self.resume(partition)
        self._ends.pop(partition, None)

    def pause(self, partition: int) -> None:
        """See `ports.Source`."""
        self._paused.add(partition)

    def resume(self, partition: int) -> None:
        """See `ports.Source`."""
        if partition in self._broken:
            raise faults.raised(faults.INTERNAL, f"{self._topic}[{partition}] is broken")
        self._paused.discard(partition)

    def rejoin(self) -> None:
        """See `ports.Source`."""
        self._process.check()
        if self._joining or self._events or not self._is_in_group:
            return  # a round is under way, which does as well
        self._rejoins = True
        if self._owned:
            self._events.append(("revoke", (set(self._owned), set())))

    def is_member(self) -> bool:
        """See `ports.Source`: not within `close`, whatever the group thinks."""
        return not self._closed and self._is_in_group

    def member_id(self) -> str:
        """See `ports.Source`."""
        return self._member if self.is_member() else ""

    def group_metadata(self) -> Metadata:
        """See `ports.Source`."""
        self._process.check()
        if not self.is_member():
            raise faults.raised(faults.NOT_A_MEMBER, f"topic {self._topic}")
        return Metadata(self._member, self._generation, self._client.instance)

    def close(self) -> None:
        """See `ports.Source`."""
        self._process.check()
        if self._closed:
            return
        self._closed = True
        member = self._member
        self._events.clear()
        try:
            if self._owned:
                self._serve("revoke", (set(self._owned), set()))
        finally:
            self._member, self._generation = "", -1
            if member and self._client.instance is None and self._process.alive:
                leave = lambda: self._group.leave(member)  # noqa: E731 - both ways need it
                with contextlib.suppress(RefusedError):
                    self._network.request("leaves", leave, LEAVE_S)
            self._kafka.world.after(self.session_s, lambda: self._group.expire(self))

    @property
    def _is_in_group(self) -> bool:
        return bool(self._member) and self._generation >= 1

    def touch(self) -> None:
        """A record is looked at."""
        if self._process.chance.random() < self._client.breaks:
            raise BrokenError("the client library failed")

    # What waits for the program

    def _serve(self, what: str, details: Any) -> None:
        """Tell the listener; in the order of librdkafka: revoke, assign, join again."""
        listener = self._listener
        if listener is None:
            raise RuntimeError("a rebalance before subscribe()")
        if what == "error":
            subject = f"topic {self._topic}"
            raise faults.fault(KafkaError(details), Call.CONSUME, subject)
        if what == "assign":
            gone: set[int] = set()
            new = details
        else:
            gone, new = details[0] & self._owned, details[1]
            tell = listener.on_revoked if what == "revoke" else listener.on_lost
            self._process.note(what, sorted(gone))
            try:
                self._tell(tell, gone)
            except Exception:
                self._let_go(gone)
                self._rejoin()
                raise
            self._let_go(gone)
        if (new or what == "assign") and not self._closed and self.is_member():
            self._owned |= new
            self._process.note("assign", sorted(new))
            self._tell(listener.on_assigned, new)
        self._rejoin()

    def _tell(self, tell: Callable[[Sequence[int]], None], numbers: set[int]) -> None:
        """Until it returns, the group waits as well: it is not joined anew."""
        self._serving = True
        try:
            tell(sorted(numbers))
        finally:
            self._serving = False

    def _rejoin(self) -> None:
        """Join again, if all that it waited for is served."""
        if self._rejoins and not self._events:
            self._rejoins = self._joining = False
            self._join()

    def _let_go(self, numbers: set[int]) -> None:
        self._owned -= numbers
        for number in numbers:
            self._positions.pop(number, None)
            self._ends.pop(number, None)
            self._paused.discard(number)
            self._broken.discard(number)

    # Records

    def _running(self) -> list[int]:
        silent = self._paused | self._broken
        return [number for number in sorted(self._positions) if number not in silent]

    def _waiting(self, most: int) -> bool:
        """Whether a whole batch, or something to serve, is there."""
        if self._events:
            return True
        found = 0
        for number in self._running():
            log = self._kafka.log((self._topic, number))
            found += max(log.stable - self._positions[number], 0)
        return found >= most

    def _fetch(self, most: int) -> Polled:
        if self._network.weather.lost > self._process.chance.random():
            return Polled((), {})
        batches: list[Batch] = []
        ends: dict[int, int] = {}
        for number in self._running():
            position = self._positions[number]
            log = self._kafka.log((self._topic, number))
            if position < log.start or position > log.end:
                self._broken.add(number)
                raise self._out_of_range(number, position)
            if most <= 0:
                break
            found, after = log.read(position, most)
            if found:
                batches.append(self._batch(number, found))
                most -= len(found)
                self._ends.pop(number, None)
            self._positions[number] = after
            is_new = after == log.stable and self._ends.get(number) != after
            if is_new and (not found or self._process.chance.random() < 0.5):
                self._ends[number] = ends[number] = after
        if batches:
            self._process.note(
                "reads", [(one.partition, one.offsets[0], one.offsets[-1]) for one in batches]
            )
        return Polled(batches, ends)

    def _batch(self, number: int, found: Sequence[tuple[int, Entry]]) -> Batch:
        offsets = [offset for offset, _ in found]
        entries = [entry for _, entry in found]
        return Batch(
            number,
            offsets,
            [entry.timestamp_ms for entry in entries],
            [entry.key for entry in entries],
            [entry.value for entry in entries],
            cast("list[Record]", [Message(entry, self) for entry in entries]),
        )

    def _out_of_range(self, number: int, position: int) -> Fault:
        subject = f"{self._topic}[{number}]@{position}"
        return faults.fault(KafkaError(KafkaError._AUTO_OFFSET_RESET), Call.CONSUME, subject)
