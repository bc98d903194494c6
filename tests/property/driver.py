"""The life of one partition, in memory: batches, commits, crashes and restores.

What the pipeline does with Kafka, without either: committed outputs stay, everything else
is lost in a crash, after which the state comes back from the log, and the input from the
committed position.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from unittest import mock

from hypothesis import strategies as st
from msgspec import Struct, field

from consumer.aggregation import capacity, timers
from consumer.aggregation.delta import Delta
from consumer.aggregation.partition import UNBOUNDED
from consumer.aggregation.policy import Policy
from consumer.aggregation.tallies import Tallies
from consumer.pipeline import state_log
from consumer.wire import state_chunks, state_entry
from consumer.wire.report import PART_MARK
from consumer.wire.state_entry import Rows, StateDelta, Window
from tests.property import streams
from tests.property.streams import UNLIMITED, WALL_MS, Event, Idle, Input
from tests.unit.aggregation.feed import Batch
from tests.unit.pipeline.ledger import Ledger, picture


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
        most_reports=streams.most_reports,
        after=st.sampled_from([*After, After.COMMIT, After.CLEAN]),
        stray=st.booleans(),
    ),
    min_size=15,
    max_size=50,
)


class Driver:
    """Goes through `events`, to which more may be added on the way, step by step."""

    def __init__(
        self, policy: Policy, events: Sequence[Event], share_bytes: int = UNBOUNDED
    ) -> None:
        self.ledger = Ledger(policy)
        self.share_bytes = share_bytes
        self.events = events
        self.position = 0
        """Index of the next event; `committed` is where a crash leads back to."""
        self.committed = 0
        self.outcome = Outcome()
        self.ledger.aggregator.share_bytes = share_bytes

    def run(self, steps: Iterable[Step]) -> Outcome:
        """Everything that comes out, to the last event; what the steps leave is done at once."""
        for step in _and_the_rest(steps):
            if self.position == len(self.events):
                break
            self.step(step)
        self._commit(After.COMMIT)
        return self.outcome

    def step(self, step: Step) -> None:
        """One turn, of which the work is left out where there is none."""
        if step.stray:
            self.ledger.stray(_STRAY)
        is_full = self.position < len(self.events) and self._work(step)
        self._end(After.COMMIT if is_full and step.after is After.NOTHING else step.after)

    def _work(self, step: Step) -> bool:
        """One batch, or one idle time; whether the delta is full."""
        aggregator = self.ledger.aggregator
        event = self.events[self.position]
        held = _whole(aggregator.delta)
        if isinstance(event, Idle):
            wall_ms = event.until_ms + aggregator.clock.lag_ms
            aggregator.advance(wall_ms, step.most_reports)
        else:
            batch = self._batch(step.records)
            done = aggregator.apply(batch, 0, WALL_MS, step.most_reports)
            self.position += done
        # A step may allow less than it finds.
        assert _whole(aggregator.delta) <= max(step.most_reports, held)
        is_full = len(aggregator.delta.reports) >= step.most_reports
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
            self.ledger.aggregator.share_bytes = self.share_bytes
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


@contextmanager
def small_scale(floor_bytes: int = 10**6) -> Iterator[None]:
    """Everything that is meant for millions of txids happens with a few, too.

    Chunks of the state log fill, and it is rewritten beyond `floor_bytes` over twice its live
    state: with every commit where that is negative. Stale timers are swept out at once, and
    two txids at a time are chosen to give way.
    """
    with (
        mock.patch.object(timers, "LEAST_SWEEP", 0),
        mock.patch.object(capacity, "LEAST_LOOK", 2),
        mock.patch.object(state_chunks, "encode", partial(state_chunks.encode, chunk_bytes=1_200)),
        mock.patch.object(state_log, "FLOOR_BYTES", floor_bytes),
        mock.patch.object(state_log, "LEAST_REWRITE_BYTES", 100),
    ):
        yield


def live(
    policy: Policy,
    events: Sequence[Event],
    steps: Iterable[Step],
    *,
    floor_bytes: int = 10**6,
    share_bytes: int = UNBOUNDED,
) -> Outcome:
    """A whole life."""
    with small_scale(floor_bytes):
        return Driver(policy, events, share_bytes).run(steps)


def _whole(delta: Delta) -> int:
    """Reports, however many parts they have."""
    return sum(PART_MARK not in key for key, _ in delta.reports)


def _and_the_rest(steps: Iterable[Step]) -> Iterator[Step]:
    yield from steps
    while True:
        yield STRAIGHT


_STRAY = state_chunks.encode(
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
    Rows(),
    [],
)[0]
