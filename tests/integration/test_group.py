"""Members of a group in every way to be one: standbys, static ones that come back, namesakes."""

from __future__ import annotations

import pytest

from consumer.embedded import EmbeddedKafka
from consumer.simulator.options import Options
from tests.harness import Member, Membership, Sending, Stage
from tests.harness.membership import CLASSIC, EVERY, Protocol
from tests.harness.records import OLD_MS, simulated, tick
from tests.waiting import until

pytestmark = pytest.mark.kafka

SESSION_S = 6
LONG_SESSION_S = 45
"""The default of a Kafka for the new protocol; longer than anything here may take."""
WAIT_S = 30
TORN_DOWN = "torn_down"


def enter(stage: Stage, membership: Membership, instance: str | None = None) -> None:
    """Make the topics, for members that live by their records' times."""
    stage.create(partitions=2, inactivity_ms=2_000, window_ms=5_000)
    membership.prepare(stage.cluster, stage.app)
    stage.settings = {**membership.settings, "completion.idle": "1h"}
    if instance is not None:
        stage.settings["app.instance"] = instance


def halves(seed: int) -> tuple[list[Sending], list[Sending]]:
    """Records with requests under way in the middle; all is closed at the end."""
    records = list(simulated(Options(requests=100, rate=100, silent=0.2, seed=seed), OLD_MS))
    middle = len(records) // 2
    ends = [tick(partition, OLD_MS + 600_000) for partition in range(2)]
    return records[:middle], [*records[middle:], *ends]


def restored_txids(member: Member) -> int:
    """How many txids a member has found in the state log."""
    return sum(line["txids"] for line in member.seen("restored"))


@pytest.mark.parametrize("membership", EVERY, ids=str)
def test_a_standby_is_ready(stage: Stage, membership: Membership) -> None:
    """Two members and one partition: who has none is in the group, and waits for its turn."""
    stage.create()
    membership.prepare(stage.cluster, stage.app)
    stage.settings = membership.settings
    owner = stage.member()
    owner.await_ready(partitions=1)
    standby = stage.member()
    standby.await_ready(partitions=0)

    assert "standing by" in standby.get("/readyz")[1]
    assert owner.get("/readyz")[0] == 200
    assert owner.stop() == 0
    standby.await_ready(partitions=1)


def test_a_static_member_that_was_killed_waits_for_the_end_of_its_session(stage: Stage) -> None:
    """With the new protocol the broker refuses its name until then; after that it goes on."""
    enter(stage, Membership("consumer", static=True, session_s=SESSION_S), instance="one")
    before, after = halves(seed=5)
    first = stage.member()
    stage.send(before)
    stage.await_exact()
    first.kill()
    stage.send(after)
    second = stage.member()
    refusal = second.await_log(TORN_DOWN, cause="instance_in_use")
    second.await_ready(partitions=2, timeout_s=5 * SESSION_S)

    assert "app.instance" in refusal["reason"]
    assert restored_txids(second) > 0
    assert {line["cause"] for line in second.seen(TORN_DOWN)} == {"instance_in_use"}
    stage.await_exact()
    assert second.exit_code is None


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_static_member_that_stopped_is_back_at_once(stage: Stage, protocol: Protocol) -> None:
    """It keeps its place while it is away, for less than its session: nobody else gets it."""
    enter(stage, Membership(protocol, static=True, session_s=LONG_SESSION_S))
    before, after = halves(seed=7)
    other = stage.member({"app.instance": "two"})
    first = stage.member({"app.instance": "one"})
    first.await_ready(partitions=1)
    other.await_ready(partitions=1)
    stage.send(before)
    stage.await_consumed()
    seen = other.log()
    assert first.stop() == 0
    stage.send(after)
    second = stage.member({"app.instance": "one"})
    second.await_ready(partitions=1)
    stage.await_exact()

    assert restored_txids(second) > 0
    assert not second.seen(TORN_DOWN)
    assert second.seen("assigned")[0]["partitions"] == first.seen("revoked")[-1]["partitions"]
    assert other.log() == seen


def test_of_two_idle_static_members_with_one_name_one_ends(stage: Stage) -> None:
    """The group itself fences the one of them after the other, with no commit needed."""
    enter(stage, Membership("classic", static=True), instance="one")
    twins = [stage.member(), stage.member()]
    until(lambda: any(twin.exit_code is not None for twin in twins), "the end of one", WAIT_S)
    ended, other = sorted(twins, key=lambda twin: twin.exit_code is None)

    assert ended.exit_code == 1
    assert "app.instance=one" in ended.errors()[0]
    assert ended.seen(TORN_DOWN, cause="fenced_instance")
    other.await_ready(partitions=2)
    assert other.exit_code is None


def test_a_namesake_of_a_static_member_is_refused_until_that_one_stops(stage: Stage) -> None:
    """With the new protocol the first one keeps the name, and idle, it is not disturbed."""
    enter(stage, Membership("consumer", static=True, session_s=LONG_SESSION_S), instance="one")
    first = stage.member()
    first.await_ready(partitions=2)
    second = stage.member()
    second.await_log(TORN_DOWN, count=2, cause="instance_in_use")

    assert second.get("/readyz")[0] == 503
    assert first.get("/readyz")[0] == 200
    assert not first.seen(TORN_DOWN)
    assert first.stop() == 0
    second.await_ready(partitions=2)


def test_members_of_the_new_protocol_wait_for_the_last_of_the_old(stage: Stage) -> None:
    """Kafka takes a group of two or more of the old ones not over while one of them is there."""
    enter(stage, CLASSIC)
    before, after = halves(seed=8)
    old = [stage.member(), stage.member()]
    for member in old:
        member.await_ready(partitions=1)
    stage.send(before)
    stage.await_consumed()
    stage.settings = {**Membership("consumer").settings, "completion.idle": "1h"}
    new = [stage.member(), stage.member()]
    for member in new:
        refusal = member.await_log(TORN_DOWN, cause="group_protocol")
        assert "group.protocol=consumer" in refusal["reason"]
    assert [member.stop() for member in old] == [0, 0]
    for member in new:
        member.await_ready(partitions=1)
        assert restored_txids(member) > 0
    stage.send(after)
    stage.await_exact()


def test_members_of_the_old_protocol_may_join_those_of_the_new(stage: Stage) -> None:
    """The way back needs no standstill."""
    enter(stage, Membership("consumer"))
    before, after = halves(seed=9)
    new = [stage.member(), stage.member()]
    for member in new:
        member.await_ready(partitions=1)
    stage.send(before)
    stage.await_consumed()
    stage.settings = {**CLASSIC.settings, "completion.idle": "1h"}
    for member in new:
        assert member.stop() == 0
        stage.member().await_ready(partitions=1)
    stage.send(after)
    stage.await_exact()


def test_a_kafka_without_the_new_protocol_is_told_of(topic_prefix: str) -> None:
    """The member ends with the setting that asks for it."""
    settings = {"group.coordinator.rebalance.protocols": "classic"}
    with (
        EmbeddedKafka(settings=settings) as kafka,
        Stage(kafka.bootstrap_servers, topic_prefix) as stage,
    ):
        stage.create()
        member = stage.member({"kafka.consumer.group.protocol": "consumer"})
        assert member.wait() == 1
        (line,) = member.errors()
        assert "group.protocol=consumer needs Kafka 4.0" in line
