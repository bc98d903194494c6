"""What a test of Kafka's behaviour asks of its world, be that the real Kafka or the fake one.

A world has one application: an input topic, a state topic with as many partitions, a topic
for reports, and a group. Its clients are members of that group as the pipeline sees them: by
the four ports. Everything else here is what others do to a Kafka, and what they see in it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from consumer.pipeline import ports
from tests.harness.cluster import Committed


class Seen(NamedTuple):
    """A record as someone else reads it."""

    partition: int
    offset: int
    value: bytes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a member may be silent, and its transactions open."""

    session_s: float = 6.0
    transaction_s: float = 30.0
    poll_s: float = 60.0
    """`max.poll.interval.ms`."""

    answer_s: float = 10.0
    """For how long a commit waits for its answer; 0 is not at all."""


DEFAULT = Limits()


@dataclasses.dataclass
class Output:
    """A record to produce."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int = -1
    timestamp_ms: int = 0
    headers: Sequence[tuple[str, bytes | None]] | None = None


@dataclasses.dataclass
class Position:
    """An offset to commit."""

    partition: int
    offset: int
    metadata: str = ""


class RefusedByKafka(Exception):  # noqa: N818 - what a broker did
    """It does not take a record."""


class Client(Protocol):
    """One member's four ports. Its `transactional.id` is made of the group and its name."""

    source: ports.Source
    transactions: ports.Transactions
    reader: ports.StateReader
    offsets: ports.Offsets


class Requests(Protocol):
    """A transactional producer's requests, each as often as one likes; names of the answers."""

    def init(self) -> str:
        """`InitProducerId`."""

    def add(self) -> str:
        """`AddPartitionsToTxn`, of the first partition of the state."""

    def add_offsets(self) -> str:
        """`AddOffsetsToTxn`."""

    def send_offset(self, offset: int) -> str:
        """`TxnOffsetCommit`, for the first partition of the input, by no member."""

    def end(self, *, committed: bool) -> str:
        """`EndTxn`."""


class World(Protocol):
    """One Kafka and one application on it."""

    input: str
    state: str
    reports: str
    max_record_bytes: int
    """The largest record that a client tries to send."""

    def make_topics(self, partitions: int = 1, *, report_max_bytes: int | None = None) -> None:
        """Make input and state with `partitions`, and reports with one.

        `report_max_bytes` is what the broker takes in the reports' topic.
        """

    def client(self, name: str, *, static: bool = False, limits: Limits = DEFAULT) -> Client:
        """A client that has not joined yet. A name may be given twice: a restart, or twins."""

    def requests(self, name: str) -> Requests:
        """Bare requests in the name of a `transactional.id`; a name may be given twice."""

    def crash(self, client: Client) -> None:
        """End it without a word to anyone."""

    def freeze(self, client: Client) -> None:
        """Stop all of it, heartbeats included, until it is woken."""

    def wake(self, client: Client) -> None:
        """Let a frozen client go on."""

    def send(self, values: Sequence[bytes], partition: int = 0) -> None:
        """Write records to the input, outside of any transaction."""

    def read(self, topic: str, *, committed: bool = True) -> Sequence[Seen]:
        """All that a consumer sees in a topic, by partition and in order.

        Without `committed` also what is aborted or still open, but no control records.
        """

    def ends(self, topic: str, *, committed: bool = False) -> Mapping[int, int]:
        """End offsets; with `committed` those that a read_committed consumer sees (LSO)."""

    def delete_records(self, topic: str, before: Mapping[int, int]) -> None:
        """Delete the records below these offsets."""

    def forbid_deletions(self) -> None:
        """Let nobody delete records of the state topic; what else is done to it goes on."""

    def leave_orphan(self, client: Client, partition: int) -> None:
        """Leave a record with this client's id in the state topic, in no transaction.

        None that its coordinator knows of, that is. Raises `RefusedByKafka` where partitions
        ask it.
        """

    def deliver_again(self, value: bytes) -> int:
        """Have a batch of an idempotent producer arrive in the state topic twice.

        The offset that its sender is told the second time.
        """

    def committed(self) -> Mapping[int, Committed]:
        """The group's offsets in the input, without those that are under way."""

    def set_offsets(self, offsets: Mapping[int, int]) -> None:
        """As an operator does to a group without members."""

    def expire_offsets(self) -> None:
        """Let the offsets of a group without members be forgotten."""

    def nobody(self) -> object:
        """Group metadata of a consumer that never joined; our client would not give it."""

    def monotonic_s(self) -> float:
        """The world's time."""

    def until(self, condition: Callable[[], bool], what: str, timeout_s: float = 20) -> None:
        """Let time go by until `condition` holds; fail with `what` when it does not in time."""

    def close(self) -> None:
        """End all clients."""
