"""The loop of one pipeline's life: poll, aggregate, commit, on one thread.

A turn polls one batch, applies it to its partitions, moves restores and idle clocks on, and
commits when `commit.interval` has passed or the transaction is full. While there is more to
read, it reads on until the commit is through; else it waits for it. Rebalances arrive from
within the poll, when nothing is half done: `on_revoked` commits what was read and lets go,
`on_lost` and everything that comes after the pipeline was marked dead only let go.

A life ends in one of two ways. `run` returns when it was asked to stop: all is committed
and the group left. Any `Fault` means that memory and Kafka may disagree: the owner calls
`abandon`, which drops everything in the one safe order (abort, producer, consumer: closing
the consumer first would run `on_revoked` and could commit a torn transaction), and starts a
new pipeline that restores from Kafka. There is no other recovery.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from msgspec import Struct

from consumer.background import Background
from consumer.errors import Action, Fault
from consumer.pipeline import checkpoint
from consumer.pipeline.checkpoint import OutputRecord
from consumer.pipeline.flight import Flight
from consumer.pipeline.garbage import Garbage
from consumer.pipeline.idleness import Idleness
from consumer.pipeline.keys import KeySample
from consumer.pipeline.leftovers import Leftovers
from consumer.pipeline.partition import Partition, Running
from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.ports import (
    Aside,
    Batch,
    Clock,
    Observer,
    Offsets,
    Source,
    StateReader,
    Transactions,
)
from consumer.pipeline.recovery import Recovery
from consumer.pipeline.reporting import Reporting
from consumer.wire import dead_letter

log = structlog.get_logger(__name__)


class Ports(Struct, frozen=True):
    """The world of one pipeline."""

    source: Source
    transactions: Transactions
    reader: StateReader
    offsets: Offsets
    clock: Clock
    observer: Observer
    new_incarnation: Callable[[], str]
    aside: Callable[[Callable[[], None]], Aside] = Background
    """Makes a call beside the loop."""


class Pipeline:
    """One life: from joining the group to leaving it or to a fault."""

    def __init__(self, policy: PipelinePolicy, ports: Ports) -> None:
        self._policy = policy
        self._source = ports.source
        self._transactions = ports.transactions
        self._reader = ports.reader
        self._offsets = ports.offsets
        self._clock = ports.clock
        self._observer = ports.observer
        self._aside = ports.aside
        self._partitions: dict[int, Partition] = {}
        self._running: dict[int, Running] = {}
        self._dead_letters: list[OutputRecord] = []
        self._flight: Flight | None = None
        self._departed_s = 0.0
        self._deleted_s = 0.0
        self._dead = False
        self._joined = False
        self._turns = 0
        self._recovery = Recovery(
            policy,
            ports.offsets,
            ports.reader,
            ports.transactions,
            ports.clock,
            ports.observer,
            new_incarnation=ports.new_incarnation,
            ready=self._ready,
        )
        self._idleness = Idleness(policy, ports.offsets, ports.clock)
        self._leftovers = Leftovers(policy, ports.offsets, ports.clock, ports.aside)
        self._reporting = Reporting(policy, ports.offsets, ports.clock, ports.observer)
        self._keys = KeySample(policy.callbacks, policy.input_partitions, ports.observer)
        self._garbage = Garbage(ports.clock.monotonic_s())

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Work until `should_stop`, then finish. Raises `Fault`: call `abandon` then."""
        self._transactions.init()
        self._recovery.look_at_group()
        self._source.subscribe(self)
        self._departed_s = self._clock.monotonic_s()
        while not should_stop():
            self.turn()
        self._commit()
        self._source.close()
        self._transactions.close()
        self._reader.close()
        self._offsets.close()

    def abandon(self) -> None:
        """Let go of everything after a fault. Never raises."""
        self._dead = True
        if self._flight is not None and self._flight.give_up():
            self._tell_of_commit(self._flight)
        try:
            self._transactions.abort()
        except Fault as fault:
            log.info("abort_failed", reason=str(fault))
        self._transactions.close()
        self._source.close()
        self._reader.close()
        self._offsets.close()
        self._partitions.clear()
        self._running.clear()
        self._recovery.forget()

    def turn(self) -> None:
        """Once around."""
        polled = self._source.poll(self._policy.batch_records, self._wait_s())
        if polled.batches:
            began_s = self._clock.monotonic_s()
            wall_ms = self._clock.wall_ms()
            for batch in polled.batches:
                self._take(batch, wall_ms, began_s)
            self._observer.processed(self._clock.monotonic_s() - began_s)
        else:
            self._garbage.step(self._clock.monotonic_s())
        for number, position in polled.ends.items():
            running = self._running.get(number)
            if running is not None:
                running.position = max(running.position, position)
        if self._recovery.busy:
            self._land(wait=True)  # what it asks can take longer than a transaction may
            self._recovery.step()
            self._start_unnamed()
        self._work_off()
        self._idleness.step(self._running, self._room)
        records = sum(len(batch.offsets) for batch in polled.batches)
        self._step_commit(behind=records >= self._policy.batch_records)
        self._reporting.step(self._partitions, self._running)
        if not self._joined and self._source.is_member():
            self._joined = True
            self._observer.joined()
            if not self._partitions:
                log.info("joined")
        if self._leftovers.are_mine(self._source.member_id):
            self._source.rejoin()
        self._observer.turned()

    # Rebalances, from within poll() and close()

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """Note them; restoring happens in the turns to come."""
        now_s = self._clock.monotonic_s()
        added = [Partition(number, now_s) for number in partitions]
        self._partitions.update((partition.number, partition) for partition in added)
        self._recovery.add(added)
        self._share_memory()
        self._observer.rebalanced("assigned", partitions)
        self._reporting.tell_readiness(self._partitions)
        self._observer.joined()
        if partitions:
            log.info("assigned", partitions=sorted(partitions))
            self._reporting.assigned()

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Commit what was read from them, unless this life is over, and let go."""
        if not self._dead:
            try:
                self._commit()
            except BaseException:
                self._dead = True
                raise
        self._let_go("revoked", partitions)
        if partitions:
            log.info("revoked", partitions=sorted(partitions))

    def on_lost(self, partitions: Sequence[int]) -> None:
        """They may be somebody else's already. What is pending of them must not be sent."""
        self._let_go("lost", partitions)
        if partitions:
            log.warning("lost", partitions=sorted(partitions))
        if not self._dead and partitions:
            self._dead = True
            named = ", ".join(map(str, sorted(partitions)))
            raise Fault(
                Action.TEAR_DOWN,
                "partition_lost",
                f"lost partitions {named}: this member was away for too long "
                "(kafka.consumer.session.timeout.ms, max.poll.interval.ms)",
            )

    def _let_go(self, event: str, partitions: Sequence[int]) -> None:
        self._recovery.drop(partitions)
        for number in partitions:
            self._partitions.pop(number, None)
            self._running.pop(number, None)
        self._share_memory()
        self._observer.rebalanced(event, partitions)

    def _ready(self, partition: Partition) -> None:
        """A partition has its state: from now on its records are delivered."""
        running = partition.running
        if running is None:  # pragma: no cover - ready means running
            return
        self._running[partition.number] = running
        self._share_memory()
        if not running.unnamed:
            self._source.start(partition.number, running.position)

    def _share_memory(self) -> None:
        """Each partition may use as much as any other, restored already or not."""
        for running in self._running.values():
            running.aggregator.share_bytes = self._policy.state_bytes // len(self._partitions)

    def _start_unnamed(self) -> None:
        """Commit where new histories begin, before anything is written in them.

        Else a crash in their first transaction would leave a state partition that is not
        empty and no offset that says why: as if the group's offsets had expired.
        """
        unnamed = [number for number, running in self._running.items() if running.unnamed]
        if unnamed:
            self._commit()
        for number in unnamed:
            self._source.start(number, self._running[number].position)

    # Work

    def _take(self, batch: Batch, wall_ms: int, now_s: float) -> None:
        running = self._running.get(batch.partition)
        if running is None:  # pragma: no cover - the source delivers started partitions only
            return
        running.last_record_s = now_s
        self._keys.look(batch)
        if running.at_end:  # time went on until now, whether anything was due or not
            running.at_end = False
            running.aggregator.advance(wall_ms, self._room(running))
        if running.backlog:
            running.backlog.append((batch, 0))
        else:
            self._apply(running, batch, 0, wall_ms)

    def _apply(self, running: Running, batch: Batch, start: int, wall_ms: int) -> None:
        """Apply a batch as far as this transaction has room for its reports."""
        delta = running.aggregator.delta
        index = running.aggregator.apply(batch, start, wall_ms, self._room(running))
        if delta.dead_letters:
            self._add_dead_letters(running, batch)
        if index > start:
            running.position = max(running.position, batch.offsets[index - 1] + 1)
        if index < len(batch.offsets):
            if not running.backlog:
                self._source.pause(batch.partition)
            running.backlog.appendleft((batch, index))

    def _work_off(self) -> None:
        """Go on with partitions that had more reports due than fitted in."""
        numbers = list(self._running)
        self._turns += 1
        first = self._turns % max(len(numbers), 1)
        for number in numbers[first:] + numbers[:first]:  # each may be the first to fill it
            running = self._running[number]
            while running.backlog and self._room(running) > len(running.aggregator.delta.reports):
                batch, index = running.backlog.popleft()
                self._apply(running, batch, index, self._clock.wall_ms())
                if not running.backlog:
                    self._source.resume(number)

    def _room(self, running: Running) -> int:
        """How many reports the delta of `running` may hold in this transaction."""
        own = len(running.aggregator.delta.reports)
        return self._policy.max_reports - self._pending_reports() + own

    def _add_dead_letters(self, running: Running, batch: Batch) -> None:
        """Turn rejected records into dead letters while their messages are at hand."""
        index_of = {offset: index for index, offset in enumerate(batch.offsets)}
        delta = running.aggregator.delta
        for rejected in delta.dead_letters:
            message = batch.messages[index_of[rejected.offset]]
            self._dead_letters.append(
                OutputRecord(
                    self._policy.dead_letters,
                    message.key(),
                    message.value(),
                    timestamp_ms=max(message.timestamp()[1], 0),
                    headers=dead_letter.headers(
                        message.headers(),
                        self._policy.callbacks,
                        batch.partition,
                        rejected.offset,
                        rejected.reason,
                        rejected.message,
                    ),
                )
            )
        delta.dead_letters.clear()

    # Commits

    def _step_commit(self, *, behind: bool) -> None:
        """Begin and end commits; `behind` tells that there is more to read meanwhile."""
        self._land(wait=self._is_full() or not behind)
        if self._flight is None and self._commit_is_due():
            self._depart()
            self._land(wait=not behind)

    def _is_full(self) -> bool:
        """Whether the transaction can take no more reports."""
        return self._pending_reports() >= self._policy.max_reports

    def _pending_reports(self) -> int:
        """Those that wait for the next commit, of all partitions."""
        return sum(len(running.aggregator.delta.reports) for running in self._running.values())

    def _commit_is_due(self) -> bool:
        since_s = self._clock.monotonic_s() - self._departed_s
        return since_s >= self._policy.commit_interval_s or self._is_full()

    def _commit(self) -> None:
        """Commit everything there is, here and now."""
        self._land(wait=True)
        self._depart()
        self._land(wait=True)

    def _depart(self) -> None:
        """Send what is pending on its way."""
        self._departed_s = self._clock.monotonic_s()
        gathered = checkpoint.gather(self._running, self._dead_letters, policy=self._policy)
        if gathered.partitions:
            self._dead_letters = []
            self._flight = Flight(gathered, self._transactions, self._source, self._aside)

    def _land(self, *, wait: bool) -> None:
        """Look whether the commit under way is through, or `wait` for it."""
        flight = self._flight
        if flight is None or not flight.landed(wait=wait):
            return
        self._flight = None
        self._tell_of_commit(flight)
        now_s = self._clock.monotonic_s()
        if now_s - self._deleted_s >= self._policy.delete_s:
            self._deleted_s = now_s
            self._delete_unneeded()

    def _tell_of_commit(self, flight: Flight) -> None:
        tallies = flight.checkpoint.tallies
        took_s = self._clock.monotonic_s() - self._departed_s
        self._observer.committed(tallies, took_s, self._clock.wall_ms())
        self._reporting.committed(tallies)

    def _delete_unneeded(self) -> None:
        """DeleteRecords up to starts that are committed: nobody reads before them again."""
        offsets = {
            number: running.deletable
            for number, running in self._running.items()
            if running.deletable > running.deleted
        }
        if offsets:
            self._offsets.delete_state_before(offsets)
            for number, offset in offsets.items():
                self._running[number].deleted = offset

    def _wait_s(self) -> float:
        """How long a poll may wait."""
        if self._recovery.busy or any(running.backlog for running in self._running.values()):
            return 0.0
        return self._policy.poll_s
