"""Lets time go on in partitions that have nothing left to read (DESIGN 2.3).

The clock of a partition moves by its records. When it has been silent for `completion.idle`
and something would be due if its clock went on, Kafka is asked for its READ_UNCOMMITTED end
offset; only if that equals our position is there nothing left, and time goes on, up to the
moment of the question. (The cached end, or the read_committed one, could hide records that
stand unread behind an open transaction: then reports would expire while their parts wait.)
A silent partition with nothing due is asked about once: then its time has gone on when the
next record comes, whatever that record says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from consumer.pipeline.partition import Running
from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.ports import Clock, Offsets

ASK_S = 0.2
"""At most so often; reports of an idle partition are that much late, no more."""
ASK_AGAIN_S = 1.0
"""The same for a partition with nothing due, of which it is not known that it is at its end."""


class Idleness:
    """Asks for ends and advances clocks; one for all partitions of a member."""

    def __init__(self, policy: PipelinePolicy, offsets: Offsets, clock: Clock) -> None:
        self._policy = policy
        self._offsets = offsets
        self._clock = clock
        self._asked_s = 0.0

    def candidates(
        self, partitions: Mapping[int, Running], now_s: float, wall_ms: int
    ) -> list[int]:
        """Partitions to ask about: with something due, or newly silent."""
        found = []
        for number, running in partitions.items():
            if running.backlog or now_s - running.last_record_s < self._policy.idle_s:
                continue
            due_ms = running.aggregator.next_due_ms()
            if due_ms is None:
                continue
            is_due = due_ms <= running.aggregator.clock.idle_ms(wall_ms)
            if is_due or (not running.at_end and now_s - running.asked_s >= ASK_AGAIN_S):
                found.append(number)
        return found

    def step(self, partitions: Mapping[int, Running], room: Callable[[Running], int]) -> None:
        """Advance what is idle; `room` says how many reports a partition may hold."""
        now_s = self._clock.monotonic_s()
        if now_s - self._asked_s < ASK_S:
            return
        wall_ms = self._clock.wall_ms()
        numbers = self.candidates(partitions, now_s, wall_ms)
        if not numbers:
            return
        self._asked_s = now_s
        ends = self._offsets.input_ends(numbers, self._policy.request_s)
        if ends is None:  # what was known is too old by now: something may stand unread
            for number in numbers:
                partitions[number].at_end = False
            return
        for number in numbers:
            running = partitions[number]
            running.asked_s = now_s
            running.at_end = ends.get(number) == running.position
            if running.at_end:
                running.aggregator.advance(wall_ms, room(running))
