"""The code obeys the table, and the table lists all that can happen."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from consumer.aggregation.lifecycle import (
    COMPLETED,
    COUNT,
    CREATE,
    DUPLICATE,
    EMIT,
    EXPIRED,
    FORGET,
    FORGOTTEN,
    MERGE,
    OPEN,
    PART,
    REFUSE,
    REMEMBERED,
    TRANSITIONS,
    UNKNOWN,
)
from tests.unit.aggregation.feed import Feed, callback, usage


def phase(feed: Feed) -> str:
    """Where txid `a` stands."""
    state = feed.aggregator.table.by_txid.get("a")
    return UNKNOWN if state is None else state.phase


def bring(feed: Feed, to: str) -> None:
    """Txid `a` into a phase, with the items of devices 1 and 2, at 1,000."""
    if to != UNKNOWN:
        feed.devices("a", "1", "2", at=1_000)
    if to == REMEMBERED:
        feed.tick(1_100)
    assert phase(feed) == to
    feed.aggregator.take()


EVENTS: dict[tuple[str, str], Callable[[Feed], None]] = {
    (UNKNOWN, PART): lambda feed: feed.devices("a", "1", at=1_000),
    (OPEN, PART): lambda feed: feed.send(callback("a", usage("1", 7)), 1_050),
    (OPEN, DUPLICATE): lambda feed: feed.devices("a", "2", at=1_050),
    (OPEN, COMPLETED): lambda feed: feed.devices("a", "3", at=1_050),
    (OPEN, EXPIRED): lambda feed: feed.tick(1_100),
    (REMEMBERED, DUPLICATE): lambda feed: feed.devices("a", "2", at=1_150),
    (REMEMBERED, PART): lambda feed: feed.devices("a", "3", at=1_150),
    (REMEMBERED, FORGOTTEN): lambda feed: feed.tick(1_600),
}
"""How each event of the table is brought about in its phase."""


def action(feed: Feed, before: str) -> str:
    """What the aggregator did about the event, by its traces in the delta."""
    delta, tallies = feed.delta, feed.delta.tallies
    traces = {
        EMIT: bool(delta.reports),
        FORGET: bool(delta.forgotten),
        REFUSE: feed.reasons != [] and tallies.late > 0,
        COUNT: tallies.duplicates > 0 and not tallies.usage,
        CREATE: tallies.usage > 0 and before == UNKNOWN,
        MERGE: tallies.usage > 0 and before == OPEN and not delta.reports,
    }
    (found,) = (name for name, is_seen in traces.items() if is_seen)
    return found


@pytest.mark.parametrize(("before", "event"), EVENTS)
def test_every_transition_of_the_table_is_made(before: str, event: str) -> None:
    """From the listed phase the event leads to the listed phase by the listed action."""
    feed = Feed()
    bring(feed, before)
    EVENTS[before, event](feed)
    assert (phase(feed), action(feed, before)) == TRANSITIONS[before, event]


def test_nothing_of_the_table_is_left_out() -> None:
    """The events above are all of it."""
    assert EVENTS.keys() == TRANSITIONS.keys()


def test_nothing_but_the_table_can_be_provoked() -> None:
    """In a long random life, record by record, every step follows the table.

    A record may do two things: what falls due by its timestamp comes first, and a part may
    complete.
    """
    rng = random.Random(11)  # noqa: S311 - the same life every time
    feed = Feed()
    reachable = {
        before: {after for (start, _), (after, _) in TRANSITIONS.items() if start == before}
        for before in (UNKNOWN, OPEN, REMEMBERED)
    }
    seen = set()
    now_ms = 0
    for _ in range(20_000):
        before = phase(feed)
        now_ms += rng.choice((0, 0, 0, 10, 40, 110, 600))
        feed.tick(now_ms)
        due = phase(feed)
        steps = [(before, due)]
        if before == OPEN and due == UNKNOWN:  # both deadlines had come
            steps = [(OPEN, REMEMBERED), (REMEMBERED, UNKNOWN)]
        items = [usage(rng.choice("1234567")) for _ in range(rng.randrange(3))]
        feed.send(callback("a", *items), now_ms)
        after = phase(feed)
        if due == UNKNOWN and after == REMEMBERED:  # opened and completed by one record
            steps += [(UNKNOWN, OPEN), (OPEN, REMEMBERED)]
        else:
            steps.append((due, after))
        for start, end in steps:
            assert start == end or end in reachable[start], (start, end)
            seen.add((start, end))
    assert {(start, end) for start in reachable for end in reachable[start]} <= seen
