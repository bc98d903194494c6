"""From an assignment to a running partition (DESIGN 2.7, "Restore", "No or odd offsets").

`step` is called once per turn of the loop and does a bounded piece of work, so that the
group goes on being polled and partitions restored already go on working. First the
committed offsets are asked for, of all waiting partitions at once. What comes back decides:

    no offset               cold start where `app.start_at` says, a new incarnation
    offset, no metadata     an operator set it: from there, a new incarnation
    offset with metadata    the state that it names is restored, then from there

A question or a read that is blocked means that a dead member's transaction hangs: see
`freeing`.

A member that was away for long (stopped, swapped out) in the middle of this may come back to
a state log that its new owner has begun, or written on and cleaned up, and to an input whose
records were read and deleted, before the group tells it that the partition is gone. So what
would end the process counts only while the committed offset is still the one that was gone by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from consumer.errors import Action, Fault
from consumer.pipeline.freeing import Freeing
from consumer.pipeline.partition import Event, Partition, Running
from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.ports import (
    Clock,
    Committed,
    Hanging,
    Observer,
    Offsets,
    StateReader,
    Transactions,
)
from consumer.pipeline.restore import Restore
from consumer.pipeline.start import Beginning, begin
from consumer.wire.state_entry import Named, StateError, decode_named

log = structlog.get_logger(__name__)

READ_RECORDS = 1_000
ASK_BLOCKED_S = 0.1
"""How long a question about a blocked partition may hold up the loop, at first ..."""
BETWEEN_ASKS = 5
"""... and how many times as long lies between two."""
LOOKS_GONE = frozenset({"state_damaged", "input_gone", "offsets_expired"})
"""What may only look so to a member that was away."""
PROGRESS_S = 5.0
"""Between two lines about a restore in progress."""


class Recovery:
    """Brings assigned partitions to run; `ready` is told of each."""

    def __init__(
        self,
        policy: PipelinePolicy,
        offsets: Offsets,
        reader: StateReader,
        transactions: Transactions,
        clock: Clock,
        observer: Observer,
        *,
        new_incarnation: Callable[[], str],
        ready: Callable[[Partition], None],
    ) -> None:
        self._policy = policy
        self._offsets = offsets
        self._reader = reader
        self._clock = clock
        self._observer = observer
        self._new_incarnation = new_incarnation
        self._ready = ready
        self._freeing = Freeing(policy, offsets, transactions, clock)
        self._waiting: dict[int, Partition] = {}
        self._restoring: dict[int, Partition] = {}
        self._positions: dict[int, int] = {}
        self._progress_s = 0.0
        self._told_s = 0.0
        self._group_is_new = False
        self._blocked: dict[int, bool] = {}
        """Partitions whose committed offset a pending transaction may hold back, and whether
        that is sure: they were asked about alone."""
        self._asked_s = float("-inf")
        self._ask_s = ASK_BLOCKED_S

    @property
    def busy(self) -> bool:
        """Whether any partition is on its way."""
        return bool(self._waiting or self._restoring)

    def look_at_group(self) -> None:
        """Before joining: `latest` holds only for a group that never committed anything.

        Asked for once, early: members that start together must all get the same answer.
        """
        if self._policy.start_at == "latest":
            self._group_is_new = not self._offsets.group_has_offsets(self._policy.request_s)

    def add(self, partitions: Iterable[Partition]) -> None:
        """Partitions that were assigned."""
        self._waiting.update((partition.number, partition) for partition in partitions)

    def drop(self, numbers: Iterable[int]) -> None:
        """Partitions that went before they were ready (others are ignored)."""
        for number in numbers:
            self._waiting.pop(number, None)
            self._blocked.pop(number, None)
            if self._restoring.pop(number, None) is not None:
                self._reader.stop(number)

    def forget(self) -> None:
        """Drop everything; what was half restored is large."""
        self._waiting.clear()
        self._restoring.clear()

    def step(self) -> None:
        """A bounded piece of work. Raises `Fault`."""
        try:
            if self._waiting:
                self._resolve()
            if self._restoring:
                self._read()
            stalled = self._restoring if self._stalled_s() > self._policy.request_s else ()
            self._freeing.step([*self._blocked, *stalled], self._is_torn)
        except Fault as fault:
            if fault.cause in LOOKS_GONE and self._is_overtaken():
                raise Fault(
                    Action.TEAR_DOWN,
                    "partition_lost",
                    "another member went on with partitions that this one was restoring: "
                    "it was away for too long (kafka.consumer.session.timeout.ms)",
                ) from None
            raise

    def _is_overtaken(self) -> bool:
        """Whether offsets were committed since, or are being, where this member restores."""
        gone_by = {
            number: _plain(partition.committed)
            for number, partition in (self._waiting | self._restoring).items()
            if partition.is_asked
        }
        committed = self._offsets.committed(list(gone_by), self._policy.request_s)
        return committed is None or any(
            _plain(committed.get(number)) != at for number, at in gone_by.items()
        )

    def _resolve(self) -> None:
        """Ask for committed offsets: of all at once, of blocked ones one by one.

        One pending transaction blocks the answer for all partitions of a question. Those
        that are not concerned must not wait for it, and running ones must go on meanwhile.
        """
        limit_s = self._policy.request_s
        numbers = [number for number in self._waiting if number not in self._blocked]
        if not numbers:
            numbers, limit_s = self._next_blocked(), self._ask_s
        if not numbers:
            return
        committed = self._offsets.committed(numbers, limit_s)
        if committed is None:
            if not self._blocked:
                log.warning("offsets_blocked", partitions=sorted(numbers))
            alone = len(numbers) == 1
            self._blocked.update(dict.fromkeys(numbers, alone))
            # Where nothing hangs, it may be Kafka that is slow.
            longer_s = min(2 * self._ask_s, self._policy.request_s)
            self._ask_s = ASK_BLOCKED_S if self._freeing.has_seen(self._blocked) else longer_s
            return
        self._ask_s = ASK_BLOCKED_S
        for number in numbers:
            self._blocked.pop(number, None)
        self._begin(numbers, committed)

    def _next_blocked(self) -> list[int]:
        """The one to ask about: at once if it only shared a question, else now and then."""
        for number, alone in self._blocked.items():
            if not alone:
                return [number]
        now_s = self._clock.monotonic_s()
        if not self._blocked or now_s - self._asked_s < BETWEEN_ASKS * self._ask_s:
            return []
        self._asked_s = now_s
        number = next(iter(self._blocked))
        self._blocked[number] = self._blocked.pop(number)  # behind the others
        return [number]

    def _begin(self, numbers: Sequence[int], committed: Mapping[int, Committed]) -> None:
        """Decide where each partition goes on, and let it."""
        for number in numbers:
            self._waiting[number].answered(committed.get(number))
        limit_s = self._policy.request_s
        input_ranges = self._offsets.input_range(numbers, limit_s)
        state_ranges = self._offsets.state_range(numbers, limit_s)
        for number in numbers:
            partition = self._waiting[number]
            named = self._named(number, partition.committed)
            beginning = begin(
                number,
                partition.committed,
                named,
                input_range=input_ranges[number],
                state_range=state_ranges[number],
                policy=self._policy,
                group_is_new=self._group_is_new,
            )
            del self._waiting[number]
            self._start(partition, beginning, named)

    def _named(self, number: int, committed: Committed | None) -> Named | None:
        if committed is None:
            return None
        try:
            return decode_named(committed.metadata)
        except StateError as error:
            raise Fault(
                Action.GIVE_UP,
                "state_damaged",
                f"the committed offset of {self._policy.callbacks}[{number}] carries metadata "
                f"that cannot be read: {error}",
            ) from None

    def _start(self, partition: Partition, beginning: Beginning, named: Named | None) -> None:
        partition.resume_at = beginning.offset
        if named is None or named.sequence == 0:
            partition.move(Event.FRESH)
            incarnation = self._new_incarnation() if named is None else named.incarnation
            start = beginning.state_end if named is None else named.start
            partition.running = Running.fresh(
                partition.number,
                self._policy.aggregation,
                incarnation=incarnation,
                start=start,
                offset=beginning.offset,
                now_s=self._clock.monotonic_s(),
                unnamed=named is None,
            )
            self._finish(partition, 0)
            return
        partition.move(Event.NAMED)
        number = partition.number
        partition.restore = Restore(number, self._policy.state, named, beginning.state_end)
        self._restoring[number] = partition
        self._positions[number] = named.start
        self._progress_s = self._clock.monotonic_s()
        self._reader.start(number, named.start)

    def _read(self) -> None:
        for record in self._reader.poll(READ_RECORDS, self._policy.poll_s):
            partition = self._restoring.get(record.partition)
            if partition is None or partition.restore is None:
                continue
            partition.restore.read(record.value, record.offset)
            if partition.restore.done:
                self._restored(partition, partition.restore)
        self._watch()

    def _restored(self, partition: Partition, restore: Restore) -> None:
        number = partition.number
        self._reader.stop(number)
        del self._restoring[number]
        aggregator, state_log = restore.finish(self._policy.aggregation)
        partition.restore = None
        partition.move(Event.RESTORED)
        partition.running = Running(
            aggregator, state_log, partition.resume_at, now_s=self._clock.monotonic_s()
        )
        self._finish(partition, len(aggregator.table))

    def _finish(self, partition: Partition, txids: int) -> None:
        duration_s = self._clock.monotonic_s() - partition.since_s
        self._observer.restored(partition.number, txids, duration_s)
        log.info(
            "restored",
            partition=partition.number,
            txids=txids,
            seconds=round(duration_s, 3),
            offset=partition.resume_at,
        )
        self._ready(partition)

    def _watch(self) -> None:
        """Look after the progress of what is still being read."""
        now_s = self._clock.monotonic_s()
        remaining = 0
        for number, partition in self._restoring.items():
            restore = partition.restore
            if restore is None:  # pragma: no cover - a restoring partition has one
                continue
            position = self._reader.position(number)
            if position != self._positions[number]:
                self._positions[number] = position
                self._progress_s = now_s
            if position >= restore.end:
                raise restore.damaged(f"read to its end {restore.end}")
            remaining += restore.end - position
        self._observer.restore_progress(remaining)
        if not self._restoring:
            return
        stalled_s = self._stalled_s()
        if stalled_s > self._policy.restore_stalled_s:
            raise Fault(
                Action.TEAR_DOWN,
                "restore_stalled",
                f"no progress in restoring {self._policy.state} for {stalled_s:.0f} s",
            )
        if now_s - self._told_s > PROGRESS_S:
            self._told_s = now_s
            log.info("restoring", partitions=len(self._restoring), remaining_records=remaining)

    def _stalled_s(self) -> float:
        """For how long no restore has got on."""
        return self._clock.monotonic_s() - self._progress_s if self._restoring else 0.0

    def _is_torn(self, hanging: Hanging) -> bool:
        """Whether what is left open belongs to the very commit that the offset names."""
        partition = self._restoring.get(hanging.partition)
        restore = None if partition is None else partition.restore
        return restore is not None and restore.ends_with(hanging.value, hanging.offset)


def _plain(at: Committed | None) -> tuple[int, str] | None:
    """To be compared."""
    return None if at is None else (at.offset, at.metadata)
