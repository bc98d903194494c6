from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from consumer.pipeline.garbage import PERIOD_S, Garbage


class Cycle:
    """Holds itself, as an exception may hold a whole pipeline."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The collector is the process's: put it back."""
    yield
    gc.unfreeze()
    gc.enable()


@pytest.fixture
def collections() -> Iterator[list[int]]:
    """The generations that were collected since the test began."""
    found: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            found.append(info["generation"])

    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)


def test_the_collector_is_off_and_sees_nothing_of_what_was_there() -> None:
    """What the start has made stays for good, so it is not looked at again."""
    Garbage(100.0)

    assert not gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_cycles_are_collected_when_there_is_time(collections: list[int]) -> None:
    """Once in a period, and all generations of them."""
    garbage = Garbage(100.0)
    collections.clear()
    garbage.step(100.0 + PERIOD_S - 1)
    assert collections == []

    garbage.step(100.0 + PERIOD_S)
    garbage.step(100.0 + PERIOD_S + 1)
    assert collections == [2]

    garbage.step(100.0 + 2 * PERIOD_S)
    assert collections == [2, 2]


def test_what_survives_is_frozen_too() -> None:
    """The next collection costs as much as was made since this one, however much there is."""
    garbage = Garbage(100.0)
    before = gc.get_freeze_count()
    kept = [[number] for number in range(10_000)]
    garbage.step(100.0 + PERIOD_S)

    assert gc.get_freeze_count() >= before + len(kept)


def test_what_a_torn_down_pipeline_left_is_freed_by_the_next_one() -> None:
    """Although it had been frozen, cycles and all: else each teardown would cost its state."""
    Garbage(100.0)
    left = Cycle()
    gone = weakref.ref(left)
    gc.freeze()
    del left
    assert gone() is not None

    Garbage(200.0)
    assert gone() is None
