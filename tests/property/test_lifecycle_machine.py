"""Every way a txid can live and end, at random, with crashes in between.

Two members live through the same records and times: one undisturbed, one in batches and
commits that are refused, torn and cut short, with crashes and restores from the state log.
The oracle has the same history. In the end all three must tell the same story.
"""

from __future__ import annotations

from contextlib import ExitStack

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from msgspec import structs

from consumer.aggregation.partition import UNBOUNDED
from consumer.aggregation.policy import Policy
from tests.property import streams
from tests.property.driver import STRAIGHT, After, Driver, Step, small_scale
from tests.property.judge import feed, imbalance, oracle, problems
from tests.property.streams import WALL_MS, Event, Idle, Input, Payload, bounded

_MUCH_LATER_MS = 10_000


class Lifecycle(RuleBasedStateMachine):
    """One partition."""

    revise = True
    is_crowded = False

    def __init__(self) -> None:
        super().__init__()
        self.patches = ExitStack()
        self.events: list[Event] = []
        self.at_ms = 1
        """Where the timestamps stand, of which the clock has seen the largest."""
        self.clock_ms = 0

    @initialize(
        policy=streams.policies,
        share_bytes=streams.small_shares,
        floor_bytes=st.sampled_from([-10_000, 0, 500]),
        at_ms=st.sampled_from([1, 995, WALL_MS - 100]),
    )
    def start(self, policy: Policy, share_bytes: int, floor_bytes: int, at_ms: int) -> None:
        """A member with an empty state."""
        self.patches.enter_context(small_scale(floor_bytes))
        self.at_ms = at_ms
        self.policy = structs.replace(policy, revise=self.revise)
        share_bytes = share_bytes if self.is_crowded else UNBOUNDED
        self.undisturbed = Driver(self.policy, self.events, share_bytes)
        self.disturbed = Driver(self.policy, self.events, share_bytes)
        self.oracle = oracle(self.policy, share_bytes)

    # What happens to both

    @rule(payload=streams.payloads(streams.callbacks), step_ms=streams.steps_ms)
    def callback(self, payload: Payload, step_ms: int) -> None:
        """Items come, new or not."""
        self._record(payload, step_ms)

    @rule(payload=streams.payloads(streams.callbacks), step_ms=streams.steps_ms)
    def another_callback(self, payload: Payload, step_ms: int) -> None:
        """Likewise: they are the most frequent kind."""
        self._record(payload, step_ms)

    @rule(
        payload=streams.payloads(streams.fat_callbacks | streams.long_expectations),
        step_ms=streams.steps_ms,
    )
    def something_long(self, payload: Payload, step_ms: int) -> None:
        """A few of them make a report that must be split."""
        self._record(payload, step_ms)

    @rule(payload=streams.payloads(streams.expectations), step_ms=streams.steps_ms)
    def expectation(self, payload: Payload, step_ms: int) -> None:
        """Devices are asked for, or the whole account."""
        self._record(payload, step_ms)

    @rule(payload=streams.payloads(streams.others), step_ms=streams.steps_ms)
    def something_else(self, payload: Payload, step_ms: int) -> None:
        """An acknowledgement, a bare txid, or something hostile."""
        self._record(payload, step_ms)

    @rule(back=st.integers(0, 30), step_ms=streams.steps_ms)
    def redelivery(self, back: int, step_ms: int) -> None:
        """Something comes again, byte by byte."""
        sent = [event for event in self.events if isinstance(event, Input)]
        if sent:
            again = sent[-1 - back % len(sent)]
            self._record(Payload(again.key, again.value), step_ms)

    @rule(payload=streams.payloads(streams.callbacks), at_ms=streams.odd_times_ms)
    def odd_time(self, payload: Payload, at_ms: int) -> None:
        """A record without a timestamp, or from a far future."""
        self._happened(Input(self._next_offset(), at_ms, payload.key, payload.value))

    @rule(step_ms=streams.steps_ms)
    def idleness(self, step_ms: int) -> None:
        """Nothing comes, and time goes on."""
        self.clock_ms += abs(step_ms)
        self.at_ms = max(self.at_ms, self.clock_ms)
        self._happened(Idle(self.clock_ms))

    # What happens to one of them

    @rule(
        records=st.integers(1, 12),
        most_reports=streams.most_reports,
        after=st.sampled_from(After),
        stray=st.booleans(),
    )
    def turn(self, records: int, most_reports: int, after: After, stray: bool) -> None:
        """A batch of what is there, and what becomes of it."""
        self.disturbed.step(Step(records, most_reports, after, stray))

    @rule(records=st.integers(1, 12), most_reports=streams.most_reports)
    def commit(self, records: int, most_reports: int) -> None:
        """A batch that is committed: the most frequent turn."""
        self.disturbed.step(Step(records, most_reports, After.COMMIT))

    def teardown(self) -> None:
        """Time goes on until nothing is open or remembered: judge what came out."""
        try:
            if hasattr(self, "oracle"):
                self._judge()
        finally:
            self.patches.close()

    def _judge(self) -> None:
        self._happened(Idle(self.clock_ms + _MUCH_LATER_MS))
        undisturbed = self.undisturbed.run([STRAIGHT])
        assert problems(undisturbed, self.oracle) == []
        disturbed = self.disturbed.run([])
        assert disturbed.reports == undisturbed.reports
        assert disturbed.metrics == undisturbed.metrics
        assert disturbed.dead_letters == undisturbed.dead_letters
        assert disturbed.tallies == undisturbed.tallies
        records = sum(isinstance(event, Input) for event in self.events)
        assert imbalance(undisturbed, records, self.policy.report_bytes) == []
        assert not self.oracle.table
        assert not len(self.disturbed.ledger.aggregator.table)

    def _record(self, payload: Payload, step_ms: int) -> None:
        self.at_ms = max(self.at_ms + step_ms, 1)
        self._happened(Input(self._next_offset(), self.at_ms, payload.key, payload.value))

    def _next_offset(self) -> int:
        """Offsets have gaps, as transactions of producers leave them."""
        return 10 + 3 * len(self.events)

    def _happened(self, event: Event) -> None:
        if isinstance(event, Input):
            self.clock_ms = max(self.clock_ms, bounded(event.timestamp_ms))
        self.events.append(event)
        feed(self.oracle, [event])


class Crowded(Lifecycle):
    """With room for very few txids."""

    is_crowded = True


class Refusing(Lifecycle):
    """What comes late becomes dead letters."""

    revise = False


class CrowdedRefusing(Crowded, Refusing):
    """Both."""


# In four runs: hypothesis keeps much of what it has drawn until a run is over. With the
# thorough profile 6,000 in all.
_SETTINGS = settings(max_examples=settings().max_examples * 3 // 4, stateful_step_count=50)

TestRevisions = Lifecycle.TestCase
TestCrowdedRevisions = Crowded.TestCase
TestDeadLetters = Refusing.TestCase
TestCrowdedDeadLetters = CrowdedRefusing.TestCase
TestRevisions.settings = _SETTINGS
TestCrowdedRevisions.settings = _SETTINGS
TestDeadLetters.settings = _SETTINGS
TestCrowdedDeadLetters.settings = _SETTINGS
