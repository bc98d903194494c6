"""The loop's own decisions, with real clients that reach no Kafka.

Whole lives of a pipeline, with everything that Kafka does to it, are integration tests.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from consumer.errors import Action, Fault
from consumer.kafka.records import Record
from consumer.kafka.source import Source
from consumer.kafka.state_reader import StateReader
from consumer.kafka.transactions import Timeouts, Transactions
from consumer.pipeline.keys import KeySample
from consumer.pipeline.loop import Pipeline, Ports
from consumer.pipeline.partition import Running
from consumer.telemetry.build import Build
from consumer.telemetry.health import Health
from consumer.telemetry.metrics import Metrics
from consumer.wire.placement import partition_for
from tests.unit.aggregation.feed import POLICY as AGGREGATION
from tests.unit.aggregation.feed import TOPIC, WALL_MS, callback, encode, usage
from tests.unit.pipeline.member import POLICY, Clock, batch, offsets, options, running

NOW_S = 105.0
BUILD = Build(version="1", python="3", librdkafka="2", confluent_kafka="2")
ROOM = POLICY.max_reports
TICK = encode({"txid": "tick", "status": "QUEUED"})
"""A record that is only there."""


@dataclass(frozen=True)
class Message(Record):
    """A record with all its details."""

    key_: bytes | None
    value_: bytes | None
    timestamp_ms: int
    headers_: list[tuple[str, bytes | None]] | None = None

    def key(self) -> bytes | None:
        """As received."""
        return self.key_

    def value(self) -> bytes | None:
        """As received."""
        return self.value_

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        """As received."""
        return self.headers_

    def timestamp(self) -> tuple[int, int]:
        """As set by its producer."""
        return 1, self.timestamp_ms


@pytest.fixture
def clock() -> Clock:
    """At the beginning."""
    return Clock()


@pytest.fixture
def health() -> Health:
    """What the world sees of readiness."""
    return Health(30.0)


@pytest.fixture
def pipeline(clock: Clock, health: Health) -> Iterator[Pipeline]:
    """A life that has not begun."""
    asked = offsets()
    life = Pipeline(
        POLICY,
        Ports(
            source=Source(options(), TOPIC),
            transactions=Transactions(
                options(),
                input_topic=TOPIC,
                state_topic="state",
                message_max_bytes=1_000_000,
                batch_max_bytes=1_000_000,
                timeouts=Timeouts(abort_s=0.1),
            ),
            reader=StateReader(options(), "state"),
            offsets=asked,
            clock=clock,
            observer=Metrics(health, TOPIC, (), BUILD),
            new_incarnation=lambda: "life",
        ),
    )
    yield life
    life.abandon()
    gc.unfreeze()
    gc.enable()


def give(pipeline: Pipeline, *numbers: int) -> list[Running]:
    """Let partitions run, as if they had been assigned and restored."""
    for number in numbers:
        pipeline._running[number] = running(number)
    return [pipeline._running[number] for number in numbers]


def complete(*txids: str) -> list[bytes]:
    """A callback for each txid, that completes it."""
    return [callback(txid, usage("1"), usage("2"), usage("3")) for txid in txids]


def reported(partition: Running) -> list[bytes]:
    """Txids of the reports that wait for the commit."""
    return [key for key, _ in partition.aggregator.delta.reports]


def test_records_are_applied_to_their_partition(pipeline: Pipeline) -> None:
    """The next record is the one behind them, and the silence is over."""
    first, second = give(pipeline, 0, 1)
    pipeline._take(batch(*complete("a", "b"), partition=1, offset=40), WALL_MS, NOW_S)

    assert (second.going_on, second.last_record_s) == (42, NOW_S)
    assert reported(second) == [b"a", b"b"]
    assert (first.going_on, reported(first)) == (0, [])


def test_a_batch_without_room_waits(pipeline: Pipeline) -> None:
    """What lies before the first record without room counts as read, the rest does not."""
    (partition,) = give(pipeline, 0)
    pipeline._take(batch(*complete("a", "b", "c", "d", "e")), WALL_MS, NOW_S)

    assert reported(partition) == [b"a", b"b", b"c"]
    assert partition.going_on == ROOM
    assert pipeline._commit_is_due()
    assert pipeline._wait_s() == 0


def test_later_batches_queue_behind_it(pipeline: Pipeline) -> None:
    """They are applied in their order, as the transactions have room for them."""
    (partition,) = give(pipeline, 0)
    pipeline._take(batch(*complete("a", "b", "c", "d")), WALL_MS, NOW_S)
    pipeline._take(batch(*complete("e", "f"), offset=4), WALL_MS, NOW_S)
    assert reported(partition) == [b"a", b"b", b"c"]

    partition.aggregator.take()
    pipeline._work_off()
    assert reported(partition) == [b"d", b"e", b"f"]
    assert partition.going_on == 6
    assert not partition.backlog


def test_the_room_is_that_of_all_partitions(pipeline: Pipeline) -> None:
    """They share one transaction."""
    first, second = give(pipeline, 0, 1)
    pipeline._take(batch(*complete("a", "b")), WALL_MS, NOW_S)
    pipeline._take(batch(*complete("c", "d"), partition=1), WALL_MS, NOW_S)

    assert (len(reported(first)), len(reported(second))) == (2, 1)
    assert pipeline._room(first) == 2
    assert pipeline._room(second) == 1


def test_dead_letters_carry_the_whole_record(pipeline: Pipeline) -> None:
    """Key, value, headers, time, and where it came from, also from the middle of a batch."""
    give(pipeline, 0)
    bad = Message(b"k", b"{", 1_234, [("trace", b"7"), ("__streams.errors.topic", b"fake")])
    good = Message(b"t", complete("t")[0], 1_233)
    values = [good.value_, bad.value_, good.value_]
    pipeline._take(batch(*values, offset=70, messages=[good, bad, good]), WALL_MS, NOW_S)
    (letter,) = pipeline._dead_letters

    assert (letter.topic, letter.key, letter.value) == ("dead-letters", b"k", b"{")
    assert letter.timestamp_ms == 1_234
    headers = dict(letter.headers or ())
    assert headers["trace"] == b"7"
    assert headers["__streams.errors.topic"] == TOPIC.encode()
    assert headers["__streams.errors.offset"] == b"71"
    assert headers["__streams.errors.exception"] == b"malformed_json"


def test_a_record_without_a_time_becomes_a_dead_letter_of_now(pipeline: Pipeline) -> None:
    """Kafka's -1 is no time that could be produced again."""
    give(pipeline, 0)
    pipeline._take(batch(b"", messages=[Message(None, b"", -1)]), WALL_MS, NOW_S)

    assert pipeline._dead_letters[0].timestamp_ms == 0


def test_commits_keep_their_interval(pipeline: Pipeline, clock: Clock) -> None:
    """Time alone makes one due; whether there is anything to commit shows then."""
    pipeline._commit()
    assert not pipeline._commit_is_due()
    clock.passed_s += POLICY.commit_interval_s

    assert pipeline._commit_is_due()


def test_a_poll_waits_only_when_there_is_nothing_else_to_do(pipeline: Pipeline) -> None:
    """Restores go on between polls, so these do not wait meanwhile."""
    assert pipeline._wait_s() == POLICY.poll_s
    pipeline.on_assigned([0])

    assert pipeline._wait_s() == 0


def test_assigned_partitions_are_not_ready_yet(pipeline: Pipeline, health: Health) -> None:
    """They have to be restored, in the turns to come."""
    pipeline.on_assigned([0, 1])

    assert health.ready() == (False, "not ready: restoring 2 of 2 partitions")


def test_a_member_without_partitions_stands_by(pipeline: Pipeline, health: Health) -> None:
    """The group has answered, if only to say so."""
    pipeline.on_assigned([])

    assert health.ready() == (True, "ready: standing by with no partitions")


def test_revoked_partitions_are_let_go(pipeline: Pipeline) -> None:
    """With nothing to commit nothing is asked of Kafka; what stays is not touched."""
    pipeline.on_assigned([0, 1])
    give(pipeline, 1)
    pipeline.on_revoked([0])

    assert set(pipeline._partitions) == {1}
    assert set(pipeline._running) == {1}


def test_what_was_read_is_not_let_go_without_a_commit(pipeline: Pipeline) -> None:
    """If that fails, the life is over, and what follows only lets go."""
    pipeline.on_assigned([0, 1])
    give(pipeline, 0, 1)
    pipeline._take(batch(*complete("a")), WALL_MS, NOW_S)
    with pytest.raises(Fault):
        pipeline.on_revoked([0])

    pipeline.on_revoked([0])
    pipeline.on_lost([1])
    assert pipeline._running == {}


def test_a_lost_partition_ends_the_life(pipeline: Pipeline) -> None:
    """Others may have taken it over, so nothing that is pending may be sent any more."""
    pipeline.on_assigned([0, 1])
    give(pipeline, 0, 1)
    with pytest.raises(Fault, match=r"lost partitions 0: .*session\.timeout\.ms") as raised:
        pipeline.on_lost([0])

    assert (raised.value.action, raised.value.cause) == (Action.TEAR_DOWN, "partition_lost")
    assert set(pipeline._running) == {1}


def shares(pipeline: Pipeline) -> dict[int, int]:
    """Memory that each running partition may use, as a fraction of all: one of so many."""
    return {
        number: POLICY.state_bytes // one.aggregator.share_bytes
        for number, one in pipeline._running.items()
    }


def test_the_memory_is_shared_evenly_by_all_partitions(pipeline: Pipeline) -> None:
    """Those that are still being restored need theirs as well; what goes leaves its share."""
    pipeline.on_assigned([0, 1])
    give(pipeline, 0)
    pipeline.on_assigned([2])
    assert shares(pipeline) == {0: 3}
    give(pipeline, 1)
    pipeline.on_revoked([2])
    assert shares(pipeline) == {0: 2, 1: 2}
    pipeline.on_revoked([0])
    assert shares(pipeline) == {1: 1}


def test_a_misplaced_key_is_noticed(pipeline: Pipeline) -> None:
    """Of the batches that are taken, in the partitions that the topic has."""
    give(pipeline, 0)
    pipeline._take(batch(*complete("a"), key=b"key"), WALL_MS, NOW_S)
    assert not pipeline._keys._told

    pipeline._keys = KeySample(TOPIC, 2, pipeline._observer)
    wrong = 1 - partition_for(b"key", 2)
    give(pipeline, wrong)
    pipeline._take(batch(*complete("b"), partition=wrong, key=b"key"), WALL_MS, NOW_S)
    assert pipeline._keys._told


def test_losing_nothing_is_no_loss(pipeline: Pipeline) -> None:
    """The group may say so to a member that has none."""
    pipeline.on_lost([])


def test_a_life_can_be_abandoned_at_any_time(pipeline: Pipeline) -> None:
    """Also before it began, without Kafka, and with work in hand; then nothing is left."""
    pipeline.on_assigned([0])
    give(pipeline, 0)
    pipeline._take(batch(*complete("a", "b", "c", "d")), WALL_MS, NOW_S)
    pipeline.abandon()

    assert pipeline._running == {}
    assert pipeline._partitions == {}


def test_a_commit_takes_all_partitions_with_work(pipeline: Pipeline) -> None:
    """What it would send is gone from them, whether or not it gets through."""
    first, second = give(pipeline, 0, 1)
    pipeline._take(batch(*complete("a")), WALL_MS, NOW_S)
    pipeline._take(batch(*complete("b"), partition=1), WALL_MS, NOW_S)
    with pytest.raises(Fault):
        pipeline._commit()

    assert (reported(first), reported(second)) == ([], [])


def test_a_partition_with_much_to_emit_does_not_starve_others(pipeline: Pipeline) -> None:
    """Each in its turn is the first to fill the transaction."""
    partitions = give(pipeline, 0, 1, 2)
    for number in range(3):
        names = [f"{number}-{count}" for count in range(30)]
        pipeline._take(batch(*complete(*names), partition=number), WALL_MS, NOW_S)
    emitted = []
    for _ in range(6):
        for partition in partitions:
            partition.aggregator.take()
        pipeline._work_off()
        emitted.append([len(reported(partition)) for partition in partitions])

    assert all(sum(counts) == ROOM for counts in emitted)
    assert [sum(counts) for counts in zip(*emitted, strict=True)] == [2 * ROOM] * 3


@pytest.mark.parametrize("at", [-1, 0, 1, WALL_MS - 10_000])
def test_a_silence_counts_whatever_the_record_says_that_ends_it(
    pipeline: Pipeline, clock: Clock, at: int
) -> None:
    """Once Kafka has said that nothing was left to read: the clock has gone on meanwhile.

    Else records with old timestamps, each before anything is due, would hold it up for ever.
    """
    pipeline._running[0] = partition = running(0, callback("t", usage("1")))
    silence_ms = AGGREGATION.inactivity_ms * 6 // 10
    partition.at_end = True
    clock.passed_s += silence_ms / 1000
    pipeline._take(batch(TICK, offset=1, at=at), clock.wall_ms(), NOW_S)
    assert partition.aggregator.clock.now_ms == WALL_MS + silence_ms
    assert not partition.at_end
    assert reported(partition) == []

    partition.at_end = True
    clock.passed_s += silence_ms / 1000
    pipeline._take(batch(TICK, offset=2, at=at), clock.wall_ms(), NOW_S)
    assert reported(partition) == [b"t"]


def test_time_that_is_not_known_to_be_silence_does_not_count(
    pipeline: Pipeline, clock: Clock
) -> None:
    """What stood unread meanwhile may be in time."""
    pipeline._running[0] = partition = running(0, callback("t", usage("1")))
    clock.passed_s += 60
    pipeline._take(batch(TICK, offset=1, at=-1), clock.wall_ms(), NOW_S)

    assert partition.aggregator.clock.now_ms == WALL_MS
    assert reported(partition) == []


class Landing:
    """A commit under way that fails when it is waited for."""

    def landed(self, *, wait: bool) -> bool:
        """Not before."""
        if wait:
            raise Fault(Action.TEAR_DOWN, "commit_failed", "waited for")
        return False

    def give_up(self) -> bool:
        """There is nobody to wait for."""
        return False


def test_no_transaction_is_open_while_partitions_are_restored(pipeline: Pipeline) -> None:
    """Several questions to a Kafka in trouble, one after the other, would outlast it."""
    pipeline._flight = Landing()  # type: ignore[assignment]
    pipeline._step_commit(behind=True)
    pipeline.on_assigned([0])
    with pytest.raises(Fault, match="waited for"):
        pipeline.turn()
