from __future__ import annotations

import threading

import pytest

from consumer.background import Background
from consumer.errors import Action, Fault

FAILURE = Fault(Action.TEAR_DOWN, "fenced", "fenced")


def test_waiting_has_a_limit() -> None:
    """After it the call goes on, and may be asked about again."""
    may_go = threading.Event()
    slow = Background(lambda: assert_waited(may_go), "slow")
    assert not slow.done(wait=True, limit_s=0.01)
    may_go.set()
    assert slow.done(wait=True, limit_s=30)


def test_a_thread_makes_the_call_and_tells_how_it_ended() -> None:
    """Its failure comes out where it is asked for, as often as it is."""
    may_go = threading.Event()
    slow = Background(lambda: assert_waited(may_go))
    assert not slow.done(wait=False)
    may_go.set()
    assert slow.done(wait=True)
    assert slow.done(wait=False)

    def fail() -> None:
        raise FAILURE

    failing = Background(fail)
    for wait in (True, False):
        with pytest.raises(Fault):
            failing.done(wait=wait)


def assert_waited(event: threading.Event) -> None:
    """Within a generous time."""
    assert event.wait(30)
