"""Transactions of dead members that hang on the state topic, and those who must read past them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from confluent_kafka import KafkaError, Message, Producer

from tests.faults.crew import PARTITIONS, TORN_DOWN, Crew
from tests.faults.load import Load, Requests
from tests.harness.membership import Membership
from tests.harness.stage import Stage
from tests.waiting import until

pytestmark = pytest.mark.kafka

REQUESTS = Requests(callbacks=12_000, txids=1_200, seed=7)
RATE = 600
FOREVER_S = 600
"""For this test: nobody waits for a transaction to time out by itself."""
FREED = "transaction_ended"


class Hanging:
    """A transaction that a dead member left open on every state partition."""

    def __init__(self, crew: Crew, *, writer: str | None) -> None:
        """`writer` is whom its records name; None: nobody can know whose they are."""
        self.transactional_id = f"{crew.stage.app}-{writer or 'stranger'}"
        self._crew = crew
        self._producer = Producer(
            {
                "bootstrap.servers": crew.stage.cluster.bootstrap_servers,
                "transactional.id": self.transactional_id,
                "transaction.timeout.ms": FOREVER_S * 1000,
            }
        )
        self._producer.init_transactions(30)
        self._producer.begin_transaction()
        signature: list[tuple[str, str | bytes | None]] = [("writer", self.transactional_id)]
        headers = signature if writer else []
        self.begins: dict[int, int] = {}
        for number in range(PARTITIONS):
            self._producer.produce(
                crew.stage.state, b"", partition=number, headers=headers, callback=self._delivered
            )
        assert self._producer.flush(30) == 0
        assert len(self.begins) == PARTITIONS

    def await_passed(self) -> None:
        """Wait until commits lie behind it on every partition."""
        for _ in range(2):  # the first one may have begun before it
            self._await_commits()
        assert self.hangs()

    def _await_commits(self) -> None:
        stage = self._crew.stage
        before = stage.committed()

        def committed() -> bool:
            now = stage.committed()
            return all(now.get(number, 0) > before.get(number, 0) for number in self.begins)

        until(committed, "commits in every partition", 60)

    def hangs(self) -> bool:
        """Whether it is still there, and the oldest one on every partition."""
        return self._crew.evidence.open_transactions(self.begins) == self.begins

    def abort(self) -> None:
        """End it."""
        self._producer.abort_transaction(30)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        assert error is None, error
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        self.begins[partition] = offset


@pytest.fixture
def crew(stage: Stage) -> Iterator[Crew]:
    """Two members to be; `member-0` runs, and has committed in every partition."""
    settings = {"kafka.producer.transaction.timeout.ms": f"{FOREVER_S * 1000}"}
    crew = Crew(stage, REQUESTS, membership=Membership(session_s=3), settings=settings)
    crew.start("member-0")
    with Load(stage, crew.requests.sendings(), RATE) as load:
        load.enough = REQUESTS.callbacks // 2  # and then it trickles: some tests take time
        until(lambda: len(stage.committed()) == PARTITIONS, "a commit in every partition", 60)
        crew.await_owners()
        yield crew
    crew.conclude()


def restored(crew: Crew, name: str, partitions: Iterable[int]) -> list[dict[str, object]]:
    """Log lines of the restores that a member has finished."""
    lines = crew.members[name].seen("restored")
    return [line for line in lines if line["partition"] in set(partitions)]


def test_a_restore_waits_for_the_commit_behind_a_hanging_transaction(crew: Crew) -> None:
    """The readable end lies before it: stopping there would forget what was committed since.

    The last owner, alive and well, is left in peace: it cannot be the one that hangs.
    """
    hanging = Hanging(crew, writer=None)
    hanging.await_passed()
    heir = crew.start("member-1")
    heir.await_log("restoring", count=2, timeout_s=60)  # the second comes seconds later
    moved = heir.seen("restoring")[-1]["partitions"]
    assert moved > 0
    assert not heir.seen("restored")
    assert heir.get("/readyz")[0] == 503
    assert hanging.hangs()
    hanging.abort()
    heir.await_log("restored", count=moved, timeout_s=60)
    assert sum(line["txids"] for line in heir.seen("restored")) > 0
    for member in crew.members.values():
        assert not member.seen(TORN_DOWN)
        assert not member.seen(FREED)


def test_the_writer_that_hangs_is_freed_and_no_other(crew: Crew) -> None:
    """It never committed, so no metadata names it; the one that is named goes on unharmed."""
    hanging = Hanging(crew, writer="dead")
    hanging.await_passed()
    heir = crew.start("member-1")
    heir.await_log(FREED, writer=hanging.transactional_id, timeout_s=60)
    crew.await_owners()
    assert sum(line["txids"] for line in heir.seen("restored")) > 0
    assert crew.evidence.aborted(hanging.begins) is not False
    for member in crew.members.values():
        assert not member.seen(TORN_DOWN)
        assert len(member.seen(FREED)) == len(member.seen(FREED, writer=hanging.transactional_id))


@pytest.mark.parametrize("offsets", [True, False])
def test_who_takes_over_ends_the_transaction_of_the_dead(crew: Crew, *, offsets: bool) -> None:
    """In seconds, where it blocks: with offsets in it, the committed ones cannot be read."""
    heir = crew.start("member-1")
    crew.await_owners()
    begins = crew.freeze("member-0", offsets=offsets)
    owned = crew.evidence.owned()["member-0"]
    assert owned
    assert begins.keys() <= set(owned)
    crew.members.pop("member-0").kill()
    crew.await_owners()
    assert {line["partition"] for line in restored(crew, "member-1", owned)} == set(owned)
    if offsets:
        assert heir.seen(FREED, writer=f"{crew.stage.app}-member-0")
        assert crew.evidence.aborted(begins) is not False
    seconds = [line["seconds"] for line in restored(crew, "member-1", owned)]
    assert all(isinstance(one, float) and one < FOREVER_S / 10 for one in seconds)
    crew.start("member-0")
    crew.await_owners()


def test_a_member_killed_while_it_restores_restores_again(crew: Crew) -> None:
    """A restore is held up, killed in the middle, and begun anew."""
    hanging = Hanging(crew, writer=None)
    hanging.await_passed()
    assert crew.members.pop("member-0").stop() == 0
    committed = crew.stage.committed()
    for _ in range(2):
        victim = crew.start("member-1")
        victim.await_log("restoring", partitions=PARTITIONS, timeout_s=60)
        assert crew.evidence.unread(range(PARTITIONS)) > 0
        victim.kill()
        assert not victim.seen("restored")
    assert crew.stage.committed() == committed
    heir = crew.start("member-1")
    heir.await_log("restoring", timeout_s=60)
    hanging.abort()
    crew.await_owners()
    assert sum(line["txids"] for line in heir.seen("restored")) > 0
