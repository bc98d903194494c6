"""Commits that go on while the member reads: whatever meets one of them, nothing is torn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar

import pytest

from consumer.background import Background
from tests.faults.crew import SETTINGS, Crew
from tests.faults.life import Life
from tests.faults.load import Requests
from tests.faults.script import Script, Step
from tests.harness.stage import Stage
from tests.waiting import until

pytestmark = pytest.mark.kafka

REQUESTS = Requests(callbacks=60_000, txids=6_000, seed=23)
IN_PROCESS = {
    **SETTINGS,
    "app.instance": "in-process",
    "kafka.client.id": "in-process",
    "commit.interval": "20ms",
}


class Counted(Background):
    """Commits that the loop did not wait for from the beginning."""

    made: ClassVar[int] = 0

    def __init__(self, call: Callable[[], None]) -> None:
        type(self).made += 1
        super().__init__(call)


@pytest.fixture
def crew(stage: Stage) -> Crew:
    """Topics with everything in them that there is to read, so a member is behind at first."""
    crew = Crew(stage, REQUESTS)
    stage.send(REQUESTS.sendings())
    return crew


def test_what_is_read_during_a_commit_comes_out_once(crew: Crew) -> None:
    """It is part of the next one."""

    class Own(Counted):
        made = 0

    with Life(crew.stage, IN_PROCESS, aside=Own) as life:
        crew.conclude()
    assert life.faults == []
    assert Own.made > 1


@pytest.mark.parametrize("step", ["flush", "send_offsets"])
def test_a_commit_that_fails_beside_the_loop(crew: Crew, step: Step) -> None:
    """What was read since is thrown away with it, and read again."""

    class Own(Counted):
        made = 0

    def is_beside(_: Script) -> bool:
        name = threading.current_thread().name
        return Own.made > 0 and (step == "flush" or name == "commit")

    script = Script(step, when=is_beside)
    with Life(crew.stage, IN_PROCESS, transactions=script.transactions(), aside=Own) as life:
        until(lambda: script.failed is not None, "a failed commit", 60)
        assert script.failed
        assert crew.evidence.has_ended(script.failed, 30)
        assert crew.evidence.aborted(script.failed) is not False
        crew.conclude()
    assert [fault.cause for fault in life.faults] == ["commit_failed"]
    assert script.aborts == 1


def test_a_revocation_waits_for_the_commit_under_way(crew: Crew) -> None:
    """Else the next owner would begin where it began: here none ends unless it is waited for."""

    class Lingering(Counted):
        made = 0

        def done(self, *, wait: bool, limit_s: float | None = None) -> bool:
            """Never before somebody waits."""
            return wait and super().done(wait=True, limit_s=limit_s)

    with Life(crew.stage, IN_PROCESS, aside=Lingering) as life:
        until(lambda: Lingering.made > 0, "a commit under way", 60)
        crew.start("member-1")
        crew.conclude()
    assert life.faults == []
