"""When a member takes a partition for one that it left to nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec
import pytest

from consumer.kafka.offsets import Committed
from consumer.pipeline.leftovers import LOOK_S, STILL_S, Leftovers
from consumer.pipeline.ports import Offsets
from consumer.wire import state_entry
from consumer.wire.state_entry import Named
from tests.unit.pipeline.member import POLICY, Clock

ME = "app-me"
STATIC = msgspec.structs.replace(POLICY, keeps_place=True, input_partitions=3)


class Group:
    """Who wrote the offsets of three partitions; in each there are ten records."""

    def __init__(self, *writers: str) -> None:
        self.writers = list(writers)
        self.offsets = [5] * len(writers)
        self.ends: Mapping[int, int] | None = dict.fromkeys(range(len(writers)), 10)
        self.is_busy = False
        self.asked: list[Sequence[int]] = []

    def committed(self, partitions: Sequence[int], _: float) -> Mapping[int, Committed] | None:
        """As they stand."""
        self.asked.append(partitions)
        return None if self.is_busy else {number: self._at(number) for number in partitions}

    def input_ends(self, _: Sequence[int], __: float) -> Mapping[int, int] | None:
        """The same for all."""
        return self.ends

    def _at(self, number: int) -> Committed:
        named = Named(state_entry.VERSION, "life", 1, 0, self.writers[number])
        metadata = state_entry.encode_named(named) if self.writers[number] else ""
        return Committed(self.offsets[number], metadata)


class Looking:
    """A member with the first partition."""

    def __init__(self, group: Group, *, keeps_place: bool = True) -> None:
        self.clock = Clock()
        policy = msgspec.structs.replace(STATIC, keeps_place=keeps_place)
        self.leftovers = Leftovers(policy, cast("Offsets", group), self.clock, writer=ME)

    def finds_after(self) -> float | None:
        """When it wants to join anew, within ten minutes."""
        began_s = self.clock.passed_s
        while self.clock.passed_s < began_s + 600:
            if self.leftovers.are_found([0]):
                return self.clock.passed_s - began_s
            self.clock.passed_s += 1
        return None


def test_a_partition_that_it_wrote_last_and_where_nothing_goes_on_is_nobodys() -> None:
    """After a while; then after twice that, since a new owner may be restoring."""
    looking = Looking(Group(ME, ME, "app-other"))
    assert looking.finds_after() == STILL_S
    again = looking.finds_after()
    assert again is not None
    assert 2 * STILL_S <= again <= 2 * STILL_S + 2 * LOOK_S


@pytest.mark.parametrize("writer", ["app-other", ""])
def test_what_others_wrote_last_is_theirs(writer: str) -> None:
    """An offset that an operator set names nobody."""
    assert Looking(Group(ME, writer, writer)).finds_after() is None


def test_where_all_is_read_nobody_is_missed() -> None:
    """Whoever has it has nothing to commit."""
    group = Group(ME, ME, ME)
    group.ends = dict.fromkeys(range(3), 5)
    assert Looking(group).finds_after() is None


def test_an_offset_that_moves_has_an_owner() -> None:
    """Who has not put its name to it yet would not have moved it."""
    group = Group(ME, ME, "app-other")
    looking = Looking(group)
    for _ in range(100):
        assert not looking.leftovers.are_found([0])
        looking.clock.passed_s += LOOK_S
        group.offsets[1] += 1
        group.ends = dict.fromkeys(range(3), 1_000)


def test_without_an_answer_nothing_is_found() -> None:
    """Kafka does not answer, or somebody is just committing there."""
    group = Group(ME, ME, ME)
    group.is_busy = True
    assert Looking(group).finds_after() is None
    group.is_busy, group.ends = False, None
    assert Looking(group).finds_after() is None


def test_only_static_members_look_and_only_at_what_they_do_not_have() -> None:
    """Of others the group knows by itself; of its own a member does not ask."""
    group = Group(ME, ME, ME)
    assert Looking(group, keeps_place=False).finds_after() is None
    assert group.asked == []
    assert not Looking(group).leftovers.are_found([0, 1, 2])
    assert group.asked == []
    Looking(group).leftovers.are_found([1])
    assert group.asked == [[0, 2]]
