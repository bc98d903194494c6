"""Commits that fail, in one phase or another: as if they had never begun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from consumer.kafka.source import Source
from consumer.pipeline.loop import Pipeline
from tests.faults.crew import PARTITIONS, SETTINGS, Crew
from tests.faults.life import Life
from tests.faults.load import Load, Requests
from tests.faults.script import Script, Step
from tests.harness.membership import CLASSIC
from tests.harness.stage import Stage
from tests.oracle.topics import read_topic
from tests.waiting import until

pytestmark = pytest.mark.kafka

REQUESTS = Requests(callbacks=4_000, txids=400, seed=19)
RATE = 400
IN_PROCESS = {
    **SETTINGS,
    **CLASSIC.settings,
    "app.instance": "in-process",
    "kafka.client.id": "in-process",
}


@pytest.fixture
def crew(stage: Stage) -> Crew:
    """Topics, and real processes where a test needs one."""
    return Crew(stage, REQUESTS)


def aborted_reports(stage: Stage) -> int:
    """Reports that were written and that no reader sees."""
    servers = stage.cluster.bootstrap_servers
    every = read_topic(servers, stage.reports, "read_uncommitted")
    return len(every) - len(stage.read(stage.reports))


@pytest.mark.parametrize("step", ["flush", "send_offsets"])
def test_what_a_failed_commit_held_comes_out_once(crew: Crew, step: Step) -> None:
    """All of it had reached Kafka; the next pipeline reads and writes it again.

    It is aborted before the member leaves the group: else another one could be given the
    partitions while it can still be committed.
    """
    script = Script(step, when=lambda held: held.outputs[crew.stage.reports] > 0)
    ended_before_leaving: list[bool] = []

    class Leaving(Source):
        def close(self) -> None:
            # Kafka writes the markers of an abort a little after it has accepted it.
            ended_before_leaving.append(crew.evidence.has_ended(script.failed or {}, 5))
            super().close()

    with Life(crew.stage, IN_PROCESS, source=Leaving, transactions=script.transactions()) as life:
        with Load(crew.stage, REQUESTS.sendings(), RATE):
            until(lambda: life.pipelines == 2, "a second pipeline", 60)
            assert script.failed
            assert crew.evidence.aborted(script.failed) is not False
            until(lambda: crew.evidence.unread(range(PARTITIONS)) > 0, "unread records", 60)
        crew.conclude()
    assert [fault.cause for fault in life.faults] == ["commit_failed"]
    assert ended_before_leaving[0]
    assert script.aborts == 1
    assert aborted_reports(crew.stage) > 0


def test_a_failure_of_the_very_first_transaction_is_not_taken_for_expired_offsets(
    crew: Crew,
) -> None:
    """It leaves a state topic that is not empty; the group's first offsets are there already."""
    script = Script("flush")
    crew.stage.send(REQUESTS.sendings())
    # No commit is due when the partitions come, so the first one to come would hold records.
    slowly = {**IN_PROCESS, "commit.interval": "3s"}
    with Life(crew.stage, slowly, transactions=script.transactions()) as life:
        until(lambda: script.failed is not None, "the first transaction with state", 60)
        assert script.failed
        assert set(script.failed.values()) == {0}
        crew.conclude()
    assert [fault.cause for fault in life.faults] == ["commit_failed"]


def test_a_commit_that_fails_in_a_revocation(crew: Crew) -> None:
    """The fault travels out of the poll that a rebalance came from, and nothing is torn."""
    script = Script("send_offsets", when=lambda _: Revoked.now)

    class Revoked(Pipeline):
        now: ClassVar[bool] = False

        def on_revoked(self, partitions: Sequence[int]) -> None:
            Revoked.now = bool(partitions)
            super().on_revoked(partitions)
            Revoked.now = False

    seldom = {**IN_PROCESS, "commit.interval": "2s"}  # so there is something left to commit
    with Life(crew.stage, seldom, transactions=script.transactions(), pipeline=Revoked) as life:
        with Load(crew.stage, REQUESTS.sendings(), RATE):
            until(lambda: len(crew.stage.committed()) == PARTITIONS, "a commit everywhere", 60)
            until(lambda: crew.evidence.unread(range(PARTITIONS)) > 0, "unread records", 60)
            crew.start("member-1")
            until(lambda: script.failed is not None, "a commit in a revocation", 60)
            assert script.failed
            assert crew.evidence.aborted(script.failed) is not False
        crew.conclude()
    assert [fault.cause for fault in life.faults] == ["commit_failed"]


def test_a_record_that_cannot_be_queued_is_not_left_out(crew: Crew) -> None:
    """Smaller records of the same transaction could be committed without it: they are not."""
    script = Script()

    class Narrow(script.transactions()):  # type: ignore[misc] # a class made here
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "message_max_bytes": LIMIT_BYTES})

    script.when = lambda _: False
    stage = crew.stage
    stage.send(REQUESTS.sendings())
    with Life(stage, IN_PROCESS, transactions=Narrow) as life:
        until(lambda: not life.alive, "the end", 60)
    assert [fault.cause for fault in life.faults] == ["output_too_large"]
    assert script.aborts == 1
    assert set(stage.committed().values()) == {0}
    assert not stage.read(stage.reports)
    assert not stage.read(stage.state)
    crew.start("member-0")
    crew.conclude()


LIMIT_BYTES = 1_050
"""Between the sizes of a report of a few devices and of one of ten."""


class Stale(Source):
    """A group member whose metadata is of its first generation, `left` times after that."""

    left: ClassVar[int] = 0
    first: ClassVar[object] = None
    used: ClassVar[int] = 0

    def group_metadata(self) -> object:
        """What the broker will refuse, or the right thing."""
        now = super().group_metadata()
        first = type(self).first = type(self).first or now
        if type(self).used == type(self).left or first == now:
            return now
        type(self).used += 1
        return first


@pytest.mark.parametrize("times", [1, 2])
def test_offsets_of_a_past_generation_are_sent_once_more(crew: Crew, times: int) -> None:
    """A rebalance came between: refused and aborted, the commit goes out again, up to date.

    Refused a second time, the pipeline is torn down.
    """

    class Own(Stale):
        left = times
        first = None
        used = 0

    script = Script(when=lambda _: False)
    with Life(crew.stage, IN_PROCESS, source=Own, transactions=script.transactions()) as life:
        with Load(crew.stage, REQUESTS.sendings(), RATE):
            until(lambda: Own.first is not None, "a first commit", 60)
            crew.start("member-1")
            until(lambda: Own.used == times, "a commit with old metadata", 60)
            until(lambda: script.aborts >= times, "its abort", 60)
        crew.conclude()
    causes = [fault.cause for fault in life.faults]
    # The group's own rebalances may refuse a commit as well, and tear down at the second time.
    assert len(causes) >= times - 1
    assert set(causes) <= {"rebalance_race", "not_a_member"}
    assert life.pipelines == len(causes) + 1
