"""The code obeys the table, and the table lists all that can happen."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from consumer.aggregation import partition
from consumer.aggregation.items import ItemSet
from consumer.aggregation.lifecycle import (
    COMPLETED,
    COUNT,
    CREATE,
    CROWDED,
    DUPLICATE,
    EMIT,
    EXPIRED,
    FORGET,
    FORGOTTEN,
    MARKED,
    MERGE,
    OPEN,
    PART,
    REFUSE,
    REMEMBERED,
    REOPEN,
    SETTLED,
    SHED,
    TRANSITIONS,
    UNKNOWN,
    diagram,
)
from consumer.aggregation.policy import Policy
from consumer.aggregation.table import TxidTable
from consumer.aggregation.txid import MARKED_BYTES, Numbers, Txid
from consumer.wire.canonical import DIGEST_BYTES
from tests.unit.aggregation.feed import DEAD_LETTER, POLICY, Feed, callback, expectation, usage

ROOM_BYTES = 5_000
"""More than a few items of a txid need."""


def phase(feed: Feed) -> str:
    """Where txid `a` stands."""
    state = feed.known("a")
    return UNKNOWN if state is None else state.phase


def crowd(feed: Feed, at: int, *, out: bool = False) -> None:
    """Leave no room for the items of `a`, or not even for its mark (`out`)."""
    mark_bytes = MARKED_BYTES + len("a") + 2 * DIGEST_BYTES
    feed.aggregator.share_bytes = 0 if out else mark_bytes
    feed.tick(at)
    feed.aggregator.share_bytes = partition.UNBOUNDED


def bring(feed: Feed, to: str) -> None:
    """Txid `a` into a phase, with the items of devices 1 and 2, at 1,000."""
    if to != UNKNOWN:
        feed.devices("a", "1", "2", at=1_000)
    if to in {REMEMBERED, MARKED}:
        feed.tick(1_100)
    if to == MARKED:
        crowd(feed, 1_100)
    assert phase(feed) == to
    feed.aggregator.take()


STEPS: dict[str, tuple[str, Callable[[Feed], None], list[tuple[str, str]]]] = {
    "opened": (UNKNOWN, lambda feed: feed.devices("a", "1", at=1_000), [(UNKNOWN, PART)]),
    "grown": (OPEN, lambda feed: feed.send(callback("a", usage("1", 7)), 1_050), [(OPEN, PART)]),
    "known": (OPEN, lambda feed: feed.devices("a", "2", at=1_050), [(OPEN, DUPLICATE)]),
    "completed": (
        OPEN,
        lambda feed: feed.devices("a", "3", at=1_050),
        [(OPEN, PART), (OPEN, COMPLETED)],
    ),
    "expired": (OPEN, lambda feed: feed.tick(1_100), [(OPEN, EXPIRED)]),
    "crowded": (OPEN, lambda feed: crowd(feed, 1_050), [(OPEN, CROWDED), (REMEMBERED, CROWDED)]),
    "reopened": (
        REMEMBERED,
        lambda feed: feed.send(callback("a", usage("1", 7)), 1_150),
        [(REMEMBERED, PART)],
    ),
    "known after": (
        REMEMBERED,
        lambda feed: feed.devices("a", "2", at=1_150),
        [(REMEMBERED, DUPLICATE)],
    ),
    "shed": (REMEMBERED, lambda feed: crowd(feed, 1_150), [(REMEMBERED, CROWDED)]),
    "outgrown": (
        OPEN,
        lambda feed: feed.send(callback("a", usage("1", note="x" * ROOM_BYTES)), 1_050),
        [(OPEN, PART), (OPEN, CROWDED), (REMEMBERED, SETTLED)],
    ),
    "forgotten": (REMEMBERED, lambda feed: feed.tick(1_600), [(REMEMBERED, FORGOTTEN)]),
    "late": (MARKED, lambda feed: feed.devices("a", "3", at=1_150), [(MARKED, PART)]),
    "known by its mark": (
        MARKED,
        lambda feed: feed.devices("a", "2", at=1_150),
        [(MARKED, DUPLICATE)],
    ),
    "crowded out": (MARKED, lambda feed: crowd(feed, 1_150, out=True), [(MARKED, CROWDED)]),
    "mark forgotten": (MARKED, lambda feed: feed.tick(1_600), [(MARKED, FORGOTTEN)]),
}
"""The phase before, what is done to the txid, and the steps of the table that this makes."""


def actions(feed: Feed, before: str) -> set[str]:
    """What the aggregator did about it, by the traces in the delta."""
    delta, tallies = feed.delta, feed.delta.tallies
    grown = tallies.usage > 0
    traces = {
        EMIT: bool(delta.reports),
        FORGET: bool(delta.forgotten),
        SHED: before != MARKED and phase(feed) == MARKED,
        REFUSE: feed.reasons != [] and tallies.late > 0,
        COUNT: tallies.duplicates > 0 and not grown,
        CREATE: grown and before == UNKNOWN,
        MERGE: grown and before == OPEN,
        REOPEN: grown and before == REMEMBERED,
    }
    return {name for name, is_seen in traces.items() if is_seen}


@pytest.mark.parametrize("name", STEPS)
def test_every_transition_of_the_table_is_made(name: str) -> None:
    """From the listed phase the event leads to the listed phase by the listed action."""
    before, bring_about, steps = STEPS[name]
    feed = Feed(txid_bytes=ROOM_BYTES)
    bring(feed, before)
    bring_about(feed)
    assert phase(feed) == TRANSITIONS[steps[-1]][0]
    assert actions(feed, before) == {TRANSITIONS[step][1] for step in steps}


def test_nothing_of_the_table_is_left_out() -> None:
    """The steps above are all of it."""
    assert {step for _, _, steps in STEPS.values() for step in steps} == TRANSITIONS.keys()


class Recording(TxidTable):
    """Notes every change of a phase: all of them go through the table of txids."""

    __slots__ = ("seen",)

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self.seen: set[tuple[str, str]] = set()

    def open(
        self, txid: str, offset: int, now_ms: int, usage: ItemSet | None = None, size: int = 0
    ) -> Txid:
        """From the unknown."""
        state = super().open(txid, offset, now_ms, usage, size)
        self.seen.add((UNKNOWN, state.phase))
        return state

    def emitted(self, state: Txid, closed_ms: int) -> None:
        """From open."""
        before = state.phase
        super().emitted(state, closed_ms)
        self.seen.add((before, state.phase))

    def reopen(self, state: Txid, now_ms: int, previous: Numbers) -> None:
        """To open."""
        before = state.phase
        super().reopen(state, now_ms, previous)
        self.seen.add((before, state.phase))

    def mark(self, state: Txid) -> None:
        """To marked."""
        before = state.phase
        super().mark(state)
        self.seen.add((before, state.phase))

    def forget(self, state: Txid) -> None:
        """To the unknown."""
        self.seen.add((state.phase, UNKNOWN))
        super().forget(state)


@pytest.fixture
def _recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aggregators have a table that notes what happens in it."""
    monkeypatch.setattr(partition, "TxidTable", Recording)


def live(policy: Policy, **changes: Any) -> set[tuple[str, str]]:
    """Every change of phase in a long random life, often short of room."""
    rng = random.Random(11)  # noqa: S311 - the same life every time
    feed = Feed(policy, **changes)
    now_ms = 0
    for _ in range(8_000):
        feed.aggregator.share_bytes = rng.choice((partition.UNBOUNDED, 8_000, 4_000))
        now_ms += rng.choice((0, 0, 0, 10, 40, 110, 600))
        txid = rng.choice("abc")
        imeis = [rng.choice("1234567") for _ in range(rng.randrange(3))]
        if rng.random() < 0.1:
            feed.send(expectation(txid, *imeis), now_ms)
        else:
            feed.send(callback(txid, *map(usage, imeis)), now_ms)
    table = feed.aggregator.table
    assert isinstance(table, Recording)
    return table.seen


@pytest.mark.usefixtures("_recorded")
def test_nothing_but_the_table_can_be_provoked() -> None:
    """In a long random life the phase changes in all ways of the table, and in no other."""
    steps = {(before, after) for (before, _), (after, _) in TRANSITIONS.items() if before != after}
    assert live(POLICY, txid_bytes=2_500) == steps


@pytest.mark.usefixtures("_recorded")
def test_nothing_is_reopened_where_late_parts_become_dead_letters() -> None:
    """With that policy what was emitted is marked at once, so that nothing else happens to it."""
    assert live(DEAD_LETTER) == {
        (UNKNOWN, OPEN),
        (OPEN, REMEMBERED),
        (REMEMBERED, MARKED),
        (MARKED, UNKNOWN),
    }


def test_the_diagram_has_a_line_for_every_transition() -> None:
    """The unknown is where lives begin and end."""
    lines = diagram().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert len(lines) == 1 + len(TRANSITIONS)
    assert "    [*] --> open: part / create" in lines
    assert "    marked --> [*]: forgotten / forget" in lines
