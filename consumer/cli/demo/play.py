"""The story that the demo plays, in its order, and the reading of what it left behind.

Two members share the callbacks. Half-way one of them is killed, at a moment when it has
partitions and open txids. Kafka gives it the session time-out to come back; then the other
one takes over, with the state that the dead one had committed. The dead one starts again
under the same name and gets its share back. When all has come out the members stop, and
the topics are read again from the beginning for the verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from consumer.cli.demo.account import of_metrics, of_requests
from consumer.cli.demo.member import Member
from consumer.cli.demo.outputs import Outputs
from consumer.cli.demo.scene import Event, Mood, Scene
from consumer.cli.demo.traffic import Traffic
from consumer.cli.demo.verdict import Kill, Verdict, judge
from consumer.cli.demo.watch import Watch
from consumer.daemon import client_options, topics_of
from consumer.errors import SessionReportsError
from consumer.settings.load import load
from consumer.simulator.plan import Plan
from consumer.telemetry.sentences import enumerated

STALLED_S = 60.0
"""A step of the story that nothing moves for so long has failed."""
SETTLED_S = 1.0
LAST_WORDS_S = 30.0
"""When nothing more has come out for so long, nothing will."""


class Show(Protocol):
    """Something that shows scenes."""

    def update(self, scene: Scene) -> None:
        """Show this one now."""


class Play:
    """One demo: `perform`, then `verdict` on what that has left in the topics."""

    def __init__(self, plan: Plan, overrides: Sequence[str], show: Show) -> None:
        """Play the requests of `plan` with the settings `overrides`, for `show` to see."""
        self._requests = list(plan.requests())
        self._show = show
        self._overrides = overrides
        self._settings = settings = load(None, overrides, {})
        self._options = client_options(settings)
        self._limit = settings.completion.device_limit
        self._sent = of_requests(self._requests, self._limit)
        self._traffic = Traffic(plan, settings.topics.callbacks, self._options)
        self._members: list[Member] = []
        self._events: list[Event] = []

    def perform(self) -> Kill:
        """Everything up to the orderly end of the members. Raises `SessionReportsError`."""
        topics_of(self._settings, self._options).create()
        with (
            Watch(self._settings, self._options) as self._watch,
            Member("member-1", self._overrides) as one,
            Member("member-2", self._overrides) as two,
        ):
            self._members = [one, two]
            self._tell(f"{one.name} and {two.name} start, each a process of its own")
            self._await(lambda: all(self._partitions(member) for member in (one, two)), "start")
            self._tell(f"{self._have(one)}, {self._have(two)}")
            with self._traffic:
                self._await(self._is_time_to_kill, "kill")
                victim, heir = sorted((one, two), key=self._open_count, reverse=True)
                kill = self._murder(victim)
                self._await(lambda: self._has_all(heir), f"take over by {heir.name}")
                victim.start()
                self._tell(
                    f"{heir.name} took over, with the state of {victim.name}, which starts again",
                    Mood.GOOD,
                )
                self._await(lambda: bool(self._partitions(victim)), f"return of {victim.name}")
                self._tell(f"{self._have(victim)}: it is back", Mood.GOOD)
                self._await(lambda: self._traffic.is_over, "send everything")
                self._tell(f"all {self._sent.records:,} records are sent; the last reports close")
                self._await_the_last()
            for member in self._members:
                member.stop()
                self._turn()
        return kill

    def verdict(self, kill: Kill) -> Verdict:
        """Read the topics from the beginning and judge. Raises `SessionReportsError`."""
        with Outputs(self._settings.topics, self._options) as outputs:
            seen = outputs.read_to_the_end()
        return judge(self._requests, self._limit, seen, kill)

    # The turns of the story

    def _is_time_to_kill(self) -> bool:
        """Half is sent, and a member has open txids."""
        if self._all_is_out():
            raise SessionReportsError(
                "all reports were out before a member could be killed with open ones: "
                "let there be more --requests"
            )
        half = self._traffic.sent * 2 >= (self._sent.records or 0)
        return half and any(map(self._open_count, self._members))

    def _murder(self, victim: Member) -> Kill:
        """Kill a member, and look what it has left once its last commit must be visible."""
        partitions = self._partitions(victim)
        at_s = self._watch.at_s
        victim.kill()
        while self._watch.at_s < at_s + SETTLED_S:
            self._turn()
        self._watch.look_closely()
        open_txids = self._watch.open_txids(partitions)
        held = f"{named(partitions)} and {len(open_txids):,} open txids"
        wait_s = int(self._settings.kafka.consumer["session.timeout.ms"]) / 1000
        self._events += [
            Event(at_s, f"kill -9 {victim.name}, with {held}", Mood.BAD),
            Event(
                at_s,
                f"Kafka waits {wait_s:g} s for it: its partitions stand still, their lag grows",
            ),
        ]
        return Kill(victim.name, partitions, frozenset(open_txids))

    def _await_the_last(self) -> None:
        """Until all is out, or nothing comes any more, which the verdict will tell."""
        if self._until(self._all_is_out, LAST_WORDS_S):
            self._tell("every report is out; the members stop", Mood.GOOD)
        else:
            self._tell(f"nothing came for {LAST_WORDS_S:g} s; the members stop", Mood.BAD)

    def _all_is_out(self) -> bool:
        """Whether the metrics windows account for everything that was sent."""
        return of_metrics(self._watch.ledger.metrics).agrees(self._sent)

    # What the members have

    def _partitions(self, member: Member) -> list[int]:
        return self._watch.group.standing.partitions_of(member.name)

    def _open_count(self, member: Member) -> int:
        return self._watch.open_count(self._partitions(member))

    def _has_all(self, member: Member) -> bool:
        return len(self._partitions(member)) == self._settings.topics.partitions

    def _have(self, member: Member) -> str:
        return f"{member.name} has {named(self._partitions(member))}"

    # Time

    def _await(self, condition: Callable[[], bool], step: str) -> None:
        if not self._until(condition, STALLED_S):
            raise SessionReportsError(f"nothing has moved for {STALLED_S:g} s; next was: {step}")

    def _until(self, condition: Callable[[], bool], patience_s: float) -> bool:
        """Look on until `condition` holds; False when nothing has moved for `patience_s`."""
        moved_s, progress = time.monotonic(), self._watch.progress()
        while not condition():
            self._turn()
            if progress != self._watch.progress():
                moved_s, progress = time.monotonic(), self._watch.progress()
            if time.monotonic() - moved_s > patience_s:
                return False
        return True

    def _turn(self) -> None:
        """Look once and show what there is."""
        for member in self._members:
            member.check()
        self._traffic.check()
        self._watch.look()
        total = self._sent.records or 0
        scene = self._watch.scene(self._members, self._events, self._traffic.sent, total)
        self._show.update(scene)

    def _tell(self, text: str, mood: Mood = Mood.NEUTRAL) -> None:
        self._events.append(Event(self._watch.at_s, text, mood))


def named(partitions: Sequence[int]) -> str:
    """As `partitions 0, 2 and 3`."""
    return enumerated(partitions, "partition", "partitions")
