"""Static members that are killed at work and started again, beside one that works on."""

from __future__ import annotations

import random

import pytest

from tests.faults.crew import TORN_DOWN, Crew
from tests.faults.kills import Kill, kill_one
from tests.faults.load import Load, Requests
from tests.harness.member import Member
from tests.harness.membership import Membership
from tests.harness.stage import Stage

pytestmark = pytest.mark.kafka

REQUESTS = Requests(callbacks=12_000, txids=1_200, seed=29)
RATE = 600
REBALANCES = ("assigned", "revoked", "lost")


def kill(crew: Crew) -> Kill:
    """Hit `member-0`, at work and in the middle of a transaction; it is started again."""
    return kill_one(crew, random.Random(REQUESTS.seed), ["member-0"])  # noqa: S311 - any will do


def rebalances(member: Member) -> list[dict[str, object]]:
    """What a member has heard of changes of its assignment."""
    return [line for line in member.log() if line["event"] in REBALANCES]


def test_with_the_classic_protocol_nobody_else_hears_of_it(stage: Stage) -> None:
    """It has the same partitions back, long before its session ends; the other one keeps its."""
    crew = Crew(stage, REQUESTS, membership=Membership(static=True, session_s=300))
    crew.start_all()
    other = crew.members["member-1"]
    with Load(stage, REQUESTS.sendings(), RATE) as load:
        load.enough = REQUESTS.callbacks // 2
        before = rebalances(other)
        hit = kill(crew)
        assert hit.unread
        assert hit.owned
        crew.await_owners()
        back = crew.members["member-0"]
        assert [line["partitions"] for line in rebalances(back)] == [[*hit.owned]]
        assert rebalances(other) == before
        assert not back.seen(TORN_DOWN)
    crew.conclude()


def test_with_the_new_protocol_it_is_refused_while_its_session_lasts(stage: Stage) -> None:
    """Till then its partitions are nobody's; then others have them, and it gets its share."""
    crew = Crew(stage, REQUESTS, membership=Membership("consumer", static=True, session_s=10))
    crew.start_all()
    other = crew.members["member-1"]
    with Load(stage, REQUESTS.sendings(), RATE) as load:
        load.enough = REQUESTS.callbacks // 2
        hit = kill(crew)
        back = crew.members["member-0"]
        refused = back.await_log(TORN_DOWN, cause="instance_in_use")
        started = back.await_log("starting")
        assert not [
            line
            for line in rebalances(other)
            if started["timestamp"] < line["timestamp"] < refused["timestamp"]
        ]
        assert crew.evidence.owned()["member-0"] == [*hit.owned]
        crew.await_owners()
        assert all(line["timestamp"] > refused["timestamp"] for line in rebalances(back))
        assert {line["cause"] for line in back.seen(TORN_DOWN)} == {"instance_in_use"}
        assert not other.seen(TORN_DOWN)
    crew.conclude()
