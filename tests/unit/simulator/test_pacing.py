from __future__ import annotations

import pytest

from consumer.simulator import pacing


def test_the_first_record_is_due_at_once() -> None:
    """Nothing waits for the first interval to pass, nor suffers from a clock gone back."""
    assert pacing.due(10, 0.0) == 1
    assert pacing.due(10, -5.0) == 1


def test_what_is_due_follows_the_clock() -> None:
    """After t seconds, rate times t records and the first one are due."""
    assert [pacing.due(2.5, elapsed_s) for elapsed_s in (0.3, 0.4, 0.8, 4.0)] == [1, 2, 3, 11]


@pytest.mark.parametrize("rate", [0.3, 7.0, 1_000.0, 123_456.7])
def test_a_sender_that_waits_as_told_keeps_the_rate(rate: float) -> None:
    """Alternately sending what is due and waiting gives rate times seconds in the end."""
    elapsed_s, sent = 0.0, 0
    while elapsed_s < 100 / rate:
        sent = max(sent, pacing.due(rate, elapsed_s))
        elapsed_s += max(pacing.wait_s(rate, sent, elapsed_s), 1e-6)
    assert sent == pytest.approx(rate * elapsed_s, abs=2)


def test_there_is_no_wait_when_behind() -> None:
    """A sender that fell behind catches up without pauses."""
    assert pacing.wait_s(10, sent=5, elapsed_s=3.0) == 0
