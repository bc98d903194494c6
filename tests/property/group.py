"""A Kafka in memory, for pipelines: its log, its transactions, and a group that will not rest.

What happens next is drawn: which commits fail, and whether they get through all the same;
when deliveries and commits beside the loop are done; who is thrown out of the group, and when
a member notices. The group hands a partition on when its owner has let it go or was thrown
out, takes offsets of the present generation alone, and then only from the owner: what a member
must never do fails the test that makes it do so.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from consumer.errors import Action, Fault
from consumer.kafka.offsets import Committed
from consumer.kafka.source import Batch, Polled
from consumer.pipeline.ports import Listener, Output
from tests.property.streams import Input

SELDOM = 0.01
"""How often a call to the producer fails."""


class Message(Struct):
    """A consumed record, as far as dead letters want it."""

    record: Input

    def key(self) -> bytes | None:
        """As received."""
        return self.record.key

    def value(self) -> bytes | None:
        """As received."""
        return self.record.value

    def headers(self) -> None:
        """None of them has any."""

    def timestamp(self) -> tuple[int, int]:
        """As set by its producer."""
        return 1, self.record.timestamp_ms


class Transaction(Struct, eq=False):
    """What a producer has sent since it began."""

    writer: str
    outputs: list[Output] = field(default_factory=list)
    state: set[int] = field(default_factory=set)
    """State partitions that it has written to."""
    offsets: dict[int, Committed] = field(default_factory=dict)
    committed: bool | None = None
    """`None` while it is open."""


class Kafka:
    """Partitions of the input with their records, and everything that is made of them."""

    def __init__(self, chance: random.Random, inputs: Mapping[int, Sequence[Input]]) -> None:
        self.chance = chance
        self.inputs = inputs
        self.state: dict[int, list[tuple[Transaction | None, bytes]]] = {p: [] for p in inputs}
        """By partition: the transaction and the value at each offset; markers have neither."""
        self.earliest = dict.fromkeys(inputs, 0)
        """Of the state partitions."""
        self.outputs: list[Output] = []
        self.offsets: dict[int, Committed] = {}
        self.open: dict[str, Transaction] = {}
        self.epochs: defaultdict[str, int] = defaultdict(int)
        self.generation = 0
        self.members: set[Consumer] = set()
        self.target: dict[int, Consumer | None] = dict.fromkeys(inputs)
        self.owners: dict[int, Consumer | None] = dict.fromkeys(inputs)
        self.calm = False
        """Nothing fails any more."""

    def happens(self, share: float) -> bool:
        """Whether something does that happens so often."""
        return self.chance.random() < share

    def fails(self, share: float = SELDOM) -> bool:
        """The same, of trouble."""
        return not self.calm and self.happens(share)

    def end(self, transaction: Transaction, *, committed: bool) -> None:
        """Write the markers; what was committed shows."""
        assert transaction.committed is None
        transaction.committed = committed
        for number in transaction.state:
            self.state[number].append((None, b""))
        if committed:
            self.outputs += transaction.outputs
            for number, at in transaction.offsets.items():
                assert number not in self.offsets or self.offsets[number].offset <= at.offset
                self.offsets[number] = at
        self.open.pop(transaction.writer, None)

    def fence(self, writer: str) -> int:
        """End what is open under this name; the epoch of who has it from now on."""
        if writer in self.open:
            self.end(self.open[writer], committed=False)
        self.epochs[writer] += 1
        return self.epochs[writer]

    def rebalance(self) -> None:
        """A new generation, with partitions for anyone."""
        self.generation += 1
        members = sorted(self.members, key=lambda one: one.number)
        for number in self.inputs:
            self.target[number] = self.chance.choice(members) if members else None

    def throw_out(self, member: Consumer) -> None:
        """What it had is anybody's at once; it learns of that by its next poll."""
        self.members.discard(member)
        for number, owner in self.owners.items():
            if owner is member:
                self.owners[number] = None
        self.rebalance()

    def is_done(self) -> bool:
        """Whether the whole input is read and committed."""
        return all(
            number in self.offsets and self.offsets[number].offset > records[-1].offset
            for number, records in self.inputs.items()
        )


class Consumer:
    """A member of the group: the pipeline's `Source`."""

    def __init__(self, kafka: Kafka, number: int) -> None:
        self.number = number
        self._kafka = kafka
        self._listener: Listener | None = None
        self._generation = -1
        self._has_joined = False
        self._owned: set[int] = set()
        self._positions: dict[int, int] = {}
        self._paused: set[int] = set()
        self._is_closed = False

    def subscribe(self, listener: Listener) -> None:
        """See `Source`."""
        self._listener = listener

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        """What the group has to say, and then some records."""
        assert self._listener is not None
        assert timeout_s >= 0
        kafka = self._kafka
        if self not in kafka.members:
            if self._has_joined:
                self._listener.on_lost(sorted(self._owned))
                assert not self._owned, "whoever loses partitions must not go on"
            self._has_joined = True
            kafka.members.add(self)
            kafka.rebalance()
        leaving = sorted(n for n in self._owned if kafka.target[n] is not self)
        if kafka.happens(0.8):
            self._generation = kafka.generation
        if leaving and kafka.happens(0.7):
            self._listener.on_revoked(leaving)
            self._let_go(leaving)
        coming = sorted(
            n for n, to in kafka.target.items() if to is self and kafka.owners[n] is None
        )
        if coming and self._generation == kafka.generation:
            kafka.owners.update(dict.fromkeys(coming, self))
            self._owned |= set(coming)
            self._listener.on_assigned(coming)
        return self._fetch(max_records)

    def start(self, partition: int, offset: int) -> None:
        """See `Source`."""
        assert partition in self._owned
        self._positions[partition] = offset

    def pause(self, partition: int) -> None:
        """See `Source`."""
        self._paused.add(partition)

    def resume(self, partition: int) -> None:
        """See `Source`."""
        self._paused.discard(partition)

    def is_member(self) -> bool:
        """See `Source`."""
        return self in self._kafka.members

    def group_metadata(self) -> tuple[Consumer, int]:
        """Who this is, and in which generation, as far as it knows."""
        if not self.is_member():
            raise Fault(Action.TEAR_DOWN, "not_a_member", "thrown out")
        return self, self._generation

    def refresh(self) -> None:
        """The client hears of the generation by itself."""
        self._generation = self._kafka.generation

    def close(self) -> None:
        """Leave; revocations come from in here."""
        if self._is_closed:
            return
        self._is_closed = True
        assert self._listener is not None
        owned = sorted(self._owned)
        try:
            if self.is_member():
                self._listener.on_revoked(owned)
            else:
                self._listener.on_lost(owned)
        finally:
            self._kafka.throw_out(self)

    def _let_go(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._owned.discard(number)
            self._positions.pop(number, None)
            self._paused.discard(number)
            self._kafka.owners[number] = None

    def _fetch(self, max_records: int) -> Polled:
        batches: list[Batch] = []
        ends: dict[int, int] = {}
        for number in sorted(self._positions.keys() - self._paused):
            records = self._kafka.inputs[number]
            unread = [one for one in records if one.offset >= self._positions[number]]
            most = max_records - sum(len(batch.offsets) for batch in batches)
            taken = unread[
                : most if self._kafka.happens(0.5) else self._kafka.chance.randint(0, most)
            ]
            if taken:
                offsets, timestamps, keys, values = zip(*taken, strict=True)
                messages = [Message(one) for one in taken]
                batches.append(Batch(number, offsets, timestamps, keys, values, messages))  # type: ignore[arg-type]
                self._positions[number] = offsets[-1] + 1
            if len(taken) == len(unread):
                ends[number] = self._positions[number]
        return Polled(batches, ends)
