"""Questions about offsets, on a real broker."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from consumer.errors import Fault
from consumer.kafka.offsets import Committed, Offsets
from consumer.kafka.source import Source
from consumer.kafka.transactions import Transactions
from tests.integration.kafka.world import Position, World
from tests.waiting import until

pytestmark = pytest.mark.kafka


@pytest.fixture
def offsets(world: World) -> Iterator[Offsets]:
    """Our questions."""
    offsets = world.offsets()
    yield offsets
    offsets.close()


def send(member: tuple[Source, Transactions], *positions: Position) -> None:
    """Open a transaction with a state record and these offsets, and leave it open."""
    source, transactions = member
    transactions.begin()
    transactions.produce_state(0, [b"state"])
    transactions.flush()
    transactions.send_offsets(positions, source.group_metadata())


class TestCommitted:
    def test_with_metadata_and_without(
        self, offsets: Offsets, member: tuple[Source, Transactions]
    ) -> None:
        """Offset 0 is an offset; partitions with none are absent."""
        send(member, Position(1, 0, '{"sequence":7}'))
        member[1].commit()

        assert offsets.committed([0, 1], 10) == {1: Committed(0, '{"sequence":7}')}

    def test_of_an_unknown_group(self, world: World, offsets: Offsets) -> None:
        """It has none, and that is an answer."""
        world.make(world.input, 2)

        assert offsets.committed([0, 1], 10) == {}
        assert not offsets.group_has_offsets(10)

    def test_waits_for_a_transaction_under_way(
        self, offsets: Offsets, member: tuple[Source, Transactions]
    ) -> None:
        """What it holds may be the truth in a moment: None says that it took too long."""
        send(member, Position(0, 5), Position(1, 5))
        member[1].commit()
        send(member, Position(0, 9))

        blocked = offsets.committed([0, 1], 0.5)
        member[1].commit()

        assert blocked is None
        assert offsets.committed([0, 1], 10) == {0: Committed(9, ""), 1: Committed(5, "")}

    def test_that_were_expired_or_deleted(
        self, world: World, offsets: Offsets, member: tuple[Source, Transactions]
    ) -> None:
        """The group is then as good as new."""
        send(member, Position(0, 5))
        member[1].commit()
        assert offsets.group_has_offsets(10)
        member[0].close()

        world.admin.delete_consumer_groups([world.prefix])[world.prefix].result(20)

        assert offsets.committed([0], 10) == {}
        assert not offsets.group_has_offsets(10)


class TestRanges:
    def test_ends_count_open_transactions(self, world: World, offsets: Offsets) -> None:
        """READ_UNCOMMITTED: where the partition really ends."""
        world.make(world.input, 2)
        world.make(world.state)
        world.write(world.input, 1, [b"x"] * 3)
        world.delete_before(world.input, 1, 2)
        hanging = world.open_transaction(world.state, 0, [b"x"] * 4)

        assert offsets.input_range([0, 1], 10) == {0: (0, 0), 1: (2, 3)}
        assert offsets.input_ends([0, 1], 10) == {0: 0, 1: 3}
        assert offsets.state_range([0], 10) == {0: (0, 4)}
        hanging.abort_transaction(20)

    def test_of_no_partitions(self, offsets: Offsets) -> None:
        """Nothing is asked."""
        assert offsets.input_ends([], 10) == {}

    def test_of_a_topic_that_is_gone(self, world: World, offsets: Offsets) -> None:
        """No partition has a leader that could be asked."""
        with pytest.raises(Fault) as caught:
            offsets.input_range([0], 1)

        assert caught.value.cause == "broker_unreachable"
        assert world.input in str(caught.value)


class TestHangingTransaction:
    def test_its_writer_is_found_and_ended(
        self, world: World, offsets: Offsets, member: tuple[Source, Transactions]
    ) -> None:
        """In about a second instead of after its time-out; the writer is fenced by it."""
        send(member, Position(0, 5))
        (found,) = offsets.hanging([0, 1], 10)

        began = time.monotonic()
        freed = offsets.free_writer(found.writer, 10)
        answer = offsets.committed([0], 10)

        assert (found.partition, found.offset) == (0, 0)
        assert found.writer == member[1].transactional_id
        assert freed
        assert answer == {}
        assert time.monotonic() - began < 5
        assert offsets.hanging([0, 1], 10) == []
        with pytest.raises(Fault) as caught:
            member[1].commit()
        assert caught.value.cause == "fenced"
        assert world.read(world.state) == []

    def test_of_a_stranger_is_left_out(self, world: World, offsets: Offsets) -> None:
        """Nobody can be ended by a name that is not known."""
        world.make(world.state)
        hanging = world.open_transaction(world.state, 0, [b"x"])

        assert offsets.hanging([0], 2) == []
        hanging.abort_transaction(20)


class TestDeletion:
    def test_of_old_state_records(self, world: World, offsets: Offsets) -> None:
        """Nothing waits for it."""
        world.make(world.state, 2)
        for partition in range(2):
            world.write(world.state, partition, [b"x"] * 10)

        offsets.delete_state_before({0: 4, 1: 10})

        until(
            lambda: offsets.state_range([0, 1], 10) == {0: (4, 10), 1: (10, 10)},
            "the records are gone",
        )

    def test_a_refusal_is_logged_once(self, world: World, offsets: Offsets) -> None:
        """The daemon goes on; the topic grows."""
        world.make(world.state, 1, cleanup_policy="compact")

        with capture_logs() as lines:
            for _ in range(3):
                offsets.delete_state_before({0: 0, 5: 1})
            until(lambda: bool(lines), "the refusal is logged")
            offsets.state_range([0], 10)

        assert [(line["event"], line["topic"]) for line in lines] == [
            ("state_not_deleted", world.state)
        ]
