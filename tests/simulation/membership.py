"""A consumer's membership in the group, kept up by a thread of its own while the program is busy.

It hears the coordinator, joins, and beats its heart. What concerns the program waits, as
`_events`, for the next poll, and the group with it: nothing is joined anew before a revocation
was served.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError

from tests.simulation.network import RefusedError

if TYPE_CHECKING:
    from tests.simulation.client import Client

LEAST_S = 0.0005
RECONNECT_S = 0.25
JOIN_AGAIN_S = 2.0
MOST_SLOW = 10.0
WATCHES = 8
"""Looks at a session's life per session."""


class Membership:
    """See `group.Hearing`: how the coordinator reaches it."""

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
        self._member = ""
        self._generation = -1
        self._owned: set[int] = set()
        self._events: deque[tuple[str, Any]] = deque()
        self._rejoins = False
        """Whether to join once these are served."""
        self._serving = False
        """Whether the program is being told of one."""
        self._closed = self._joining = self._polling = False
        self._polled_s = self._seen_s = self._heard_s = 0.0
        self._join_serial = 0
        self._ghosts: dict[str, float] = {}

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
        network = self._network
        at_s = now_s + network.base_s + delay_s * min(network.weather.slow, MOST_SLOW)
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
            self._must_join()
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

    def _must_join(self) -> None:
        if self._joining:  # one join at a time; the next heartbeat says it again
            self._process.later(RECONNECT_S, self._must_join)
        elif self._group.awaits(self._member):
            self._join()

    def _assigned(self, generation: int, partitions: frozenset[int]) -> None:
        if generation != self._generation or self._joining:  # it asks anew already
            return
        gone, new = self._owned - partitions, set(partitions - self._owned)
        if gone:
            self._rejoins = True
            self._events.append(("revoke", (gone, new)))
            self._client.on_told()
        else:
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
        if self._events or self._serving:
            self._rejoins = True
            return
        if self._joining and not self._member:
            return
        self._joining = True
        member, claims = self._member, self.claims

        serial = self._join_serial = self._join_serial + 1

        def join() -> None:
            is_present = serial == self._join_serial  # else another one took its place
            if is_present and self._process.alive and not self._closed:
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
        now_s = self._kafka.world.now
        if self.responds():
            self._seen_s = now_s
            is_late = now_s - self._polled_s >= self.rebalance_s
            if is_late and not self._polling and self._member and not self._closed:
                self._exceeded()
            self._forget_ghosts(now_s)
        elif now_s - self._seen_s >= self.session_s:
            self._group.expire(self)
        is_over = self._closed or not self._process.alive
        if not (is_over and self._group.has_none_of(self)):
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
        self._rejoins = True
        if self._client.instance is None:
            self._network.send("leaves", lambda: self._group.leave(member), lambda _: None)
        else:
            self._kafka.world.after(self.session_s, lambda: self._group.expire_member(member))
