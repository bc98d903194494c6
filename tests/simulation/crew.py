"""The members of a group in a scenario, and who looks after them.

A `Slot` is a place for a member: one process after the other with the same name, started again
by its supervisor however it ended. The operator works as operators must: all members down, the
group empty, then offsets are set, then all members up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from consumer.errors import Action, Fault
from consumer.kafka.transactions import Timeouts
from tests.simulation.broker import Kafka
from tests.simulation.checker import Checker
from tests.simulation.claims import Claims
from tests.simulation.client import Client, Settings
from tests.simulation.faults import KINDS
from tests.simulation.log import Entry, Span
from tests.simulation.member import Member
from tests.simulation.network import FINE, Weather
from tests.simulation.quiet import Quiet
from tests.simulation.scenario import Blow, Scenario
from tests.simulation.surroundings import policy_of
from tests.simulation.workload import FEED_S, Arrival

AGAIN_S = 1.0
"""Until a supervisor starts a process that ended by itself."""
STOPPED_S = 6.0
"""The same for one that was stopped, if nobody was quicker."""
STOPPING_S = 8.0
"""Until an operator kills what does not stop."""
LOOK_S = 0.5
OPEN_S = 0.3
"""For how long an aborted record holds the readers up."""
TIMEOUTS = Timeouts(init_s=4.0, flush_s=3.0, offsets_s=2.0, commit_s=3.0, abort_s=1.5)
"""As far apart as in earnest, but shorter, like all times here."""
AFTERMATH = frozenset({"fenced", "broker_unreachable", "commit_timeout"})
"""What a request that went astray long ago may still lead to."""
BY_OPERATOR = frozenset({"input_gone", "offsets_expired"})
"""Where someone must set offsets; all else may have passed."""
FENCED_TWICE = "fenced twice"
"""How `consumer.restarting` begins the only line of its own."""


class Slot:
    """A place for a member."""

    def __init__(self, crew: Crew, number: int) -> None:
        self.crew = crew
        self.name = f"m{number}"
        self.client: Client | None = None
        self.member: Member | None = None
        self.weather: Weather = FINE
        self.breaks = 0.0
        self.wall_offset_ms = 0
        self._runs = 0

    def start(self) -> None:
        """Start its process, if none is up and the operator does not mind."""
        if self.client is not None or self.crew.is_operating or self.crew.is_over:
            return
        self._runs += 1
        self.crew.disturbed_s = self.crew.world.now
        self.client = client = Client(
            self.crew.kafka,
            self.name,
            instance=self.name if self.crew.setup.static else None,
            settings=self.crew.settings,
            process=f"{self.name}.{self._runs}",
        )
        client.network.weather = self.weather
        client.breaks = self.breaks
        client.process.wall_offset_ms = self.wall_offset_ms
        client.process.note("starts")
        self.member = member = Member(client, self.crew)
        client.process.spawn(lambda: self._run(client, member))

    def _run(self, client: Client, member: Member) -> None:
        fault = member.live()
        client.process.note("exits", None if fault is None else str(fault))
        client.process.kill()
        if self.client is client:
            self.client = self.member = None
        if self.crew.quiet is not None and (fault is not None or not member.stopping):
            self.crew.quiet.exited(self.name, str(fault))
        if fault is None:
            self.crew.world.after(STOPPED_S, self.start)
        elif isinstance(fault, Fault) and fault.action is Action.GIVE_UP:
            self.crew.gave_up(self, fault.cause, str(fault))
        elif str(fault).startswith(FENCED_TWICE):
            self.crew.gave_up(self, FENCED_TWICE, str(fault))
        else:
            self.crew.world.after(AGAIN_S, self.start)

    def is_process(self, names: Iterable[str]) -> bool:
        """Whether its process is one of these."""
        return self.client is not None and self.client.process.name in names

    def stop(self) -> None:
        """Ask it to stop."""
        if self.member is not None:
            self.member.stopping = True

    def crash(self) -> None:
        """Kill its process."""
        if self.client is not None:
            self.client.crash()
            self.client = self.member = None

    def clear_up(self) -> None:
        """Its connection is good."""
        self.weather = FINE
        if self.client is not None:
            self.client.network.weather = FINE

    def spare(self) -> None:
        """Nothing befalls it when it has to give partitions up."""
        if self.client is not None:
            self.client.on_told = lambda: None

    def mend(self) -> None:
        """The client library works."""
        self.breaks = 0.0
        if self.client is not None:
            self.client.breaks = 0.0


class Crew:
    """All slots, and the Kafka that they live on."""

    def __init__(self, kafka: Kafka, scenario: Scenario, checker: Checker) -> None:
        self.kafka = kafka
        self.policy = policy_of(scenario.setup)
        self.quiet: Quiet | None = None
        """There once it is quiet."""
        self.disturbed_s = 0.0
        """When a fault or an operator last did something."""
        self.world = kafka.world
        self.scenario = scenario
        self.setup = setup = scenario.setup
        self.checker = checker
        self.settings = Settings(
            session_s=setup.session_s,
            max_poll_s=setup.max_poll_s,
            transaction_s=setup.transaction_s,
            timeouts=TIMEOUTS,
            latency_s=setup.latency_s,
        )
        self.group = kafka.group(self.settings.group, setup.partitions)
        self.group.shuffle = setup.shuffle
        self.slots = [Slot(self, number) for number in range(setup.members)]
        self.is_operating = self.is_over = False
        self._orders: list[Callable[[], None]] = []
        self._promised = 0
        self._histories = 0
        self._claims = Claims(kafka, self.group, setup.transaction_s)

    def begin(self) -> None:
        """Let it all begin, and schedule what will come."""
        for slot in self.slots:
            self.world.after(0.1 * self.world.chance.random(), slot.start)
        for number, arrival in enumerate(self.scenario.arrivals):
            if arrival.at_s <= FEED_S:
                self.world.after(arrival.at_s, self._arrival(number, arrival))
        for blow in self.scenario.blows:
            self.world.after(blow.at_s, partial(self._strike, blow))

    def feed_rest(self) -> None:
        """What was kept for the healthy end."""
        for number, arrival in enumerate(self.scenario.arrivals):
            if arrival.at_s > FEED_S:
                self._arrival(number, arrival)()

    def calm(self) -> None:
        """No more faults; what was stopped goes on."""
        self.kafka.coordinator.tears.clear()
        self.disturbed_s = self.world.now
        self.kafka.refusals.clear()
        self.slow_markers(0.0)
        for slot in self.slots:
            slot.clear_up()
            slot.mend()
            slot.spare()
            if slot.client is not None:
                slot.client.network.aims.clear()
                if slot.client.process.frozen:
                    slot.client.thaw()
            slot.start()

    def renew_fenced(self) -> bool:
        """Start those anew whom a late request has fenced, and who had no need to find out."""
        found = [
            slot
            for slot in self.slots
            if slot.client is not None
            and slot.client.producer is not None
            and slot.client.producer.is_fenced
        ]
        for slot in found:
            slot.crash()
            slot.start()
        return bool(found)

    def conclude(self) -> None:
        """All stop, in good order."""
        self.is_over = True
        for slot in self.slots:
            slot.stop()

    def name_history(self) -> str:
        """A new incarnation."""
        self._histories += 1
        return f"h{self._histories}"

    def _strike(self, blow: Blow) -> None:
        self.world.note(
            "fault",
            blow.kind,
            f"m{blow.member}",
            f"for {blow.for_s} s",
            blow.share,
            blow.amount,
            blow.where,
        )
        KINDS[blow.kind](self, self.slots[blow.member % len(self.slots)], blow)

    def _arrival(self, number: int, arrival: Arrival) -> Callable[[], None]:
        def arrive() -> None:
            log = self.kafka.log((self.settings.callbacks, arrival.partition))
            span = Span(-1 - number, log.end) if arrival.aborted else None
            entry = Entry(arrival.key, arrival.value, arrival.timestamp_ms, None, span)
            offset = log.append([entry])
            self.world.note("input", "arrives", arrival.partition, offset, arrival.value)
            if span is not None:
                log.open[span.pid] = span
                take_back = lambda: log.mark(span.pid, 0, committed=False)  # noqa: E731
                self.world.after(OPEN_S, take_back)

        return arrive

    def tore_down(self, name: str, fault: Fault) -> None:
        """A pipeline was given up."""
        what = f"{fault.cause}: {fault}"
        if self.quiet is not None:
            self.quiet.tore_down(name, fault.cause, what)
        elif self.is_over and fault.cause not in AFTERMATH:
            self.checker.violation(f"torn down in an orderly stop: {what}")

    def is_consumed(self) -> bool:
        """Whether everybody is up, each partition has an owner, and all is read and committed."""
        if not self.is_at_rest or self.group.state != "stable" or self.group.unassigned:
            return False
        for number, log in enumerate(self.kafka.topics[self.settings.callbacks]):
            at = self.group.offsets.get(number)
            if at is None or not at.metadata or log.read(at.offset, 1)[0]:
                return False
        return True

    # The broker's moods

    def rebalance(self) -> None:
        """Begin a round, if there is a group."""
        if self.group.state == "stable":
            self.group.rebalance("asked for")

    def slow_markers(self, most_s: float) -> None:
        """Let markers take up to so long; as usual with 0."""
        chance = self.world.chance
        self.kafka.coordinator.marker_delay_s = lambda: 0.001 + most_s * chance.random()

    def permit_deletes(self) -> None:
        """A reason to refuse DeleteRecords is gone."""
        self.kafka.forbidden -= 1

    def owner(self, number: int) -> Slot | None:
        """Who has a partition."""
        members = self.group.members.values()
        names = [one.client.name for one in members if number in one.assigned]
        return next((one for one in self.slots if one.is_process(names)), None)

    # The operator

    @property
    def is_at_rest(self) -> bool:
        """Whether no operator is at work, and all processes are up."""
        return not (self._orders or self._promised) and all(
            slot.client is not None for slot in self.slots
        )

    def operate(self, action: Callable[[], None]) -> None:
        """Do something that needs the group to be empty."""
        self._orders.append(action)
        if not self.is_operating:
            self.is_operating = True
            for slot in self.slots:
                if slot.client is not None and slot.client.process.frozen:
                    slot.crash()
                slot.stop()
            self.world.after(STOPPING_S, self._kill_all)
            self.world.after(LOOK_S, self._operate)

    def operate_later(self, delay_s: float, action: Callable[[], None]) -> None:
        """The same, in a while; until then there is no rest."""
        self._promised += 1

        def begin() -> None:
            self._promised -= 1
            self.operate(action)

        self.world.after(delay_s, begin)

    def _kill_all(self) -> None:
        if self.is_operating:
            for slot in self.slots:
                slot.crash()

    def _operate(self) -> None:
        is_up = any(slot.client is not None for slot in self.slots)
        if is_up or self.group.state != "empty" or self.group.pending:
            self.world.after(LOOK_S, self._operate)
            return
        self.disturbed_s = self.world.now
        for action in self._orders:
            action()
        self._orders.clear()
        self.is_operating = False
        for slot in self.slots:
            slot.start()

    def reset(self, partitions: Iterable[int]) -> None:
        """Set offsets to the beginning."""
        starts = self.kafka.starts(self.settings.callbacks)
        self._set({number: (starts[number], "") for number in partitions})

    def put_back(self, saved: Mapping[int, tuple[int, str]]) -> None:
        """Set offsets to what they were."""
        self._set(saved)
        self.permit_deletes()

    def expire(self) -> None:
        """The group's offsets are gone."""
        self.kafka.expire_offsets(self.group.name)
        self.checker.offsets_gone(set(range(self.group.partitions)))
        self.world.note("operator", "offsets expire")

    def forget(self, number: int) -> None:
        """An operator deletes the offset of one partition."""
        self.kafka.group(self.group.name).offsets.pop(number, None)
        self.checker.offsets_gone({number})
        self.world.note("operator", "deletes the offset of", number)

    def _set(self, offsets: Mapping[int, tuple[int, str]]) -> None:
        self.kafka.alter_offsets(self.group.name, offsets)
        self.checker.offsets_set(offsets)
        self.world.note("operator", "sets offsets", dict(offsets))

    def _mend(self) -> None:
        """Set the offsets that cannot be gone on from to the beginning."""
        starts = self.kafka.starts(self.settings.callbacks)
        offsets = self.group.offsets
        self.reset(
            number
            for number, start in starts.items()
            if number not in offsets or offsets[number].offset < start
        )

    def gave_up(self, slot: Slot, cause: str, text: str) -> None:
        """A process ended and said that a person must do something: do it, if that is so."""
        if not self._claims.is_true(slot.name, cause, text):
            self.checker.violation(f"{slot.name} gave up for no reason: {cause}: {text}")
        elif cause in BY_OPERATOR:
            self.operate(self._mend)
        else:
            self.world.after(AGAIN_S, slot.start)
