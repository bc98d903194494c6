"""A partition that is silent goes on by the wall clock, if surely nothing is left to read."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer
from msgspec import structs

from consumer.pipeline.idleness import ASK_S, Idleness
from consumer.pipeline.partition import Running
from tests.harness import Cluster, Sending
from tests.unit.aggregation.feed import callback, encode, usage
from tests.unit.pipeline.member import POLICY, Clock, batch, offsets, running
from tests.waiting import until

OPEN = callback("t", usage("1"))
MOST = 1_000
PATIENT = structs.replace(POLICY, request_s=20.0)


@pytest.fixture
def clock() -> Clock:
    """It has been silent for as long as it takes; `t` is due by then."""
    clock = Clock()
    clock.passed_s = POLICY.idle_s
    return clock


def candidates(clock: Clock, **partitions: Running) -> list[int]:
    """Which of them would be asked about."""
    idleness = Idleness(POLICY, offsets(), clock)
    numbered = dict(enumerate(partitions.values()))
    return idleness.candidates(numbered, clock.monotonic_s(), clock.wall_ms())


def test_only_a_partition_with_something_due_is_asked_about(clock: Clock) -> None:
    """Questions cost: none for nothing, and none for what is not due yet ..."""
    due, later = running(0, OPEN), running(2, OPEN, at=clock.wall_ms())
    later.at_end = True

    assert candidates(clock, due=due, empty=running(1), later=later) == [0]


def test_a_newly_silent_partition_is_asked_about_now_and_then(clock: Clock) -> None:
    """... but of one that knows txids it must be known whether its time goes on."""
    later = running(0, OPEN, at=clock.wall_ms())
    assert candidates(clock, later=later) == [0]
    later.asked_s = clock.monotonic_s()
    assert candidates(clock, later=later) == []


def test_a_partition_that_has_just_read_something_is_not_idle(clock: Clock) -> None:
    """Silence is counted from its last record."""
    busy = running(0, OPEN)
    busy.last_record_s = clock.monotonic_s() - POLICY.idle_s + 0.1

    assert candidates(clock, busy=busy) == []


def test_a_partition_with_records_in_hand_is_not_idle(clock: Clock) -> None:
    """What was read and not applied yet comes first."""
    busy = running(0, OPEN)
    busy.backlog.append((batch(OPEN), 0))

    assert candidates(clock, busy=busy) == []


def test_a_window_that_counts_something_is_due_as_well() -> None:
    """Metrics records do not hang on further input either."""
    clock = Clock()
    counted = running(0, encode({"txid": "t", "status": "QUEUED"}))
    clock.passed_s = POLICY.aggregation.window_ms / 1000

    assert candidates(clock, counted=counted) == [0]


def test_without_an_answer_time_stands_still(clock: Clock) -> None:
    """Nothing expires as long as Kafka does not say that nothing is left.

    It has said so before `t` was due; what has come since may stand unread in an outage, so
    the record that ends the silence must find `t` open, too.
    """
    partition = running(0, OPEN)
    partition.at_end = True
    Idleness(POLICY, offsets(), clock).step({0: partition}, lambda _: MOST)

    assert partition.aggregator.delta.reports == []
    assert partition.aggregator.table.open_count == 1
    assert not partition.at_end


@pytest.mark.kafka
def test_at_its_end_time_goes_on(clock: Clock, bootstrap_servers: str, topic_prefix: str) -> None:
    """The report is closed at its deadline, not when it was found out."""
    cluster = Cluster(bootstrap_servers)
    cluster.create(topic_prefix)
    cluster.send(topic_prefix, [Sending(OPEN)])
    partition = running(0, OPEN)
    Idleness(PATIENT, offsets(bootstrap_servers, topic_prefix), clock).step(
        {0: partition}, lambda _: MOST
    )

    assert [key for key, _ in partition.aggregator.delta.reports] == [b"t"]


@pytest.mark.kafka
def test_unread_records_hold_time_back(
    clock: Clock, bootstrap_servers: str, topic_prefix: str
) -> None:
    """One of them may be a part of the report; the other partition goes on."""
    cluster = Cluster(bootstrap_servers)
    cluster.create(topic_prefix, partitions=2)
    cluster.send(topic_prefix, [Sending(OPEN, partition=number) for number in (0, 0, 1)])
    behind, done = running(0, OPEN), running(1, OPEN)
    Idleness(PATIENT, offsets(bootstrap_servers, topic_prefix), clock).step(
        {0: behind, 1: done}, lambda _: MOST
    )

    assert behind.aggregator.delta.reports == []
    assert len(done.aggregator.delta.reports) == 1


@pytest.mark.kafka
def test_records_of_an_open_transaction_hold_time_back(
    clock: Clock, bootstrap_servers: str, topic_prefix: str
) -> None:
    """They cannot be read yet, and the end that a reader sees lies before them."""
    cluster = Cluster(bootstrap_servers)
    cluster.create(topic_prefix)
    cluster.send(topic_prefix, [Sending(OPEN)])
    partition = running(0, OPEN)
    producer = Producer({"bootstrap.servers": bootstrap_servers, "transactional.id": topic_prefix})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(topic_prefix, OPEN)
    producer.flush(20)
    until(lambda: cluster.ends(topic_prefix)[0] > 1, "the open record is there")
    assert cluster.stable_ends(topic_prefix)[0] == partition.position

    idleness = Idleness(PATIENT, offsets(bootstrap_servers, topic_prefix), clock)
    idleness.step({0: partition}, lambda _: MOST)
    assert partition.aggregator.delta.reports == []

    producer.abort_transaction(20)
    # Answered before the marker can be read.
    until(lambda: cluster.stable_ends(topic_prefix) == cluster.ends(topic_prefix), "its end")
    partition.position = cluster.ends(topic_prefix)[0]  # past the abort's marker
    clock.passed_s += ASK_S
    idleness.step({0: partition}, lambda _: MOST)
    assert len(partition.aggregator.delta.reports) == 1


@pytest.mark.kafka
def test_questions_keep_their_distance(
    clock: Clock, bootstrap_servers: str, topic_prefix: str
) -> None:
    """However fast the loop turns."""
    cluster = Cluster(bootstrap_servers)
    cluster.create(topic_prefix)
    cluster.send(topic_prefix, [Sending(OPEN)])
    partition = running(0, OPEN)
    partition.position = 0
    idleness = Idleness(PATIENT, offsets(bootstrap_servers, topic_prefix), clock)
    idleness.step({0: partition}, lambda _: MOST)
    partition.position = 1
    idleness.step({0: partition}, lambda _: MOST)
    assert partition.aggregator.delta.reports == []

    clock.passed_s += ASK_S
    idleness.step({0: partition}, lambda _: MOST)
    assert len(partition.aggregator.delta.reports) == 1


@pytest.mark.kafka
def test_no_more_fires_than_the_transaction_has_room_for(
    clock: Clock, bootstrap_servers: str, topic_prefix: str
) -> None:
    """The rest is still due, and fires next time."""
    cluster = Cluster(bootstrap_servers)
    cluster.create(topic_prefix)
    values = [callback(f"t{number}", usage("1")) for number in range(5)]
    cluster.send(topic_prefix, [Sending(value) for value in values])
    partition = running(0, *values)
    idleness = Idleness(PATIENT, offsets(bootstrap_servers, topic_prefix), clock)
    idleness.step({0: partition}, lambda _: 3)
    assert len(partition.aggregator.take().reports) == 3

    clock.passed_s += ASK_S
    idleness.step({0: partition}, lambda _: 3)
    assert len(partition.aggregator.take().reports) == 2
