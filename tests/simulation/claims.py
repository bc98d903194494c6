"""What a member says when it gives up, against what the Kafka in memory knows.

A process that ends and calls for a person must be right: the line that it leaves is all that the
person has. Each claim is looked up in the broker's records at the moment of the end.
"""

from __future__ import annotations

import re

from tests.simulation.broker import Kafka
from tests.simulation.group import Group

_PARTITION = re.compile(r"callbacks\[(\d+)\]")
_TOPIC = re.compile(r"\(topics? ([\w, -]+)")
TWICE = 2
TEARING_DOWN_S = 12.0
"""From a refusal to the end of the process, at most: its calls have their limits."""


class Claims:
    """Looks claims up. `transaction_s` is the members' `transaction.timeout.ms`."""

    def __init__(self, kafka: Kafka, group: Group, transaction_s: float) -> None:
        self._kafka = kafka
        self._group = group
        self._transaction_s = transaction_s

    def is_true(self, name: str, cause: str, text: str) -> bool:
        """Whether what the member of that name gives as its reason is so."""
        match cause:
            case "input_gone":
                return self._is_input_gone(text)
            case "offsets_expired":
                return self._has_no_offset(text)
            case "output_too_large" | "output_refused":
                return self._was_refused(name, text)
            case "fenced twice":
                return self._was_fenced_twice(name)
        return False  # nothing else that ends a process can happen here

    def _is_input_gone(self, text: str) -> bool:
        number = _partition(text)
        at = None if number is None else self._group.offsets.get(number)
        if number is None or at is None:
            return False
        log = self._kafka.log(("callbacks", number))
        return at.offset < log.start or at.offset > log.end

    def _has_no_offset(self, text: str) -> bool:
        number = _partition(text)
        return number is not None and number not in self._group.offsets

    def _was_refused(self, name: str, text: str) -> bool:
        pid = self._kafka.coordinator.of(name).pid
        found = _TOPIC.search(text)
        topics = found.group(1).split(", ") if found else []
        return any((pid, topic) in self._kafka.refused for topic in topics)

    def _was_fenced_twice(self, name: str) -> bool:
        """By its `transactional.id`, its `group.instance.id`, or once by each."""
        since_s = self._kafka.world.now - self._transaction_s - TEARING_DOWN_S
        one = self._kafka.coordinator.of(name)
        found = [*one.fencings.values(), *self._group.fencings.get(name, ())]
        times: int = sum(at_s >= since_s for at_s in found)
        return times >= TWICE


def _partition(text: str) -> int | None:
    found = _PARTITION.search(text)
    return None if found is None else int(found.group(1))
