"""One checkpoint on its way into Kafka: one transaction, with one more try (DESIGN 2.7).

A flight has two legs. First all records are delivered; then the offsets, whose metadata
names where the state records came to stand, are sent and the transaction is committed. The
loop may go on reading meanwhile and look in on the flight now and then; what it aggregates
belongs to the next one. So the producer is in the hands of the loop's thread on the first
leg, and on the second, which is nothing but waiting for Kafka, in those of another one.

A healthy rebalance can refuse the offsets of a commit in flight (ILLEGAL_GENERATION, 2 of
1,170 measured): then the transaction is aborted and the same records are sent once more
with fresh group metadata. So it is when deliveries failed without a reason: the second time
the producer tells it. A second failure tears the pipeline down, as does any other.

The group metadata is fetched last of all, since a cached one goes stale over a rebalance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from msgspec import Struct

from consumer.background import Background
from consumer.errors import Action, Fault
from consumer.pipeline.checkpoint import Checkpoint
from consumer.pipeline.ports import Aside, Source, Transactions

log = structlog.get_logger(__name__)


class PartitionPosition(Struct):
    """See `ports.Position`."""

    partition: int
    offset: int
    metadata: str


class Flight:
    """Departs with its making; `landed` moves it on."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        transactions: Transactions,
        source: Source,
        aside: Callable[[Callable[[], None]], Aside] = Background,
    ) -> None:
        self.checkpoint = checkpoint
        self._transactions = transactions
        self._source = source
        self._aside = aside
        self._second_leg: Aside | None = None
        self._again = False
        self._depart()

    def landed(self, *, wait: bool) -> bool:
        """Whether it is committed; `wait` until it is. Raises `Fault`: it never will be."""
        try:
            landed = self._move(wait=wait)
        except Fault as fault:
            self._second_leg = None
            if fault.action is not Action.RESEND or self._again:
                raise
            log.warning("commit_resent", reason=str(fault))
            self._again = True
            self._transactions.abort()
            self._depart()
            landed = self._move(wait=wait)
        if landed:
            for running in self.checkpoint.partitions.values():
                running.unnamed = False
                running.deletable = running.log.start
        return landed

    def give_up(self) -> bool:
        """Wait until nobody else holds the producer; whether it got through all the same."""
        if self._second_leg is None:
            return False
        try:
            return self._second_leg.done(wait=True)
        except Exception as error:  # noqa: BLE001 - it is given up because of another one
            log.info("commit_failed_too", reason=str(error))
            return False

    def _depart(self) -> None:
        self._transactions.begin()
        self._transactions.produce(self.checkpoint.outputs)
        for topic, records in self.checkpoint.keyed.items():
            self._transactions.produce_keyed(topic, records)
        for number, values in self.checkpoint.state.items():
            self._transactions.produce_state(number, values)

    def _move(self, *, wait: bool) -> bool:
        if self._second_leg is None:
            begins = self._transactions.flush() if wait else self._transactions.delivered()
            if begins is None:
                return False
            for number, offset in begins.items():
                self.checkpoint.partitions[number].log.delivered(offset)
            positions, metadata = self._positions(), self._source.group_metadata()
            if wait:
                self._finish(positions, metadata)
                return True
            self._second_leg = self._aside(lambda: self._finish(positions, metadata))
        return self._second_leg.done(wait=wait)

    def _positions(self) -> list[PartitionPosition]:
        writer = self._transactions.transactional_id
        offsets = self.checkpoint.offsets
        return [
            PartitionPosition(number, offsets[number], running.log.named(writer))
            for number, running in self.checkpoint.partitions.items()
        ]

    def _finish(self, positions: Sequence[PartitionPosition], metadata: object) -> None:
        self._transactions.send_offsets(positions, metadata)
        self._transactions.commit()
