"""Pipelines of one group, whatever befalls them: what comes out is what the records alone make.

Several members share partitions of a Kafka in memory (`group`) that rebalances, throws members
out, loses answers and fails calls at any moment, be a commit under way or not; members are
killed and stopped as well. In the end each report, metrics record and dead letter has come
out once, in order, byte for byte, and the state can be restored.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from consumer.aggregation.delta import Delta
from consumer.aggregation.partition import PartitionAggregator
from consumer.aggregation.policy import Policy
from consumer.errors import Action, Fault
from consumer.pipeline import garbage
from consumer.pipeline.loop import Pipeline, Ports
from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.restore import Restore
from consumer.wire import report, state_entry
from tests.property import streams
from tests.property.clients import Later, Offsets, Producer, Reader
from tests.property.driver import small_scale
from tests.property.group import Consumer, Kafka
from tests.property.streams import UNLIMITED, WALL_MS, Event, Input
from tests.unit.aggregation.feed import Batch
from tests.unit.pipeline.ledger import picture
from tests.unit.pipeline.member import POLICY

MOST_TURNS = 20_000
"""That a calm group may need for the rest."""


class Clock:
    """Goes on with every look."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def wall_ms(self) -> int:
        """Where the oracle's stands, too."""
        return WALL_MS

    def monotonic_s(self) -> float:
        """A little later each time."""
        self._now_s += 0.001
        return self._now_s


class Blind:
    """An observer that does not look."""

    def __getattr__(self, _: str) -> Any:
        return lambda *_: None


class Life:
    """One pipeline with its clients, from the first turn to a fault or a stop."""

    def __init__(self, kafka: Kafka, policy: PipelinePolicy, number: int, name: str) -> None:
        self.member = Consumer(kafka, number)
        self.producer = Producer(kafka, name)
        self.pipeline = Pipeline(
            policy,
            Ports(
                source=self.member,
                transactions=self.producer,
                reader=Reader(kafka),
                offsets=Offsets(kafka, name),
                clock=Clock(),
                observer=Blind(),
                new_incarnation=lambda: f"life-{number}",
                aside=lambda call: Later(self.producer, call),
            ),
        )
        self.producer.init()
        self.member.subscribe(self.pipeline)


class Crew:
    """Members by name, each with one life after the other."""

    def __init__(self, kafka: Kafka, policy: PipelinePolicy, names: Sequence[str]) -> None:
        self.kafka = kafka
        self.seen: Counter[str] = Counter()
        self._policy = policy
        self._names = names
        self._lives: dict[str, Life] = {}
        self._count = 0

    def disturb(self) -> None:
        """Something befalls one of them, or it just goes on."""
        name = self.kafka.chance.choice(self._names)
        life = self._lives.get(name)
        what = self.kafka.chance.choices(
            ("turn", "throw_out", "rebalance", "kill", "stop", "beside"), (80, 3, 3, 1, 2, 6)
        )[0]
        if life is None or what == "turn":
            self.turn(name)
            return
        self.seen[what] += 1
        if what == "throw_out":
            self.kafka.throw_out(life.member)
        elif what == "rebalance":
            self.kafka.rebalance()
        elif what == "kill":
            del self._lives[name]
            self.kafka.throw_out(life.member)
        elif what == "stop":
            self.stop(name)
        elif life.producer.beside is not None:
            life.producer.beside.make()

    def turn(self, name: str) -> None:
        """One turn of a member, who may be a new one."""
        if name not in self._lives:
            self._count += 1
            self._lives[name] = Life(self.kafka, self._policy, self._count, name)
        try:
            self._lives[name].pipeline.turn()
        except Fault as fault:
            self._give_up(name, fault)

    def stop(self, name: str) -> None:
        """In good order, if that is possible."""
        pipeline = self._lives[name].pipeline
        try:  # as at the end of its run
            pipeline._commit()
            pipeline._source.close()
        except Fault as fault:
            self._give_up(name, fault)
        else:
            del self._lives[name]

    def conclude(self) -> None:
        """Let them do what is left, and stop."""
        self.kafka.calm = True
        for _ in range(MOST_TURNS):
            if self.kafka.is_done():
                break
            for name in self._names:
                self.turn(name)
        assert self.kafka.is_done()
        for name in list(self._lives):
            self.stop(name)

    def _give_up(self, name: str, fault: Fault) -> None:
        self.seen[fault.cause] += 1
        assert fault.action is not Action.GIVE_UP, str(fault)
        self._lives.pop(name).pipeline.abandon()


def _records(events: Sequence[Event]) -> list[Input]:
    return [one for one in events if isinstance(one, Input)] or [Input(10, 1, None, b"")]


def _undisturbed(policy: Policy, number: int, records: Sequence[Input]) -> PartitionAggregator:
    aggregator = PartitionAggregator(number, policy)
    columns = Batch(*zip(*records, strict=True))
    assert aggregator.apply(columns, 0, WALL_MS, UNLIMITED) == len(records)
    return aggregator


def _check_outputs(kafka: Kafka, number: int, delta: Delta) -> None:
    """Those of one partition."""
    reports, metrics, dead_letters = [], [], []
    for output in kafka.outputs:
        if output.topic == POLICY.dead_letters:
            headers = dict(output.headers or ())
            if headers["__streams.errors.partition"] == b"%d" % number:
                dead_letters.append(int(headers["__streams.errors.offset"] or b""))
        elif output.topic == POLICY.metrics:
            if json.loads(output.value or b"")["partition"] == number:
                metrics.append((output.key, output.value))
        elif report.decode(output.value or b"").summary.source.partition == number:
            reports.append((output.key, output.value))
    assert reports == delta.reports
    assert metrics == delta.metrics
    assert dead_letters == [one.offset for one in delta.dead_letters]


def _restored(kafka: Kafka, number: int, policy: Policy) -> PartitionAggregator:
    named = state_entry.decode_named(kafka.offsets[number].metadata)
    assert named is not None
    restore = Restore(number, POLICY.state, named, len(kafka.state[number]))
    for offset, (transaction, value) in enumerate(kafka.state[number]):
        is_there = transaction is not None and transaction.committed
        if is_there and offset >= named.start and not restore.done:
            restore.read(value, offset)
    return restore.finish(policy)[0]


@given(
    policy=streams.policies,
    partitions=st.lists(streams.events(), min_size=1, max_size=3),
    names=st.sampled_from(["a", "ab", "abc"]),
    max_reports=streams.most_reports,
    batch_records=st.sampled_from([1, 3, 6, 20]),
    commit_interval_s=st.sampled_from([0.0, 0.01, 0.05]),
    floor_bytes=st.sampled_from([-10_000, 0, 10**6]),
    seed=st.integers(0, 2**32),
)
def test_whatever_befalls_a_group_each_output_comes_out_once(
    policy: Policy,
    partitions: list[list[Event]],
    names: str,
    max_reports: int,
    batch_records: int,
    commit_interval_s: float,
    floor_bytes: int,
    seed: int,
) -> None:
    """Also what was read during a commit that failed, was refused, or got through unheard."""
    inputs = {number: _records(events) for number, events in enumerate(partitions)}
    kafka = Kafka(random.Random(seed), inputs)  # noqa: S311 - not for secrets
    settings = structs.replace(
        POLICY,
        aggregation=policy,
        max_reports=max_reports,
        batch_records=batch_records,
        commit_interval_s=commit_interval_s,
        delete_s=0.0,
        poll_s=0.0,
        request_s=0.01,
        idle_s=1e9,
        gauges_s=1e9,
        summary_s=1e9,
        restore_stalled_s=1e9,
        state_bytes=2**60,
    )
    with small_scale(floor_bytes), mock.patch.object(garbage, "gc"):  # collecting takes longer
        crew = Crew(kafka, settings, names)
        for _ in range(kafka.chance.randint(30, 200)):
            crew.disturb()
        crew.conclude()
        for number, records in inputs.items():
            expected = _undisturbed(policy, number, records)
            _check_outputs(kafka, number, expected.take())
            assert picture(_restored(kafka, number, policy)) == picture(expected)
