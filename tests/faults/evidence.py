"""What Kafka itself says about a member that is about to be hit, or was.

A transaction is open on a partition while its last stable offset lies below its end. The end
is always asked for first: then a stable offset that lies below it proves that at the moment
of the second answer a transaction was open. State partitions are written by their owner
alone, so an open transaction there is the owner's. Whether it ended in an abort is seen by
reading its records with and without those that were aborted.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from confluent_kafka import (
    ConsumerGroupState,
    ConsumerGroupType,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, says its manual
    AdminClient,
    OffsetSpec,
)

from tests.harness.cluster import patiently
from tests.harness.stage import Stage
from tests.oracle.record import Record
from tests.oracle.topics import read_topic

_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_REQUEST_S = 20.0
_PATIENT_S = 3.0
_PENDING_S = 1.0
NONE: Mapping[int, int] = MappingProxyType({})
_NOT_YET = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.GROUP_ID_NOT_FOUND,
    KafkaError._TIMED_OUT,  # a question that came before the coordinator was up stays unheard
}


class Progress(NamedTuple):
    """How far a group is in a partition of the input: committed, and there."""

    committed: int
    end: int


class Evidence:
    """Questions about the members of a stage, answered by Kafka. `name` is a client id."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._admin = AdminClient({"bootstrap.servers": stage.cluster.bootstrap_servers})

    def owned(self) -> dict[str, list[int]]:
        """Partitions by member as the group's coordinator sees it.

        None in a rebalance of the classic protocol. With the new one partitions have owners
        then, too; and a name may stand for several members, of which all but one are dead and
        not yet given up.

        Only for a Kafka that is well: when it does not answer such a question, librdkafka
        2.16.1 may fail an assertion, or never end when the client is freed.
        """
        answer = self._admin.describe_consumer_groups([self._stage.app], request_timeout=_PATIENT_S)
        try:
            group = answer[self._stage.app].result()
        except KafkaException as error:
            if error.args[0].code() in _NOT_YET:
                return {}
            raise
        if group.type != ConsumerGroupType.CONSUMER and group.state != ConsumerGroupState.STABLE:
            return {}
        owned: defaultdict[str, set[int]] = defaultdict(set)
        for member in group.members:
            assigned = member.assignment.topic_partitions
            owned[member.client_id].update(at.partition for at in assigned)
        return {name: sorted(partitions) for name, partitions in owned.items()}

    def open_transactions(self, partitions: Iterable[int]) -> dict[int, int]:
        """State partitions with an open transaction, and the offset where it begins."""
        wanted = [TopicPartition(self._stage.state, number) for number in partitions]
        ends = self._ends(wanted, IsolationLevel.READ_UNCOMMITTED)
        stable = self._ends(wanted, IsolationLevel.READ_COMMITTED)
        return {number: begin for number, begin in stable.items() if begin < ends[number]}

    def await_open(
        self, partitions: Iterable[int], timeout_s: float, before: Mapping[int, int] = NONE
    ) -> dict[int, int]:
        """The same, as soon as there is one that is not of `before`; empty when time is up."""
        wanted = list(partitions)
        deadline = time.monotonic() + timeout_s
        while wanted and time.monotonic() < deadline:
            if found := self.open_transactions(wanted).items() - before.items():
                return dict(found)
        return {}

    def is_offset_pending(self) -> bool:
        """Whether an open transaction holds offsets of the group."""
        stage = self._stage
        try:
            stage.cluster.committed(stage.app, stage.callbacks, timeout_s=_PENDING_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._TIMED_OUT:
                raise
            return True
        return False

    def progress(self, partitions: Iterable[int]) -> dict[int, Progress]:
        """How far the group is; what an open transaction holds does not count."""
        stage = self._stage
        found = stage.cluster.committed(stage.app, stage.callbacks, stable=False)
        committed = {number: at.offset for number, at in found.items()}
        ends = stage.cluster.ends(stage.callbacks)
        return {number: Progress(committed.get(number, 0), ends[number]) for number in partitions}

    def unread(self, partitions: Iterable[int]) -> int:
        """Records of the input that are there and not committed."""
        return sum(at.end - at.committed for at in self.progress(partitions).values())

    def has_ended(self, begins: Mapping[int, int], timeout_s: float) -> bool:
        """Whether the transactions that began there end in time."""
        deadline = time.monotonic() + timeout_s
        while self.open_transactions(begins).items() & begins.items():
            if time.monotonic() > deadline:
                return False
        return True

    def aborted(self, begins: Mapping[int, int], timeout_s: float = 30) -> bool | None:
        """Whether the transactions that began there were aborted, once they have ended.

        None where nobody can tell any more: members delete state that is not needed. Fails
        if one is still open when the time is up.
        """
        assert self.has_ended(begins, timeout_s), f"transactions that begin at {begins} stay open"
        topic, servers = self._stage.state, self._stage.cluster.bootstrap_servers
        committed = _places(read_topic(servers, topic))
        written = _places(read_topic(servers, topic, "read_uncommitted"))  # so still there before
        if begins.items() & committed:
            return False
        return True if begins.items() <= written else None

    def _ends(self, wanted: list[TopicPartition], isolation: IsolationLevel) -> dict[int, int]:
        def ask() -> dict[int, int]:
            answer = self._admin.list_offsets(
                dict.fromkeys(wanted, _LATEST),
                isolation_level=isolation,
                request_timeout=_REQUEST_S,
            )
            return {at.partition: found.result().offset for at, found in answer.items()}

        return patiently(ask)


def _places(records: Iterable[Record]) -> set[tuple[int, int]]:
    return {(record.partition, record.offset) for record in records}
