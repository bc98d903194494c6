"""A Kafka in memory: logs, the transaction coordinator, groups; and what an operator may do.

`Kafka` is what tests hold. `client` makes a member's identity, whose four ports behave as those
of `consumer/kafka/` do; everything else in here is the view from outside: topics, what readers
of either isolation see, offsets, deletions, time, and the fate of clients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError

from consumer.wire.placement import partition_for
from tests.oracle.record import Record
from tests.simulation.coordinator import Coordinator, Place
from tests.simulation.group import Committed, Group, Metadata
from tests.simulation.log import Entry, Headers, Log
from tests.simulation.network import RefusedError
from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.client import Client

Named = Mapping[int, Committed]


class Kafka:
    """One cluster.

    With `verifies`, partitions ask the coordinator before a transaction opens in them
    (`transaction.partition.verification.enable`, the default since Kafka 3.6).
    """

    def __init__(self, seed: int | str = 0, *, verifies: bool = True) -> None:
        self.world = World(seed)
        self.verifies = verifies
        self.topics: dict[str, list[Log]] = {}
        self.groups: dict[str, Group] = {}
        self.coordinator = Coordinator(self.world, self.log, self._end_offsets)
        self.refusals: dict[str, int] = {}
        """By topic: the error with which records are refused."""
        self.refused: set[tuple[int, str]] = set()
        """Producer ids and topics where that happened."""
        self.forbidden = 0
        """How many reasons there are to refuse DeleteRecords."""
        self.on_offsets: Callable[[int, Named], None] = lambda *_: None
        """Told of offsets committed in a transaction, and of its producer id."""

    # Topics

    def create_topic(self, topic: str, partitions: int = 1) -> None:
        """An empty one."""
        self.topics[topic] = [Log() for _ in range(partitions)]

    def log(self, place: Place) -> Log:
        """One partition. Raises `RefusedError` where there is none."""
        topic, partition = place
        logs = self.topics.get(topic, [])
        if not 0 <= partition < len(logs):
            raise RefusedError(KafkaError.UNKNOWN_TOPIC_OR_PART)
        return logs[partition]

    def partition_of(self, topic: str, key: bytes | None) -> int:
        """Where the default partitioner places a key."""
        return 0 if key is None else partition_for(key, len(self.topics[topic]))

    def send(
        self,
        topic: str,
        partition: int,
        value: bytes | None,
        *,
        key: bytes | None = None,
        timestamp_ms: int = 1,
        headers: Headers | None = None,
    ) -> int:
        """A record of a plain producer; its offset."""
        entry = Entry(key, value, timestamp_ms, headers, None)
        return self.log((topic, partition)).append([entry])

    def read(self, topic: str, *, committed: bool = True) -> list[Record]:
        """All records of a topic, as a reader of that isolation sees them."""
        return [
            Record(
                topic,
                number,
                offset,
                entry.timestamp_ms,
                entry.key,
                entry.value,
                tuple(entry.headers or ()),
            )
            for number, log in enumerate(self.topics[topic])
            for offset, entry in log.read(log.start, len(log.entries), committed=committed)[0]
        ]

    def ends(self, topic: str, *, committed: bool = False) -> dict[int, int]:
        """End offsets: READ_UNCOMMITTED, or the last stable ones."""
        return {
            number: log.stable if committed else log.end
            for number, log in enumerate(self.topics[topic])
        }

    def starts(self, topic: str) -> dict[int, int]:
        """Earliest offsets."""
        return {number: log.start for number, log in enumerate(self.topics[topic])}

    def delete_records(self, topic: str, offsets: Mapping[int, int]) -> None:
        """DeleteRecords, or retention: drop what lies before these offsets."""
        for number, offset in offsets.items():
            self.log((topic, number)).delete_before(offset)

    def produce(self, place: Place, records: Sequence[Entry], pid: int, epoch: int) -> int:
        """A batch of a transaction; the offset of its first record."""
        if place[0] in self.refusals:
            self.refused.add((pid, place[0]))
            raise RefusedError(self.refusals[place[0]])
        log = self.log(place)
        self._check_epoch(pid, epoch, log.epoch_of(pid))
        is_late = not self.coordinator.holds(pid, epoch, place)
        if self.verifies and pid not in log.open and is_late:
            raise RefusedError(KafkaError.INVALID_TXN_STATE)
        return log.append_open(records, pid, epoch, is_orphan=is_late)

    # Groups

    def group(self, name: str, partitions: int = 0) -> Group:
        """A group, made if need be for a topic with so many partitions."""
        if name not in self.groups:
            self.groups[name] = Group(self.world, name, partitions)
        return self.groups[name]

    def committed(self, group: str) -> dict[int, tuple[int, str]]:
        """Offset and metadata by partition, as they stand."""
        return {n: (at.offset, at.metadata) for n, at in self.group(group).offsets.items()}

    def alter_offsets(self, group: str, offsets: Mapping[int, tuple[int, str]]) -> None:
        """What an operator does to a group with no members. Raises `RefusedError` otherwise."""
        self.group(group).commit(offsets)

    def expire_offsets(self, group: str) -> bool:
        """`offsets.retention.minutes` is over; only for a group with no members."""
        return self.group(group).expire_offsets()

    def send_offsets(
        self,
        group: str,
        pid: int,
        epoch: int,
        who: Metadata,
        positions: Sequence[tuple[int, int, str]],
    ) -> None:
        """`TxnOffsetCommit`."""
        self._check_epoch(pid, epoch, self.coordinator.epoch_of_offsets.get(pid, -1))
        if (
            self.verifies
            and pid not in self.group(group).pending
            and not self.coordinator.holds(pid, epoch, None)
        ):
            raise RefusedError(KafkaError.INVALID_TXN_STATE)
        self.group(group).commit_pending(pid, who, positions)

    def _check_epoch(self, pid: int, epoch: int, known: int) -> None:
        """Refuse a producer that was fenced where it writes."""
        if epoch < known:
            self.coordinator.find(pid).refuse(epoch, self.world.now)

    def _end_offsets(self, group: str, pid: int, committed: bool) -> None:
        found = self.group(group).end_pending(pid, committed)
        if found:
            self.on_offsets(pid, found)

    # Clients and time

    def client(self, name: str, **settings: Any) -> Client:
        """An identity with its four ports; see `client.Client`."""
        from tests.simulation.client import Client  # noqa: PLC0415 - they know each other

        return Client(self, name, **settings)

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.world.pass_time(seconds)
