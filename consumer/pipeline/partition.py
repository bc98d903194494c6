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
        self.offset = offset
        """The next record to apply; what a commit commits."""
        self.position = offset
        """The same, beyond control records at the end."""
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

    def pending(self) -> bool:
        """Whether there is something to commit."""
        return self.unnamed or self.aggregator.delta.touched


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
