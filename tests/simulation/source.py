"""The group member that reads the callbacks topic: the pipeline's `Source`.

Like librdkafka it has a thread of its own, which hears the coordinator, joins, and beats its
heart while the program is busy; what concerns the program waits for the next poll, and the
group with it: nothing is joined anew before a revocation was served. A poll waits its whole
time unless a whole batch is there, and what it returns was fetched after the last callback.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError

from consumer.errors import Fault
from consumer.kafka import faults
from consumer.kafka.faults import Call
from consumer.kafka.source import Batch, Polled
from consumer.pipeline.ports import Listener
from tests.simulation.group import Metadata
from tests.simulation.log import Entry, Headers
from tests.simulation.network import RefusedError

if TYPE_CHECKING:
    from tests.simulation.client import Client

LEAVE_S = 1.0
LEAST_S = 0.0005
RECONNECT_S = 0.25
JOIN_AGAIN_S = 2.0
MOST_SLOW = 10.0
WATCHES = 8
"""Looks at a session's life per session."""


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


class Source:
    """See `ports.Source`."""

    def __init__(self, client: Client) -> None:
        self.name = client.process.name
        settings = client.settings
        self.session_s, self.rebalance_s = settings.session_s, settings.max_poll_s
        self._client = client
        self._process = client.process
        self._network = client.network
        self._topic = settings.callbacks
        self._kafka = client.kafka
        self._group = client.kafka.group(settings.group, len(client.kafka.topics[self._topic]))
        self._listener: Listener | None = None
        self._member = ""
        self._generation = -1
        self._owned: set[int] = set()
        self._events: deque[tuple[str, Any]] = deque()
        """What waits for the next poll."""
        self._rejoins = False
        """Whether to join once these are served."""
        self._positions: dict[int, int] = {}
        self._paused: set[int] = set()
        self._ends: dict[int, int] = {}
        self._subscribed = self._closed = self._joining = False
        self._polled_s = self._seen_s = self._heard_s = 0.0
        self._join_serial = 0
        self._ghosts: dict[str, float] = {}
        self._polling = False

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
        self._paused.discard(partition)
        self._ends.pop(partition, None)

    def pause(self, partition: int) -> None:
        """See `ports.Source`."""
        self._paused.add(partition)

    def resume(self, partition: int) -> None:
        """See `ports.Source`."""
        self._paused.discard(partition)

    def is_member(self) -> bool:
        """See `ports.Source`."""
        return bool(self._member) and self._generation >= 1

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
        try:
            if self._owned:
                self._serve("revoke" if self.is_member() else "lost", (set(self._owned), set()))
        finally:
            member, self._member, self._generation = self._member, "", -1
            if member and self._client.instance is None and self._process.alive:
                leave = lambda: self._group.leave(member)  # noqa: E731 - both ways need it
                with contextlib.suppress(RefusedError):
                    self._network.request("leaves", leave, LEAVE_S)
            self._kafka.world.after(self.session_s, lambda: self._group.expire(self))

    def touch(self) -> None:
        """A record is looked at."""
        if self._process.chance.random() < self._client.breaks:
            raise BrokenError("the client library failed")

    # As the coordinator sees it

    @property
    def claims(self) -> frozenset[int]:
        """What it has."""
        return frozenset(self._owned)

    def responds(self) -> bool:
        """See `group.Hearing`."""
        process = self._process
        return process.alive and not process.frozen and not self._network.weather.is_cut

    def hear(self, what: str, delay_s: float, *details: Any) -> None:
        """See `group.Hearing`; the answers to a join come in order."""
        now_s = self._kafka.world.now
        at_s = now_s + delay_s * min(self._network.weather.slow, MOST_SLOW)
        if what in ("joined", "assigned"):
            self._heard_s = at_s = max(at_s, self._heard_s + LEAST_S)
        self._process.later(at_s - now_s, lambda: self._heard(what, *details))

    def _heard(self, what: str, *details: Any) -> None:
        if self._closed:
            return
        if self._network.weather.is_cut:
            self._process.later(RECONNECT_S, lambda: self._heard(what, *details))
            return
        self._process.note(f"hears: {what}", *details)
        if what == "rebalance":
            if self._group.awaits(self._member):
                self._join()
        elif what == "joined":
            self._member, self._generation = details
            self._joining = False
        elif what == "assigned":
            self._assigned(*details)
        elif what == "expelled":
            if self._member in ("", *details):
                self._expelled()
        elif what == "fenced":
            self._events.append(("error", KafkaError.FENCED_INSTANCE_ID))

    def _assigned(self, generation: int, partitions: frozenset[int]) -> None:
        if generation != self._generation:
            return
        gone, new = self._owned - partitions, set(partitions - self._owned)
        if gone:
            self._rejoins = True
            self._events.append(("revoke", (gone, new)))
        elif new:
            self._events.append(("assign", new))

    def _expelled(self) -> None:
        self._member, self._generation = "", -1
        self._joining = False
        self._events.clear()
        if self._owned:
            self._rejoins = True
            self._events.append(("lost", (set(self._owned), set())))
        else:
            self._join()

    def _join(self) -> None:
        """Join, or do so once the program has served what it was told."""
        if self._closed:
            return
        if self._events:
            self._rejoins = True
            return
        if self._joining and not self._member:
            return
        self._joining = True
        member, claims = self._member, self.claims

        serial = self._join_serial = self._join_serial + 1

        def join() -> None:
            if self._process.alive and not self._closed:
                self._group.join(member, self._client.instance, self, claims)

        def joined(answer: Any) -> None:
            self._joined(serial, answer)

        self._network.send("joins", join, joined)
        self._process.later(JOIN_AGAIN_S, lambda: self._join_again(serial))

    def _joined(self, serial: int, answer: Any) -> None:
        """The coordinator has the request; what comes of it will be heard."""
        if serial != self._join_serial or self._closed:
            return
        self._join_serial += 1
        if isinstance(answer, RefusedError):
            if answer.code == KafkaError.FENCED_INSTANCE_ID:
                self._events.append(("error", answer.code))
            elif self._member:
                self._expelled()

    def _join_again(self, serial: int) -> None:
        """Nothing came of it, not even an answer."""
        if serial == self._join_serial and not self._closed:
            self._joining = False
            self._join()

    def _watch(self) -> None:
        """Look after the session and `max.poll.interval.ms`, now and then."""
        if self._closed:
            return
        now_s = self._kafka.world.now
        if self.responds():
            self._seen_s = now_s
            is_late = now_s - self._polled_s >= self.rebalance_s
            if is_late and not self._polling and self._member:
                self._exceeded()
            self._forget_ghosts(now_s)
        elif now_s - self._seen_s >= self.session_s:
            self._group.expire(self)
            if not self._process.alive:
                return
        self._kafka.world.after(self.session_s / WATCHES, self._watch)

    def _forget_ghosts(self, now_s: float) -> None:
        """Members that the group made of a join whose answer was lost: no heart beats for them."""
        names = self._group.ghosts(self, self._member)
        self._ghosts = {name: self._ghosts.get(name, now_s) for name in names}
        for name, since_s in self._ghosts.items():
            if now_s - since_s >= self.session_s:
                self._group.expire_member(name)

    def _exceeded(self) -> None:
        """The program did not poll: leave the group, and tell it when it does."""
        member, self._member, self._generation = self._member, "", -1
        self._process.note("max.poll.interval exceeded")
        self._events.clear()
        if self._owned:
            self._events.append(("lost", (set(self._owned), set())))
        self._events.append(("error", KafkaError._MAX_POLL_EXCEEDED))
        if self._client.instance is None:
            self._network.send("leaves", lambda: self._group.leave(member), lambda _: None)
        else:
            self._kafka.world.after(self.session_s, lambda: self._group.expire_member(member))

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
            gone, new = details
            tell = listener.on_revoked if what == "revoke" else listener.on_lost
            self._process.note(what, sorted(gone))
            try:
                tell(sorted(gone))
            finally:
                self._let_go(gone)
        if new and not self._closed and self.is_member():
            self._owned |= new
            self._process.note("assign", sorted(new))
            listener.on_assigned(sorted(new))
        if self._rejoins and not self._events:
            self._rejoins = False
            self._joining = False
            self._join()

    def _let_go(self, numbers: set[int]) -> None:
        self._owned -= numbers
        for number in numbers:
            self._positions.pop(number, None)
            self._ends.pop(number, None)
            self._paused.discard(number)

    # Records

    def _running(self) -> list[int]:
        return [number for number in sorted(self._positions) if number not in self._paused]

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
                raise self._out_of_range(number, position)
            if most <= 0:
                break
            found, after = log.read(position, most)
            if found:
                batches.append(self._batch(number, found))
                most -= len(found)
                self._ends.pop(number, None)
            self._positions[number] = after
            if after == log.stable and self._ends.get(number) != after:
                if not found or self._process.chance.random() < 0.5:
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
            [Message(entry, self) for entry in entries],  # type: ignore[arg-type] # as far as asked
        )

    def _out_of_range(self, number: int, position: int) -> Fault:
        subject = f"{self._topic}[{number}]@{position}"
        return faults.fault(KafkaError(KafkaError._AUTO_OFFSET_RESET), Call.CONSUME, subject)
