"""When a member takes a partition for one that belongs to nobody, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import msgspec
import pytest

from consumer.pipeline.leftovers import ANSWER_S, LOOK_S, REJOIN_S, Leftovers
from consumer.pipeline.ports import Offsets
from tests.unit.pipeline.member import POLICY, Clock

Shares = Mapping[str, Sequence[int]]

ME = "b-me"
WHOLE: Shares = {"a": [0, 1], ME: [2]}
HOLE: Shares = {"a": [0, 1], ME: []}
"""Nobody has partition 2, and this member the fewest."""


class Group:
    """What it answers, time after time; the last answer again and again."""

    def __init__(self, *answers: Shares | None) -> None:
        self.answers = list(answers)
        self.asked_s: list[float] = []
        self.clock = Clock()

    def members(self, timeout_s: float) -> Shares | None:
        """The next answer."""
        assert timeout_s == ANSWER_S
        self.asked_s.append(self.clock.passed_s)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Later:
    """A call beside the loop that is made when it is asked about for the second time."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._asked = 0

    def done(self, *, wait: bool) -> bool:
        """Whether it has been made."""
        assert not wait
        self._asked += 1
        if self._asked == 2:
            self._call()
        return self._asked >= 2


class Looking:
    """A member of a group with three partitions, whose loop turns once a second."""

    def __init__(self, group: Group, *, keeps_place: bool = True, me: str = ME) -> None:
        self._clock = group.clock
        self._me = me
        policy = msgspec.structs.replace(POLICY, keeps_place=keeps_place, input_partitions=3)
        self._leftovers = Leftovers(policy, cast("Offsets", group), self._clock, Later)

    def acts_after(self) -> float | None:
        """How long until it is to join anew, within ten minutes."""
        began_s = self._clock.passed_s
        while self._clock.passed_s < began_s + 600:
            self._clock.passed_s += 1
            if self._leftovers.are_mine(lambda: self._me):
                return self._clock.passed_s - began_s
        return None


def test_what_nobody_has_in_two_answers_is_left_over() -> None:
    """The second question is put a while after the first answer."""
    group = Group(HOLE)
    acts_s = Looking(group).acts_after()
    first_s, second_s = group.asked_s
    assert second_s - first_s >= LOOK_S
    assert acts_s is not None
    assert second_s <= acts_s < 3 * LOOK_S


def test_where_everything_has_an_owner_nothing_happens() -> None:
    """However often it looks."""
    group = Group(WHOLE)
    assert Looking(group).acts_after() is None
    assert len(group.asked_s) > 10


@pytest.mark.parametrize(
    "between",
    [
        None,  # a rebalance, or no answer
        WHOLE,
        {"a": [0, 1], "another": []},
        {**HOLE, "new": []},
        {"a": [1, 2], ME: []},  # another partition
        {},
    ],
)
def test_an_answer_that_does_not_agree_begins_it_all_anew(between: Shares | None) -> None:
    """Two must do so in a row."""
    group = Group(HOLE, between, HOLE, between, HOLE, HOLE)
    Looking(group).acts_after()
    assert len(group.asked_s) == 6


def test_other_partitions_do_not_matter() -> None:
    """What one of the answers left to nobody, and the other did not, is not left over."""
    group = Group({"a": [0], ME: []}, {"a": [0, 1], ME: []})
    Looking(group).acts_after()
    assert len(group.asked_s) == 2


@pytest.mark.parametrize(
    ("shares", "answers"),
    [
        ({ME: [0], "c": [1]}, 2),
        ({"a": [0], ME: [1]}, 3),
        ({"a": [], "aa": [0], ME: [1]}, 4),
        ({"z": [], ME: [1]}, 3),
    ],
)
def test_each_member_waits_its_turn(shares: Shares, answers: int) -> None:
    """The fewest partitions first, then by name: one answer longer for each one before it."""
    group = Group(shares)
    Looking(group).acts_after()
    assert len(group.asked_s) == answers


def test_who_is_no_member_does_nothing() -> None:
    """Its own name is not among the answer's."""
    assert Looking(Group(HOLE), me="").acts_after() is None


def test_one_who_has_acted_looks_anew_and_waits() -> None:
    """Should it not have helped."""
    looking = Looking(Group(HOLE))
    looking.acts_after()
    again_s = looking.acts_after()
    assert again_s is not None
    assert REJOIN_S <= again_s <= REJOIN_S + 2 * LOOK_S


def test_only_who_keeps_its_place_looks() -> None:
    """All others the group misses by itself."""
    group = Group(HOLE)
    assert Looking(group, keeps_place=False).acts_after() is None
    assert group.asked_s == []
