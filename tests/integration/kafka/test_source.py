"""The group member that reads callbacks, on a real broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

import pytest
from confluent_kafka import Consumer, TopicPartition
from structlog.testing import capture_logs

from consumer.errors import Action, Fault
from consumer.kafka import source as module
from consumer.kafka.source import Source
from tests.integration.kafka.world import (
    Events,
    World,
    batches_of,
    joined,
    poll_until,
    read_to,
)


class Torn(Events):
    """A listener whose commit fails at an event of this kind."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """Note it, and perhaps fail."""
        super().on_assigned(partitions)
        self._fail("assigned")

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Note it, and perhaps fail."""
        super().on_revoked(partitions)
        self._fail("revoked")

    def _fail(self, kind: str) -> None:
        if kind == self._kind:
            raise Fault(Action.TEAR_DOWN, "commit_failed", kind)


class Stuck(Source):
    """Its client does not get through with closing until it may."""

    may_go = threading.Event()

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        assert self.may_go.wait(60)
        super()._on_revoke(consumer, partitions)


pytestmark = pytest.mark.kafka

VALUES = [b"%d" % number for number in range(100)]


class TestStart:
    def test_delivers_from_exactly_the_offset(
        self, world: World, protocol: Mapping[str, str]
    ) -> None:
        """From the first to the last record on, for partitions at different offsets."""
        world.make(world.input, 3)
        for partition in range(3):
            world.write(world.input, partition, VALUES)
        source = world.source(world.options(consumer=protocol))
        joined(source, 3)

        for partition, offset in {0: 0, 1: 37, 2: 99}.items():
            source.start(partition, offset)
        found = read_to(source, {0: 100, 1: 100, 2: 100})

        assert found == {0: list(range(100)), 1: list(range(37, 100)), 2: [99]}

    def test_acts_at_once(self, world: World) -> None:
        """Not when the thread of the broker wakes up by itself, up to a second later."""
        world.make(world.input, 2)
        for partition in range(2):
            world.write(world.input, partition, VALUES)
        source = world.source()
        joined(source, 2)
        source.poll(1, 1.5)  # everything about the connection is settled and it sleeps

        began = time.monotonic()
        source.start(0, 0)
        batches_of(source, 1)
        source.pause(0)
        source.poll(1, 1.5)
        again = time.monotonic()
        source.resume(0)
        batches_of(source, 1)

        assert again - began < 2.3
        assert time.monotonic() - again < 0.5

    def test_right_after_the_assignment_skips_nothing(self, world: World) -> None:
        """A question for the end that is answered late would move the partition there."""
        world.make(world.input)
        world.write(world.input, 0, VALUES)
        source = world.source()
        joined(source, 1)
        source.start(0, 0)
        first = read_to(source, {0: 100})

        source.poll(1, 0.7)
        world.write(world.input, 0, VALUES)

        assert first == {0: list(range(100))}
        assert read_to(source, {0: 200}) == {0: list(range(100, 200))}

    def test_refuses_an_offset_below_zero(self, world: World) -> None:
        """Logical offsets would mean something else to the client."""
        world.make(world.input)
        source = world.source()

        with pytest.raises(ValueError, match="-1001"):
            source.start(0, -1001)

    def test_an_offset_that_is_gone_ends_the_pipeline(self, world: World) -> None:
        """The client says it once and would then stall; the committed offset decides what next."""
        world.make(world.input)
        world.write(world.input, 0, VALUES)
        world.delete_before(world.input, 0, 50)
        source = world.source()
        joined(source, 1)

        source.start(0, 10)

        with pytest.raises(Fault) as caught:
            poll_until(source, lambda: False)
        assert caught.value.cause == "input_gone"
        assert caught.value.action is Action.TEAR_DOWN
        assert f"{world.input}[0]@10" in str(caught.value)

    def test_the_offsets_of_its_assignment_are_no_fault(self, world: World) -> None:
        """What precedes `start` asks for no offset that the topic may lack."""
        world.make(world.input)
        world.write(world.input, 0, VALUES)
        world.delete_before(world.input, 0, 50)
        source = world.source()
        joined(source, 1)
        source.poll(1, 0.3)

        source.start(0, 50)

        assert read_to(source, {0: 100}) == {0: list(range(50, 100))}


class TestPoll:
    def test_a_topic_that_is_not_there_stops_the_daemon(self, world: World) -> None:
        """Nobody would see the difference to an idle topic otherwise."""
        source = world.source()
        source.subscribe(Events())

        with pytest.raises(Fault) as caught:
            poll_until(source, lambda: False)
        assert caught.value.cause == "topic_gone"
        assert caught.value.action is Action.GIVE_UP


class TestPause:
    def test_stops_what_is_fetched_already(self, world: World, protocol: Mapping[str, str]) -> None:
        """Prefetched records of a paused partition do not come; after it none is missing."""
        world.make(world.input, 2)
        for partition in range(2):
            world.write(world.input, partition, VALUES)
        source = world.source(world.options(consumer=protocol))
        joined(source, 2)
        source.start(0, 0)
        first = batches_of(source, 10)

        source.pause(0)
        source.start(1, 0)
        meanwhile = read_to(source, {1: 100})
        source.resume(0)
        rest = read_to(source, {0: 100})

        before = [offset for batch in first for offset in batch.offsets]
        assert meanwhile == {1: list(range(100))}
        assert before + rest[0] == list(range(100))

    def test_outlives_a_rebalance(self, world: World, protocol: Mapping[str, str]) -> None:
        """A partition that the member keeps stays paused, and goes on where it stood."""
        world.make(world.input, 2)
        for partition in range(2):
            world.write(world.input, partition, VALUES)
        source = world.source(world.options("a", consumer=protocol))
        events = joined(source, 2)
        for partition in range(2):
            source.start(partition, 10)
            source.pause(partition)
        other = world.source(world.options("b", consumer=protocol))
        others = Events()
        other.subscribe(others)

        deadline = time.monotonic() + 20
        while not (len(events.held) == len(others.held) == 1):
            assert time.monotonic() < deadline, (events.seen, others.seen)
            assert not source.poll(1000, 0.02).batches
            other.poll(1000, 0.02)
        assert not any(source.poll(1000, 0.02).batches for _ in range(20))

        (kept,) = events.held
        source.resume(kept)
        assert batches_of(source, 1)[0].offsets[0] == 10


class TestListener:
    def test_hears_of_partitions_that_come_and_go(
        self, world: World, protocol: Mapping[str, str]
    ) -> None:
        """From within poll, and of the last ones from within close."""
        world.make(world.input, 2)
        source = Source(world.options(consumer=protocol), world.input)

        events = joined(source, 2)
        source.close()

        assert events.seen == [("assigned", [0, 1]), ("revoked", [0, 1])]

    @pytest.mark.parametrize("when", ["assigned", "revoked"])
    def test_what_it_raises_comes_out(self, world: World, when: str) -> None:
        """Out of poll and out of close, as it was raised."""
        world.make(world.input)
        source = Source(world.options(), world.input)
        events = Torn(when)
        source.subscribe(events)

        def live() -> None:
            poll_until(source, lambda: bool(events.held))
            source.close()

        with pytest.raises(Fault, match=when):
            live()
        source.close()


class TestClose:
    def test_that_does_not_return_is_given_up(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The listener has heard of it by then, on the caller's thread, and hears no more."""
        monkeypatch.setattr(module, "_CLOSE_S", 0.5)
        world.make(world.input, 2)
        source = Stuck(world.options(), world.input)
        events = joined(source, 2)
        heard = len(events.seen)

        began_s = time.monotonic()
        with capture_logs() as lines:
            source.close()
        took_s = time.monotonic() - began_s

        assert 0.5 <= took_s < 3
        assert [line["event"] for line in lines] == ["close_overdue"]
        assert events.seen[heard:] == [("revoked", [0, 1])]
        assert not source.is_member()

        Stuck.may_go.set()
        other = joined(world.source(world.options("b")), 2)
        assert other.held == {0, 1}
        assert events.seen[heard:] == [("revoked", [0, 1])]


class TestRejoin:
    def test_without_partitions(self, world: World) -> None:
        """It leaves and is another member then; what others have stays where it is."""
        world.make(world.input, 1)
        first, second = world.source(world.options("a")), world.source(world.options("b"))
        held, none = joined(first, 1), Events()
        second.subscribe(none)

        def told(times: int) -> bool:
            first.poll(1000, 0.02)
            return none.seen.count(("assigned", [])) >= times

        poll_until(second, lambda: told(1))
        before = second.member_id()
        second.rejoin()
        poll_until(second, lambda: told(2))

        assert second.member_id() not in ("", before)
        assert (held.held, none.held) == ({0}, set())
        assert ("revoked", [0]) not in held.seen
