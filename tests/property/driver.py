"""The life of one partition, in memory: batches, commits, crashes and restores.

What the pipeline does with Kafka, without either: committed outputs stay, everything else
is lost in a crash, after which the state comes back from the log, and the input from the
committed position.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from unittest import mock

from hypothesis import strategies as st
from msgspec import Struct, field

from consumer.aggregation.delta import Delta
from consumer.aggregation.policy import Policy
from consumer.aggregation.tallies import Tallies
from consumer.pipeline import state_log
from consumer.wire import state_entry
from consumer.wire.state_entry import StateDelta, Window
from tests.property.streams import WALL_MS, Event, Idle, Input
from tests.unit.aggregation.feed import Batch
from tests.unit.pipeline.ledger import Ledger, picture

UNLIMITED = 1_000_000


class After(enum.Enum):
    """What happens after a batch."""

    NOTHING = "nothing"
    COMMIT = "commit"
    REFUSED = "commit, refused once"
    CRASH = "crash"
    TORN = "crash in the middle of a commit"
    CLEAN = "commit, then delete what is not needed"


class Step(Struct, frozen=True):
    """One turn of the loop."""

    records: int
    most_reports: int
    after: After
    stray: bool = False
    """Records of another history get into the state partition."""


class Outcome(Struct):
    """All that was committed."""

    reports: list[tuple[bytes, bytes]] = field(default_factory=list)
    metrics: list[tuple[bytes, bytes]] = field(default_factory=list)
    dead_letters: list[tuple[int, str, str]] = field(default_factory=list)
    tallies: Tallies = field(default_factory=Tallies)


STRAIGHT = Step(UNLIMITED, UNLIMITED, After.NOTHING)

steps = st.lists(
    st.builds(
        Step,
        records=st.integers(1, 6),
        most_reports=st.sampled_from([1, 1, 2, 3, UNLIMITED]),
        after=st.sampled_from([*After, After.COMMIT, After.CLEAN]),
        stray=st.booleans(),
    ),
    min_size=15,
    max_size=50,
)


class Driver:
    """Goes through `events` step by step; what the steps leave is done at one go."""

    def __init__(self, policy: Policy, events: Sequence[Event]) -> None:
        self.ledger = Ledger(policy)
        self.events = events
        self.position = 0
        """Index of the next event; `committed` is where a crash leads back to."""
        self.committed = 0
        self.outcome = Outcome()

    def run(self, steps: Iterable[Step]) -> Outcome:
        """Everything that comes out, to the last event."""
        for step in _and_the_rest(steps):
            if self.position == len(self.events):
                break
            if step.stray:
                self.ledger.stray(_STRAY)
            is_full = self._work(step)
            self._end(After.COMMIT if is_full and step.after is After.NOTHING else step.after)
        self._commit(After.COMMIT)
        return self.outcome

    def _work(self, step: Step) -> bool:
        """One batch, or one idle time; whether the delta is full."""
        aggregator = self.ledger.aggregator
        event = self.events[self.position]
        held = len(aggregator.delta.reports)
        if isinstance(event, Idle):
            wall_ms = event.until_ms + aggregator.clock.lag_ms
            aggregator.advance(wall_ms, step.most_reports)
        else:
            batch = self._batch(step.records)
            done = aggregator.apply(batch, 0, WALL_MS, step.most_reports)
            self.position += done
        reports = len(aggregator.delta.reports)
        assert reports <= max(step.most_reports, held)  # a step may allow less than it finds
        is_full = reports >= step.most_reports
        if isinstance(event, Idle) and not is_full:
            self.position += 1
        return is_full

    def _batch(self, size: int) -> Batch:
        """Up to `size` records from the position on, as far as the next idle time."""
        records: list[Input] = []
        for event in self.events[self.position : self.position + size]:
            if isinstance(event, Idle):
                break
            records.append(event)
        offsets, timestamps, keys, values = zip(*records, strict=True)
        return Batch(offsets, timestamps, keys, values)

    def _end(self, after: After) -> None:
        if after in (After.CRASH, After.TORN):
            if after is After.TORN:
                self.ledger.abort(2)
            self.ledger.crash()
            self.position = self.committed
        elif after is not After.NOTHING:
            self._commit(after)

    def _commit(self, how: After) -> None:
        delta = self.ledger.delta
        if not delta.touched:
            assert delta == Delta()
            return
        start = self.ledger.named.start
        delta = self.ledger.commit(refused=how is After.REFUSED)
        assert self.ledger.named.start >= start
        self.committed = self.position
        self.outcome.reports += delta.reports
        self.outcome.metrics += delta.metrics
        self.outcome.dead_letters += [
            (found.offset, found.reason.value, found.message) for found in delta.dead_letters
        ]
        self.outcome.tallies.add(delta.tallies)
        if how is After.CLEAN:
            self.ledger.delete_unneeded()
        before = picture(self.ledger.aggregator)
        restored, log = self.ledger.read().finish(self.ledger.policy)
        assert picture(restored) == before
        assert log.length_bytes == self.ledger.log.length_bytes


def live(
    policy: Policy, events: Sequence[Event], steps: Iterable[Step], *, floor_bytes: int = 10**6
) -> Outcome:
    """A whole life, with chunks so short that they fill.

    The log is rewritten beyond `floor_bytes` over twice its live state: with every commit
    where that is negative.
    """
    with (
        mock.patch.object(state_entry, "encode", partial(state_entry.encode, chunk_bytes=1_200)),
        mock.patch.object(state_log, "FLOOR_BYTES", floor_bytes),
        mock.patch.object(state_log, "LEAST_REWRITE_BYTES", 100),
    ):
        return Driver(policy, events).run(steps)


def _and_the_rest(steps: Iterable[Step]) -> Iterator[Step]:
    yield from steps
    while True:
        yield STRAIGHT


_STRAY = state_entry.encode(
    StateDelta(
        version=state_entry.VERSION,
        incarnation="another life",
        sequence=1,
        chunk=0,
        chunks=1,
        clock_ms=10**9,
        lag_ms=0,
        window=state_entry.encode_window(Window(0)),
    ),
    ["a"],
    [],
)[0]
