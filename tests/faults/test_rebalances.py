"""Members that come and go under load."""

from __future__ import annotations

import pytest

from tests.faults.crew import TORN_DOWN, Crew
from tests.faults.load import Load, Requests
from tests.harness.membership import EVERY, Membership
from tests.harness.stage import Stage
from tests.waiting import until

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("membership", EVERY, ids=str)
def test_one_member_then_three_then_two(stage: Stage, membership: Membership) -> None:
    """Partitions move with their half-read txids; nobody who watches the outputs can tell."""
    requests = Requests(callbacks=20_000, txids=2_000, seed=13)
    crew = Crew(stage, requests, size=3, partitions=6, membership=membership)
    crew.start("member-0")
    with Load(stage, requests.sendings(), 1_000) as load:
        load.enough = requests.callbacks // 2
        crew.await_owners()
        until(lambda: load.sent > requests.callbacks // 10, "some load", 60)
        assert crew.evidence.unread(crew.held("member-0")) > 0
        crew.start("member-1")
        crew.start("member-2")
        crew.await_owners(evenly=True)
        for name in ("member-1", "member-2"):
            lines = crew.members[name].seen("restored")
            assert sum(line["txids"] for line in lines) > 0
        load.enough = requests.callbacks
        owned = crew.held("member-0")
        assert owned
        leaver = crew.members.pop("member-0")
        until(lambda: crew.evidence.unread(owned) > 0, "unread records of the one that goes", 60)
        assert leaver.stop() == 0
        assert leaver.seen("revoked", partitions=owned)
        crew.await_owners()
        for member in crew.members.values():
            assert not member.seen(TORN_DOWN)
    crew.conclude()
