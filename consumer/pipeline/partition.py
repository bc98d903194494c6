"""One input partition as this member has it: its phase, its state, its positions.

    resolving --named--> restoring --restored--> running
    resolving --fresh--> running

Any of them ends with the partition let go (revoked or lost), which just drops the object:
what it knew is in Kafka, or was never committed.
"""

from __future__ import annotations

import enum
from collections import deque

from consumer.aggregation.partition import PartitionAggregator
from consumer.aggregation.policy import Policy
from consumer.pipeline.ports import Batch, Committed
from consumer.pipeline.restore import Restore
from consumer.pipeline.state_log import StateLog


class Phase(enum.Enum):
    """Where an assigned partition stands."""

    RESOLVING = "resolving"
    """Its committed offset is being asked for."""
    RESTORING = "restoring"
    RUNNING = "running"


class Event(enum.Enum):
    """What moves it on."""

    NAMED = "named"
    """The committed offset names a state to be read."""
    FRESH = "fresh"
    """There is no state to be read."""
    RESTORED = "restored"


TRANSITIONS: dict[tuple[Phase, Event], Phase] = {
    (Phase.RESOLVING, Event.NAMED): Phase.RESTORING,
    (Phase.RESOLVING, Event.FRESH): Phase.RUNNING,
    (Phase.RESTORING, Event.RESTORED): Phase.RUNNING,
}
"""A pair that is not listed is a bug."""


class Running:
    """What a running partition works with. Offsets are input offsets, times monotonic."""

    def __init__(
        self, aggregator: PartitionAggregator, log: StateLog, offset: int, *, now_s: float
    ) -> None:
        self.aggregator = aggregator
        self.log = log
        self.position = offset
        """Of the next record to read, beyond control records at the end."""
        self.sent = offset
        """What the last commit committed, or is about to."""
        self.last_record_s = now_s
        self.at_end = False
        """Silent for `completion.idle` and, as Kafka said since, read to the very end."""
        self.asked_s = float("-inf")
        """When Kafka was last asked for that."""
        self.unnamed = False
        """Its committed offset does not name this state yet: commit even if idle."""
        self.backlog: deque[tuple[Batch, int]] = deque()
        """Polled but not applied: batches with the index to go on from. Not empty only
        while more reports are due than fit into the transaction."""
        self.deletable = 0
        """Start of the state log as last committed: what lies before is not needed."""
        self.deleted = 0

    @classmethod
    def fresh(
        cls,
        number: int,
        policy: Policy,
        *,
        incarnation: str,
        start: int,
        offset: int,
        now_s: float,
        unnamed: bool,
    ) -> Running:
        """A partition with no state: `start` is where its state log will begin."""
        running = cls(
            PartitionAggregator(number, policy),
            StateLog(incarnation, start),
            offset,
            now_s=now_s,
        )
        running.unnamed = unnamed
        return running

    @property
    def going_on(self) -> int:
        """What a commit commits: where the next record will be, or one that waits.

        Behind the last one there may be control records. To stand before them would be to ask
        for them again, and they go the way of all records: what retention leaves would then
        begin behind the offset, as if callbacks had been lost.
        """
        if self.backlog:
            batch, index = self.backlog[0]
            return batch.offsets[index]
        return self.position

    def pending(self) -> bool:
        """Whether there is something to commit."""
        return self.unnamed or self.aggregator.delta.touched or self.going_on > self.sent


class Partition:
    """One assigned partition."""

    def __init__(self, number: int, now_s: float) -> None:
        self.number = number
        self.phase = Phase.RESOLVING
        self.since_s = now_s
        self.committed: Committed | None = None
        """The committed offset that it goes by, if there is one."""
        self.is_asked = False
        """Whether that is known."""
        self.restore: Restore | None = None
        self.resume_at = 0
        """Committed input offset, once known."""
        self.running: Running | None = None

    def answered(self, committed: Committed | None) -> None:
        """Note what the group has committed."""
        self.committed, self.is_asked = committed, True

    def move(self, event: Event) -> None:
        """Change the phase by the table."""
        self.phase = TRANSITIONS[self.phase, event]
