"""Requests that come again, or late: what the coordinators make of those of the old protocol."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.acts import settle
from tests.contract.world import Requests, World
from tests.harness.cluster import Committed

DONE, STATE = "NO_ERROR", "INVALID_TXN_STATE"
BUSY = frozenset({"CONCURRENT_TRANSACTIONS", "COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR"})
FENCED = "INVALID_PRODUCER_EPOCH"
LATER = 9


def until(world: World, answer: str, request: Callable[[], str]) -> None:
    """Ask until the coordinator is not busy any more; this must be its answer then."""
    answers: list[str] = []

    def is_answered() -> bool:
        answers.append(request())
        return answers[-1] not in BUSY

    world.until(is_answered, "an answer")
    assert answers[-1] == answer


def begun(world: World) -> Requests:
    """A transaction with an offset in it."""
    world.make_topics()
    requests = world.requests("a")
    until(world, DONE, requests.init)
    until(world, DONE, requests.add)
    until(world, DONE, requests.add_offsets)
    until(world, DONE, lambda: requests.send_offset(5))
    return requests


@pytest.mark.parametrize("committed", [True, False])
def test_an_end_that_comes_again_is_answered_as_the_first_and_changes_nothing(
    world: World, *, committed: bool
) -> None:
    """Were it the other end, it is refused."""
    requests = begun(world)
    until(world, DONE, lambda: requests.end(committed=committed))

    until(world, DONE, lambda: requests.end(committed=committed))
    until(world, STATE, lambda: requests.end(committed=not committed))

    settle(world, world.state)
    assert world.ends(world.state) == {0: 1}
    wanted = {0: Committed(5, "")} if committed else {}
    world.until(lambda: world.committed() == wanted, "the offset")


def test_what_was_never_begun_cannot_be_ended(world: World) -> None:
    """Neither way."""
    world.make_topics()
    requests = world.requests("a")
    until(world, DONE, requests.init)

    until(world, STATE, lambda: requests.end(committed=True))
    until(world, STATE, lambda: requests.end(committed=False))


def test_a_partition_is_added_once_however_often_it_is_said(world: World) -> None:
    """So is the group; of an offset the last word counts."""
    requests = begun(world)

    until(world, DONE, requests.add)
    until(world, DONE, requests.add_offsets)
    until(world, DONE, lambda: requests.send_offset(LATER))
    until(world, DONE, lambda: requests.end(committed=True))

    world.until(lambda: world.committed() == {0: Committed(LATER, "")}, "the offset")
    settle(world, world.state)
    assert world.ends(world.state) == {0: 1}


def test_an_offset_that_comes_when_its_transaction_is_over_is_refused(world: World) -> None:
    """It would wait there for the next one of its producer, and hold up who asks."""
    requests = begun(world)
    until(world, DONE, lambda: requests.end(committed=True))
    until(world, DONE, lambda: requests.end(committed=True))

    until(world, STATE, lambda: requests.send_offset(LATER))

    assert world.client("b").offsets.committed([0], 10) == {0: Committed(5, "")}


def test_an_old_epoch_can_do_nothing(world: World) -> None:
    """What its successor has open stays open."""
    requests = begun(world)
    successor = world.requests("a")
    until(world, DONE, successor.init)
    until(world, DONE, successor.add)
    until(world, DONE, successor.add_offsets)
    until(world, DONE, lambda: successor.send_offset(LATER))

    until(world, FENCED, lambda: requests.end(committed=True))
    until(world, FENCED, requests.add)
    until(world, FENCED, requests.add_offsets)
    until(world, FENCED, lambda: requests.send_offset(5))
    assert world.committed() == {}

    until(world, DONE, lambda: successor.end(committed=True))
    world.until(lambda: world.committed() == {0: Committed(LATER, "")}, "the offset")


def test_what_is_added_late_begins_a_transaction(world: World) -> None:
    """Whoever it is that waits for nothing of it: it is open until it is ended, or times out."""
    requests = begun(world)
    until(world, DONE, lambda: requests.end(committed=True))

    until(world, DONE, requests.add)
    until(world, DONE, lambda: requests.end(committed=False))
    until(world, DONE, lambda: requests.end(committed=False))
