"""A committed offset that a pending transaction holds back, and the partitions beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.faults.crew import PARTITIONS, TORN_DOWN, Crew
from tests.faults.load import Load, Requests
from tests.harness.member import Member
from tests.harness.stage import Stage
from tests.waiting import until

pytestmark = pytest.mark.kafka

REQUESTS = Requests(callbacks=9_000, txids=900, seed=23)
RATE = 300
FOREVER_S = 600
"""For this test: nobody waits for a transaction to time out by itself."""
COMMITS = 20
PACE_S = 12.0
"""For so many commits, of which there are ten in a second when nothing holds them up; if
each had to wait until a question about the blocked partition is given up, they took 20 s."""


@pytest.fixture
def crew(stage: Stage) -> Crew:
    """Two members to be."""
    return Crew(stage, REQUESTS)


@contextmanager
def pending_offset(crew: Crew, partition: int) -> Iterator[None]:
    """Within, a transaction holds an offset of the group that is neither committed nor not.

    It has written nothing, so nobody can see whose it is and end it.
    """
    stage = crew.stage
    servers = {"bootstrap.servers": stage.cluster.bootstrap_servers}
    producer = Producer(
        {
            **servers,
            "transactional.id": f"{stage.app}-stranger",
            "transaction.timeout.ms": FOREVER_S * 1000,
        }
    )
    member = Consumer({**servers, "group.id": stage.app})
    offset = stage.committed().get(partition, 0)
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.send_offsets_to_transaction(
        [TopicPartition(stage.callbacks, partition, offset)], member.consumer_group_metadata(), 30
    )
    assert crew.evidence.is_offset_pending()
    yield
    assert crew.evidence.is_offset_pending()
    producer.abort_transaction(30)
    member.close()


def keeps_its_pace(member: Member) -> bool:
    """Whether commits go on as they do when nothing is blocked."""
    began_s, before = time.monotonic(), member.metric("commit_duration_seconds_count")
    member.until(
        lambda: member.metric("commit_duration_seconds_count") >= before + COMMITS,
        f"{COMMITS} commits",
        60,
    )
    return time.monotonic() - began_s < PACE_S


def test_a_blocked_partition_does_not_hold_back_the_others(crew: Crew) -> None:
    """They are ready at once, and work; it follows when the transaction has ended."""
    others = {1, 2, 3}
    with pending_offset(crew, 0), Load(crew.stage, REQUESTS.sendings(), RATE) as load:
        member = crew.start("member-0")
        until(lambda: set(crew.held("member-0")) == others, "the other partitions", 30)
        assert all(float(line["seconds"]) < 10 for line in member.seen("restored"))
        assert member.get("/readyz")[0] == 503
        assert keeps_its_pace(member)
        assert load.running
        load.finish()
        until(lambda: not crew.evidence.unread(others), "all of them read", 60)
        assert set(crew.held("member-0")) == others
    crew.await_owners()
    crew.conclude()
    assert not member.seen(TORN_DOWN)


def test_running_partitions_keep_their_pace(crew: Crew) -> None:
    """A member that takes over a blocked partition from another goes on with its own."""
    with Load(crew.stage, REQUESTS.sendings(), RATE) as load:
        crew.start_all()
        until(lambda: len(crew.stage.committed()) == PARTITIONS, "a commit everywhere", 60)
        heir, blocked = crew.members["member-0"], crew.held("member-1")[0]
        with pending_offset(crew, blocked):
            assert crew.members.pop("member-1").stop() == 0
            rest = set(range(PARTITIONS)) - {blocked}
            until(lambda: set(crew.held("member-0")) == rest, "all but the blocked one", 60)
            assert keeps_its_pace(heir)
            assert load.running
            assert set(crew.held("member-0")) == rest
        crew.await_owners()
    crew.conclude()
    assert not heir.seen(TORN_DOWN)
