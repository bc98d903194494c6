"""Partitions that belong to nobody although the group is at rest.

With the classic protocol a static member that is back within its session gets what the group
has noted for it, and nobody else hears of it. That may be less than it had: if it was told to
give partitions up, and was killed or stopped before it had joined again to say that it did,
nobody has them until the next rebalance, whenever that may be (Kafka 4.3.1). Dynamic members
alone cannot get there: the group rebalances when one of them comes, and when one goes.

So static members ask the group now and then who has what. What nobody had in two answers in a
row, with the same members, is not about to be handed out; then one of them joins anew, and
with that all is. It is the turn of the one with the fewest partitions, which has the least to
restore; all see the same answer, so they agree on that. Each of the others waits one answer
longer for each member before it, should those not look, as dynamic ones do not.

A healthy group does not look like this for long: it is at rest while nobody has a partition only
from the time that a member is told to give it up until it has, which is one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog

from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.ports import Aside, Clock, Offsets

log = structlog.get_logger(__name__)

LOOK_S = 15.0
"""From one answer to the next question."""
ANSWER_S = 5.0
ANSWERS = 2
"""So many in a row must agree."""
REJOIN_S = 60.0
"""At least so long between two times that this member joins anew."""


class Leftovers:
    """Looks for them beside the loop, if the policy wants it."""

    def __init__(
        self,
        policy: PipelinePolicy,
        offsets: Offsets,
        clock: Clock,
        aside: Callable[[Callable[[], None]], Aside],
    ) -> None:
        self._policy = policy
        self._offsets = offsets
        self._clock = clock
        self._aside = aside
        self._looking: Aside | None = None
        self._answer: Mapping[str, Sequence[int]] = {}
        self._looked_s = clock.monotonic_s()
        self._rejoined_s = float("-inf")
        self._members: set[str] = set()
        self._unowned: set[int] = set()
        """In each of the last answers, which were about these members ..."""
        self._answers = 0
        """... and so many."""

    def are_mine(self, member_id: Callable[[], str]) -> bool:
        """Once per turn: whether there are any, and it is this member's turn to join anew."""
        if not self._policy.keeps_place:
            return False
        now_s = self._clock.monotonic_s()
        if self._looking is None:
            if now_s - self._looked_s >= LOOK_S:
                self._looking = self._aside(self._look)
            return False
        if not self._looking.done(wait=False):
            return False
        self._looking, self._looked_s = None, now_s
        self._compare()
        if not self._answers or self._answers < ANSWERS + self._before(member_id()):
            return False
        if now_s - self._rejoined_s < REJOIN_S:
            return False
        log.warning("left_over", partitions=sorted(self._unowned))
        self._answers, self._rejoined_s = 0, now_s
        self._members.clear()
        return True

    def _look(self) -> None:
        self._answer = self._offsets.members(ANSWER_S) or {}

    def _compare(self) -> None:
        """Count the answers that agree."""
        members = set(self._answer)
        owned = {number for numbers in self._answer.values() for number in numbers}
        unowned = set(range(self._policy.input_partitions)) - owned if members else set()
        still = unowned & self._unowned
        if members == self._members and still:
            self._unowned, self._answers = still, self._answers + 1
        else:
            self._members, self._unowned, self._answers = members, unowned, min(len(unowned), 1)

    def _before(self, member_id: str) -> float:
        """How many members are before this one; no end of them if it is none itself."""
        by_share = sorted((len(numbers), member) for member, numbers in self._answer.items())
        order = [member for _, member in by_share]
        return order.index(member_id) if member_id in order else float("inf")
