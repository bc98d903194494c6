from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from msgspec import structs

from consumer.errors import Action, Fault
from consumer.pipeline import checkpoint
from consumer.pipeline.checkpoint import Checkpoint, OutputRecord
from consumer.pipeline.partition import Running
from consumer.pipeline.ports import Output, Polled, Position
from consumer.wire import state_entry
from consumer.wire.placement import partition_for
from consumer.wire.report import part_key
from tests.unit.aggregation.feed import POLICY, WALL_MS, Batch, callback, usage
from tests.unit.pipeline.member import POLICY as PIPELINE

RACE = Fault(Action.RESEND, "rebalance_race", "illegal generation")
FENCED = Fault(Action.TEAR_DOWN, "fenced", "fenced")


class Wire:
    """A producer and a member that note what is asked of them, and fail as told."""

    transactional_id = "app-member"

    def __init__(self, *failures: Fault | None) -> None:
        self.failures = list(failures)
        """One for each attempt to send offsets."""
        self.calls: list[str] = []
        self.outputs: list[Output] = []
        self.state: dict[int, list[bytes]] = {}
        self.positions: dict[int, tuple[int, state_entry.Named | None]] = {}
        self.end = 500
        self.generation = 0

    def init(self) -> None:
        """Not part of a commit."""

    def begin(self) -> None:
        """A new transaction holds nothing yet."""
        self.calls.append("begin")
        self.outputs, self.state, self.positions = [], {}, {}

    def produce(self, outputs: Sequence[Output]) -> None:
        """Keep them."""
        self.calls.append("produce")
        self.outputs += outputs

    def produce_state(self, partition: int, values: Sequence[bytes]) -> None:
        """Keep them."""
        self.calls.append("state")
        self.state[partition] = list(values)

    def flush(self) -> Mapping[int, int]:
        """Every partition's records stand at the end, which every attempt moves on."""
        self.calls.append("flush")
        self.end += 10
        return dict.fromkeys(self.state, self.end)

    def send_offsets(self, positions: Sequence[Position], group_metadata: object) -> None:
        """Refuse as told; the group's metadata must be that of this moment."""
        self.calls.append("offsets")
        assert group_metadata == self.generation
        for position in positions:
            named = state_entry.decode_named(position.metadata)
            self.positions[position.partition] = (position.offset, named)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure

    def commit(self) -> None:
        """The end of it."""
        self.calls.append("commit")

    def abort(self) -> None:
        """The end of an attempt."""
        self.calls.append("abort")

    def close(self) -> None:
        """Not part of a commit."""

    def subscribe(self, listener: Any) -> None:
        """Not part of a commit."""

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        """Not part of a commit."""
        raise NotImplementedError

    def start(self, partition: int, offset: int) -> None:
        """Not part of a commit."""

    def pause(self, partition: int) -> None:
        """Not part of a commit."""

    def resume(self, partition: int) -> None:
        """Not part of a commit."""

    def is_member(self) -> bool:
        """Always."""
        return True

    def group_metadata(self) -> object:
        """Another one at every call: a cached one would go stale."""
        self.calls.append("group")
        self.generation += 1
        return self.generation


def running(number: int, *, unnamed: bool = False) -> Running:
    """A partition with empty state that goes on at 17."""
    return Running.fresh(
        number, POLICY, incarnation="life", start=40, offset=17, now_s=0.0, unnamed=unnamed
    )


def busy(number: int) -> Running:
    """One that has applied a record which completed a txid."""
    found = running(number)
    value = callback(f"t{number}", usage("1"), usage("2"), usage("3"))
    found.aggregator.apply(Batch([17], [20_000], [None], [value]), 0, WALL_MS, 10)
    found.aggregator.windows.move(40_000)
    found.offset = 18
    return found


def gathered(*partitions: Running, dead_letters: Sequence[OutputRecord] = ()) -> Checkpoint:
    """What is pending in them."""
    return checkpoint.gather(
        {one.aggregator.partition: one for one in partitions},
        list(dead_letters),
        policy=PIPELINE,
    )


def test_everything_pending_is_gathered_and_taken() -> None:
    """Reports, metrics, dead letters, state and tallies of all partitions, once."""
    dead_letter = OutputRecord("dead", b"k", b"v")
    one, other = busy(1), busy(2)
    found = gathered(one, other, running(3), dead_letters=[dead_letter])
    assert [record.topic for record in found.outputs] == [
        "dead",
        "reports",
        "metrics",
        "reports",
        "metrics",
    ]
    assert [record.key for record in found.outputs if record.topic == "reports"] == [b"t1", b"t2"]
    assert sorted(found.state) == sorted(found.partitions) == [1, 2]
    assert found.tallies.callbacks == 2
    assert gathered(one, other).partitions == {}


def test_parts_of_a_report_lie_beside_its_first_one() -> None:
    """The partitioner places that by the txid; the others are told where that is."""
    one = running(1)
    policy = structs.replace(PIPELINE, report_partitions=7)
    one.aggregator.policy = structs.replace(POLICY, report_bytes=10_000)
    txids = [f"t{number}" for number in range(20)]
    values = [callback(txid, *(usage(imei, note="x" * 5_000) for imei in "123")) for txid in txids]
    one.aggregator.apply(Batch(range(20), [20_000] * 20, [None] * 20, values), 0, WALL_MS, 100)
    found = checkpoint.gather({1: one}, [], policy=policy)
    reports = [(record.key, record.partition) for record in found.outputs]
    assert reports == [
        (part_key(txid, index), -1 if index == 1 else partition_for(txid.encode(), 7))
        for txid in txids
        for index in (1, 2, 3)
    ]
    assert len({partition for _, partition in reports}) > 4


def test_a_partition_with_nothing_pending_stays_out() -> None:
    """Its committed offset is right as it is."""
    found = gathered(running(1))
    assert (found.outputs, found.state, found.partitions) == ([], {}, {})


def test_an_offset_that_names_no_state_is_committed_without_state() -> None:
    """So that the next owner knows which state belongs to it: none, number 0."""
    wire = Wire()
    one = running(1, unnamed=True)
    checkpoint.send(gathered(one), wire, wire)
    assert wire.state == {}
    assert wire.positions == {
        1: (17, state_entry.Named(state_entry.VERSION, "life", 0, 40, "app-member"))
    }
    assert not one.pending()


def test_a_commit_goes_in_one_order() -> None:
    """State is flushed before the offsets, whose metadata tells where it stands.

    The group's metadata is fetched last.
    """
    wire = Wire()
    one = busy(1)
    checkpoint.send(gathered(one), wire, wire)
    assert wire.calls == [
        "begin",
        "produce",
        "state",
        "flush",
        "group",
        "offsets",
        "commit",
    ]
    assert wire.positions == {
        1: (18, state_entry.Named(state_entry.VERSION, "life", 1, 510, "app-member"))
    }
    assert one.deletable == 510


def test_a_refused_commit_is_sent_once_more() -> None:
    """After an abort, with the same records, their new offsets and fresh group metadata."""
    wire = Wire(RACE)
    one = busy(1)
    found = gathered(one)
    values = list(found.state[1])
    checkpoint.send(found, wire, wire)
    attempt = ["begin", "produce", "state", "flush", "group", "offsets"]
    assert wire.calls == [*attempt, "abort", *attempt, "commit"]
    assert wire.state == {1: values}
    assert len(wire.outputs) == 2
    assert wire.positions == {
        1: (18, state_entry.Named(state_entry.VERSION, "life", 1, 520, "app-member"))
    }


@pytest.mark.parametrize("failures", [[FENCED], [RACE, RACE], [RACE, FENCED]])
def test_any_other_failure_travels_on(failures: list[Fault]) -> None:
    """And the second of a kind that was worth another try; nothing counts as committed."""
    wire = Wire(*failures)
    one = busy(1)
    one.unnamed = True
    with pytest.raises(Fault) as raised:
        checkpoint.send(gathered(one), wire, wire)
    assert raised.value is failures[-1]
    assert "commit" not in wire.calls
    assert one.unnamed
    assert one.deletable == 0
