"""What of what hangs is ended, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from consumer.kafka.offsets import Hanging
from consumer.pipeline.freeing import Freeing
from consumer.pipeline.ports import Offsets, Transactions
from tests.unit.pipeline.member import POLICY, Clock


class Held:
    """In every partition hangs a transaction, whose writer is named after it."""

    transactional_id = "app-me"

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.freed: list[Any] = []

    def hanging(self, partitions: Sequence[int], _: float) -> Sequence[Hanging]:
        """One in each."""
        self.asked.append(list(partitions))
        return [Hanging(number, 7, f"app-{number % 2}", b"") for number in partitions]

    def free_writer(self, writer: str, _: float, partitions: Sequence[int]) -> bool:
        """It works."""
        self.freed.append((writer, partitions))
        return True

    def end_orphans(self, partitions: Sequence[int]) -> None:
        """None is ours."""
        raise AssertionError(partitions)


def looked(held: Held, *looks: Sequence[int], torn: int = -1, every_s: float = 1.0) -> Freeing:
    """After these looks, each a while after the one before."""
    clock = Clock()
    freeing = Freeing(POLICY, cast("Offsets", held), cast("Transactions", held), clock)
    for partitions in looks:
        freeing.step(partitions, lambda one: one.partition == torn)
        clock.passed_s += every_s
    return freeing


@pytest.mark.parametrize(
    ("looks", "freed"),
    [
        ([[0]], []),
        ([[0], [0]], [("app-0", [0])]),
        ([[0], [1], [1]], [("app-1", [1])]),
        ([[0], [1], [0]], [("app-0", [0])]),
        ([[0], [1, 3], [0, 1, 2, 3]], [("app-0", [0]), ("app-1", [1, 3])]),
    ],
)
def test_each_partition_needs_two_looks_of_its_own(looks: list[list[int]], freed: Any) -> None:
    """Whatever is asked about others in between; each writer is fenced once for all of them."""
    held = Held()
    looked(held, *looks)
    assert held.freed == freed


def test_a_look_takes_place_now_and_then() -> None:
    """Not at every turn of the loop, nor where nothing is held back."""
    held = Held()
    looked(held, [], [0], [0], [0], every_s=POLICY.request_s / 4)
    assert held.asked == [[0]]


def test_a_torn_one_does_not_hinder_the_others() -> None:
    """Nor is its writer, if it has nothing else open there, fenced."""
    held = Held()
    looked(held, [0, 1, 2], [0, 1, 2], torn=0)
    assert held.freed == [("app-0", [2]), ("app-1", [1])]


def test_it_says_where_it_saw_something() -> None:
    """At the last look that there was."""
    freeing = looked(Held(), [0, 1], [1, 2])
    assert freeing.has_seen([5, 0])
    assert freeing.has_seen([2])
    assert not freeing.has_seen([5])
