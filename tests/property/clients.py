"""The other clients of a member, of a Kafka in memory: see `group`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from consumer.errors import Action, Fault
from consumer.kafka.offsets import Committed, Hanging
from consumer.kafka.state_reader import StateRecord
from consumer.pipeline.ports import Output, Position
from consumer.wire import state_entry
from tests.property.group import Kafka, Transaction


class Producer:
    """A transactional producer: the pipeline's `Transactions`."""

    def __init__(self, kafka: Kafka, transactional_id: str) -> None:
        self.transactional_id = transactional_id
        self.kafka = kafka
        self._epoch = -1
        self._transaction: Transaction | None = None
        self._begins: dict[int, int] = {}
        self._waits = 0
        self.beside: Later | None = None
        """The call that has this producer, if one has."""

    def init(self) -> None:
        """See `Transactions`."""
        self._epoch = self.kafka.fence(self.transactional_id)

    def begin(self) -> None:
        """See `Transactions`."""
        assert self._transaction is None
        self._transaction = Transaction(self.transactional_id)
        self._check("begin")
        self.kafka.open[self.transactional_id] = self._transaction
        self._begins = {}
        self._waits = self.kafka.chance.choice([0, 0, 1, 3])

    def produce(self, outputs: Sequence[Output]) -> None:
        """See `Transactions`."""
        self._check("produce").outputs += outputs

    def produce_state(self, partition: int, values: Sequence[bytes]) -> None:
        """See `Transactions`."""
        transaction = self._check("produce")
        transaction.state.add(partition)
        log = self.kafka.state[partition]
        self._begins[partition] = len(log)
        log += [(transaction, value) for value in values]

    def flush(self) -> Mapping[int, int]:
        """See `Transactions`."""
        self._check("flush")
        return self._begins

    def delivered(self) -> Mapping[int, int] | None:
        """See `Transactions`."""
        self._check("deliver")
        self._waits -= 1
        return None if self._waits >= 0 else self._begins

    def send_offsets(self, positions: Sequence[Position], group_metadata: object) -> None:
        """Of the present generation, and of what the member owns in it."""
        transaction, kafka = self._check("offsets"), self.kafka
        assert isinstance(group_metadata, tuple)
        member, generation = group_metadata
        if member not in kafka.members:
            raise Fault(Action.TEAR_DOWN, "not_a_member", "UNKNOWN_MEMBER_ID")
        if generation != kafka.generation:
            if kafka.happens(0.8):
                member.refresh()
            raise Fault(Action.RESEND, "rebalance_race", "ILLEGAL_GENERATION")
        for one in positions:
            assert kafka.owners[one.partition] is member
            transaction.offsets[one.partition] = Committed(one.offset, one.metadata)
        assert transaction.state <= transaction.offsets.keys()

    def commit(self) -> None:
        """One that fails may have been committed, and may be still."""
        transaction, kafka = self._check("commit"), self.kafka
        is_lost = kafka.fails()
        kafka.end(transaction, committed=True)
        self._transaction = None
        if is_lost:
            raise Fault(Action.TEAR_DOWN, "commit_timeout", "no answer")

    def abort(self) -> None:
        """See `Transactions`."""
        assert self.beside is None or self.beside.is_made
        if self.transactional_id not in self.kafka.open:
            return
        if self.kafka.epochs[self.transactional_id] != self._epoch or self.kafka.fails(0.1):
            raise Fault(Action.TEAR_DOWN, "abort", "failed")
        self.kafka.end(self.kafka.open[self.transactional_id], committed=False)
        self._transaction = None

    def close(self) -> None:
        """See `Transactions`."""

    def _check(self, cause: str) -> Transaction:
        """Nobody else has it; else trouble, now and then."""
        assert self.beside is None or self.beside.is_made or self.beside.is_at_work
        if self.kafka.epochs[self.transactional_id] != self._epoch:
            raise Fault(Action.TEAR_DOWN, "fenced", "fenced")
        if self.kafka.fails():
            raise Fault(Action.TEAR_DOWN, cause, "failed")
        assert self._transaction is not None
        return self._transaction


class Later:
    """A call beside the loop: made when it is waited for, or at any time before."""

    def __init__(self, producer: Producer, call: Callable[[], None]) -> None:
        self.is_made = self.is_at_work = False
        self._kafka = producer.kafka
        self._call = call
        self._failure: Fault | None = None
        producer.beside = self

    def make(self) -> None:
        """Make it, if it was not made."""
        if self.is_made:
            return
        self.is_at_work = True
        try:
            self._call()
        except Fault as failure:
            self._failure = failure
        self.is_made, self.is_at_work = True, False

    def done(self, *, wait: bool) -> bool:
        """See `Aside`."""
        if not self.is_made and not wait and self._kafka.happens(0.8):
            return False
        self.make()
        if self._failure is not None:
            raise self._failure
        return True


class Reader:
    """The pipeline's `StateReader`."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._positions: dict[int, int] = {}

    def start(self, partition: int, offset: int) -> None:
        """See `StateReader`."""
        assert offset >= self._kafka.earliest[partition]
        self._positions[partition] = offset

    def stop(self, partition: int) -> None:
        """See `StateReader`."""
        self._positions.pop(partition, None)

    def poll(self, max_records: int, timeout_s: float) -> Sequence[StateRecord]:
        """A few, up to the first open transaction."""
        assert timeout_s >= 0
        found = []
        for number, position in self._positions.items():
            most = min(max_records, self._kafka.chance.randint(0, 5))
            for offset in range(position, len(self._kafka.state[number])):
                transaction, value = self._kafka.state[number][offset]
                if most == 0 or (transaction is not None and transaction.committed is None):
                    break
                self._positions[number] = offset + 1
                if transaction is not None and transaction.committed:
                    found.append(StateRecord(number, offset, value))
                    most -= 1
        return found

    def position(self, partition: int) -> int:
        """See `StateReader`."""
        return self._positions[partition]

    def close(self) -> None:
        """See `StateReader`."""


class Offsets:
    """The pipeline's `Offsets`."""

    def __init__(self, kafka: Kafka, transactional_id: str) -> None:
        self._kafka = kafka
        self._transactional_id = transactional_id

    def committed(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, Committed] | None:
        """Not while a transaction holds new ones; never asked for within one's own."""
        assert timeout_s > 0
        assert self._transactional_id not in self._kafka.open
        pending = {number for one in self._kafka.open.values() for number in one.offsets}
        if pending & set(partitions):
            return None
        return {n: self._kafka.offsets[n] for n in partitions if n in self._kafka.offsets}

    def group_has_offsets(self, timeout_s: float) -> bool:
        """See `Offsets`."""
        raise NotImplementedError

    def input_range(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, tuple[int, int]]:
        """See `Offsets`."""
        assert timeout_s > 0
        return {n: (0, self._kafka.inputs[n][-1].offset + 1) for n in partitions}

    def state_range(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, tuple[int, int]]:
        """See `Offsets`."""
        assert timeout_s > 0
        return {n: (self._kafka.earliest[n], len(self._kafka.state[n])) for n in partitions}

    def input_ends(self, partitions: Sequence[int], timeout_s: float) -> Mapping[int, int] | None:
        """Kafka does not say."""
        assert timeout_s > 0
        return None if partitions else {}

    def delete_state_before(self, offsets: Mapping[int, int]) -> None:
        """Nothing that the committed offset still names."""
        for number, offset in offsets.items():
            named = state_entry.decode_named(self._kafka.offsets[number].metadata)
            assert named is not None
            assert offset <= named.start
            self._kafka.earliest[number] = max(self._kafka.earliest[number], offset)

    def hanging(self, partitions: Sequence[int], timeout_s: float) -> Sequence[Hanging]:
        """See `Offsets`."""
        assert timeout_s > 0
        found = []
        for number in partitions:
            for offset, (transaction, _) in enumerate(self._kafka.state[number]):
                if transaction is not None and transaction.committed is None:
                    found.append(Hanging(number, offset, transaction.writer))
                    break
        return found

    def free_writer(self, transactional_id: str, timeout_s: float) -> bool:
        """See `Offsets`."""
        assert timeout_s > 0
        self._kafka.fence(transactional_id)
        return True

    def close(self) -> None:
        """See `Offsets`."""
