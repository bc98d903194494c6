"""Members that everybody takes for dead, and that come back."""

from __future__ import annotations

import pytest

from tests.faults.crew import PARTITIONS, TORN_DOWN, Crew
from tests.faults.load import Load, Requests
from tests.harness.membership import CLASSIC, EVERY, Membership
from tests.harness.stage import Stage
from tests.waiting import until

pytestmark = pytest.mark.kafka

REQUESTS = Requests(callbacks=12_000, txids=1_200, seed=11)
RATE = 600


@pytest.mark.parametrize(
    ("membership", "offsets"),
    [*((membership, True) for membership in EVERY), (CLASSIC, False)],
    ids=str,
)
def test_a_zombie_doubles_nothing_and_starts_over(
    stage: Stage, membership: Membership, *, offsets: bool
) -> None:
    """Thawed when others have its partitions, it finds out, and throws its state away.

    It was frozen in an open transaction, which the broker has given up meanwhile.
    """
    brief = membership._replace(session_s=3)
    settings = {"kafka.producer.transaction.timeout.ms": "5000"}
    crew = Crew(stage, REQUESTS, membership=brief, settings=settings)
    crew.start_all()
    with Load(stage, REQUESTS.sendings(), RATE) as load:
        load.enough = REQUESTS.callbacks // 2  # and then it trickles: this takes time
        zombie = crew.members["member-0"]
        owned = crew.held("member-0")
        begins = crew.freeze("member-0", offsets=offsets)
        assert begins.keys() <= set(owned)
        before = crew.evidence.progress(owned)

        def others_went_on() -> bool:
            now = crew.evidence.progress(owned)
            return all(now[number].committed > before[number].committed for number in owned)

        until(others_went_on, "somebody else at work in the zombie's partitions", 60)
        assert crew.evidence.aborted(begins, timeout_s=60) is not False
        zombie.resume()
        zombie.await_log(TORN_DOWN, timeout_s=60)
        crew.await_owners()
        assert zombie.exit_code is None
    crew.conclude()


@pytest.mark.parametrize("membership", EVERY, ids=str)
def test_of_two_members_with_one_name_the_one_fenced_twice_ends(
    stage: Stage, membership: Membership
) -> None:
    """It says which setting to change; the other one works on, and all comes out once."""
    crew = Crew(stage, REQUESTS, membership=membership)
    twins = [crew.start("member-0"), crew.start("member-0")]
    with Load(stage, REQUESTS.sendings(), RATE):
        until(
            lambda: any(twin.exit_code is not None for twin in twins),
            "the end of one of the two",
            90,
        )
        ended, other = sorted(twins, key=lambda twin: twin.exit_code is None)
        assert ended.exit_code == 1
        assert other.exit_code is None
        (line,) = ended.errors()
        assert "app.instance=member-0" in line
        assert ended.seen(TORN_DOWN, cause="fenced")
        crew.members["member-0"] = other
        crew.await_owners()
        assert other.exit_code is None
    crew.conclude()
    assert len(crew.held("member-0")) == PARTITIONS
