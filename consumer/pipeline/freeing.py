"""Ends the transactions of others that hold partitions back (DESIGN 2.7, "Restore").

Whose they are, the oldest open record of the state partition says; the writer of the last
commit, which the metadata names, need not be it and may be well. When the same transaction is
seen again a while later, it is ended by fencing its writer, and by hand, should its coordinator
know nothing of it (an orphan). So nobody is fenced whose transaction does not block; what
cannot be ended so is waited out. Our own writer has nothing open here and can only have left
an orphan.

What must not be ended is a torn one: Kafka has committed it and not said so everywhere. Its
record is that of the very commit which the offset names, so the offsets of it stand; to abort
the record would lose that commit. Only Kafka can complete it, and mostly does at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import structlog

from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.ports import Clock, Hanging, Offsets, Transactions

log = structlog.get_logger(__name__)

ENDING_REQUESTS = 5
"""How many times as long as a question it may take to end one."""


class Freeing:
    """Looks at what is held back, now and then, and remembers what hung there."""

    def __init__(
        self,
        policy: PipelinePolicy,
        offsets: Offsets,
        transactions: Transactions,
        clock: Clock,
    ) -> None:
        self._policy = policy
        self._offsets = offsets
        self._transactions = transactions
        self._clock = clock
        self._seen: dict[int, Hanging] = {}
        """By partition: what hung there at the last look."""
        self._told: set[Hanging] = set()
        """Torn ones that the log has."""
        self._looked_s = float("-inf")

    def has_seen(self, partitions: Iterable[int]) -> bool:
        """Whether something hung in any of them at the last look."""
        return not self._seen.keys().isdisjoint(partitions)

    def step(self, partitions: Sequence[int], is_torn: Callable[[Hanging], bool]) -> None:
        """End what holds these back, if it did so before and is not torn. Raises `Fault`."""
        now_s, limit_s = self._clock.monotonic_s(), self._policy.request_s
        if not partitions or now_s - self._looked_s < limit_s:
            return
        self._looked_s = now_s
        found = {one.partition: one for one in self._offsets.hanging(partitions, limit_s)}
        again = [one for number, one in found.items() if self._seen.get(number) == one]
        for number in partitions:  # of the others this look tells nothing
            self._seen.pop(number, None)
        self._seen.update(found)
        torn = [one for one in again if is_torn(one)]
        self._tell(torn)
        self._end([one for one in again if one not in torn])

    def _end(self, hanging: Sequence[Hanging]) -> None:
        for writer in sorted({one.writer for one in hanging}):
            partitions = sorted(one.partition for one in hanging if one.writer == writer)
            if writer == self._transactions.transactional_id:
                self._transactions.end_orphans(partitions)
            elif not self._offsets.free_writer(
                writer, ENDING_REQUESTS * self._policy.request_s, partitions
            ):
                continue
            log.warning("transaction_ended", writer=writer)

    def _tell(self, torn: Iterable[Hanging]) -> None:
        for one in torn:
            if one not in self._told:
                self._told.add(one)
                log.error(
                    "transaction_torn",
                    writer=one.writer,
                    topic=self._policy.state,
                    partition=one.partition,
                    offset=one.offset,
                )
