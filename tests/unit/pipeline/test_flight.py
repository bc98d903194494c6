from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from consumer.errors import Action, Fault
from consumer.pipeline.checkpoint import Checkpoint, OutputRecord
from consumer.pipeline.flight import Flight
from consumer.pipeline.ports import Output, Polled, Position
from consumer.wire import state_entry
from tests.unit.aggregation.feed import WALL_MS, Batch, callback
from tests.unit.pipeline.test_checkpoint import busy, gathered, running

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
        self.waits = 1
        """How often deliveries are not through yet."""

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

    def produce_keyed(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep them."""
        self.calls.append("keyed")
        self.outputs += [OutputRecord(topic, key, value) for key, value in records]

    def produce_state(self, partition: int, values: Sequence[bytes]) -> None:
        """Keep them."""
        self.calls.append("state")
        self.state[partition] = list(values)

    def flush(self) -> Mapping[int, int]:
        """Every partition's records stand at the end, which every attempt moves on."""
        self.calls.append("flush")
        self.end += 10
        return dict.fromkeys(self.state, self.end)

    def delivered(self) -> Mapping[int, int] | None:
        """Not at first; then the same."""
        self.calls.append("delivered")
        self.waits -= 1
        if self.waits >= 0:
            return None
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

    def end_orphans(self, partitions: Sequence[int]) -> None:
        """Not part of a commit."""

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

    def rejoin(self) -> None:
        """Not part of a commit."""

    def member_id(self) -> str:
        """Always the same."""
        return "member"

    def is_member(self) -> bool:
        """Always."""
        return True

    def group_metadata(self) -> object:
        """Another one at every call: a cached one would go stale."""
        self.calls.append("group")
        self.generation += 1
        return self.generation


def fly(checkpoint: Checkpoint, wire: Wire) -> bool:
    """All the way at once."""
    return Flight(checkpoint, wire, wire).landed(wait=True)


class Later:
    """A call beside the loop that is made when it is waited for, or after some looks."""

    def __init__(self, call: Callable[[], None], looks: int = 1) -> None:
        self.call = call
        self.looks = looks
        self.made = False

    def done(self, *, wait: bool) -> bool:
        """Make it, if it is time."""
        self.looks -= 1
        if not wait and self.looks >= 0:
            return False
        assert not self.made
        self.made = True
        self.call()
        return True


def test_an_offset_that_names_no_state_is_committed_without_state() -> None:
    """So that the next owner knows which state belongs to it: none, number 0."""
    wire = Wire()
    one = running(1, unnamed=True)
    assert fly(gathered(one), wire)
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
    assert fly(gathered(one), wire)
    assert wire.calls == [
        "begin",
        "produce",
        "keyed",
        "keyed",
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
    assert fly(found, wire)
    attempt = ["begin", "produce", "keyed", "keyed", "state", "flush", "group", "offsets"]
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
        fly(gathered(one), wire)
    assert raised.value is failures[-1]
    assert "commit" not in wire.calls
    assert one.unnamed
    assert one.deletable == 0


ATTEMPT = [
    "begin",
    "produce",
    "keyed",
    "keyed",
    "state",
    "delivered",
    "delivered",
    "group",
    "offsets",
]


def test_the_loop_may_look_in_on_a_flight() -> None:
    """Nothing is waited for: not the deliveries, nor the commit, which is made beside."""
    wire = Wire()
    one = busy(1)
    flight = Flight(gathered(one), wire, wire, Later)
    assert wire.calls == ["begin", "produce", "keyed", "keyed", "state"]
    assert [flight.landed(wait=False) for _ in range(3)] == [False, False, True]
    assert wire.calls == [*ATTEMPT, "commit"]
    assert one.deletable == 510


def test_what_is_read_meanwhile_is_not_committed_with_it() -> None:
    """Offset and state are those of the moment at which it was gathered."""
    wire = Wire()
    one = busy(1)
    flight = Flight(gathered(one), wire, wire, Later)
    one.aggregator.apply(Batch([18], [50_000], [None], [callback("u")]), 0, WALL_MS, 10)
    one.position = 19
    assert flight.landed(wait=True)
    assert wire.positions[1][0] == 18
    assert gathered(one).offsets == {1: 19}


@pytest.mark.parametrize("looks", range(4))
def test_a_flight_may_be_waited_for_at_any_time(looks: int) -> None:
    """On either leg."""
    wire = Wire()
    flight = Flight(gathered(busy(1)), wire, wire, Later)
    for _ in range(looks):
        if flight.landed(wait=False):
            break
    else:
        assert flight.landed(wait=True)
    assert wire.calls.count("commit") == wire.calls.count("offsets") == 1


def test_a_commit_refused_beside_the_loop_is_sent_once_more() -> None:
    """All of it, and the second time it may take its time as well."""
    wire = Wire(RACE)
    one = busy(1)
    flight = Flight(gathered(one), wire, wire, Later)
    landings = [flight.landed(wait=False) for _ in range(4)]
    assert landings == [False] * 3 + [True]
    again = ["begin", "produce", "keyed", "keyed", "state", "delivered", "group", "offsets"]
    assert wire.calls == [*ATTEMPT, "abort", *again, "commit"]


@pytest.mark.parametrize("failures", [[FENCED], [RACE, RACE], [RACE, FENCED]])
def test_a_failure_beside_the_loop_travels_on(failures: list[Fault]) -> None:
    """To the next look."""
    wire = Wire(*failures)
    one = busy(1)
    flight = Flight(gathered(one), wire, wire, Later)
    with pytest.raises(Fault) as raised:
        assert not any(flight.landed(wait=False) for _ in range(10))
    assert raised.value is failures[-1]
    assert not flight.give_up()
    assert "commit" not in wire.calls
    assert one.deletable == 0


def test_a_flight_is_given_up_only_when_nobody_holds_the_producer() -> None:
    """What becomes of it does not matter any more, be it a failure."""
    for failures in ([], [FENCED]):
        wire = Wire(*failures)
        flight = Flight(gathered(busy(1)), wire, wire, Later)
        assert not flight.give_up()
        assert "offsets" not in wire.calls
        flight.landed(wait=False)
        flight.landed(wait=False)
        assert flight.give_up() == (not failures)
        assert "offsets" in wire.calls
