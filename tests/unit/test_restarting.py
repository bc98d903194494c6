from __future__ import annotations

import pytest

from consumer.errors import Action, Fault, SessionReportsError
from consumer.restarting import HEALTHY_S, INSTANCE_CAUSES, PAUSES_S, Restarting


def fault(cause: str = "commit_timeout", action: Action = Action.TEAR_DOWN) -> Fault:
    """A fault of a pipeline."""
    return Fault(action, cause, "something went wrong")


@pytest.fixture
def restarting() -> Restarting:
    """A member whose transactions end after 10 s."""
    return Restarting("host-9108", fenced_again_s=10.0)


def test_pauses_grow_and_then_stay(restarting: Restarting) -> None:
    """Pipeline after pipeline that fails soon: longer pauses, the last for all further ones."""
    pauses = [restarting.pause_s(fault(), at_s, at_s + 1) for at_s in range(100, 107)]

    assert pauses == [*PAUSES_S, PAUSES_S[-1], PAUSES_S[-1]]


def test_a_healthy_pipeline_starts_the_pauses_over(restarting: Restarting) -> None:
    """What failed long ago does not make the next pause longer."""
    restarting.pause_s(fault(), 0, 1)
    restarting.pause_s(fault(), 2, 3)

    assert restarting.pause_s(fault(), 5, 5 + HEALTHY_S + 1) == PAUSES_S[0]


@pytest.mark.parametrize("action", [Action.TEAR_DOWN, Action.RESEND])
def test_all_but_giving_up_is_tried_again(restarting: Restarting, action: Action) -> None:
    """A commit refused for the second time is a fault like any other."""
    assert restarting.pause_s(fault(action=action), 0, 1) == PAUSES_S[0]


def test_what_only_a_person_can_mend_ends_it(restarting: Restarting) -> None:
    """The fault itself comes out, with its line."""
    end = fault("input_gone", Action.GIVE_UP)

    with pytest.raises(Fault) as raised:
        restarting.pause_s(end, 0, 1)

    assert raised.value is end


@pytest.mark.parametrize("cause", sorted(INSTANCE_CAUSES))
def test_fenced_twice_in_a_row_ends_it(restarting: Restarting, cause: str) -> None:
    """Two members of one name fence each other for ever: the error names the setting."""
    restarting.pause_s(fault(cause), 0, 100)

    with pytest.raises(SessionReportsError, match=r"app\.instance=host-9108") as raised:
        restarting.pause_s(fault(cause), 101, 109.9)

    assert raised.value.exit_code == 1


def test_fenced_now_and_then_is_tried_again(restarting: Restarting) -> None:
    """A member that was away for too long is fenced as well, and that is no quarrel."""
    restarting.pause_s(fault("fenced"), 0, 100)

    assert restarting.pause_s(fault("fenced"), 101, 110) == PAUSES_S[1]
    restarting.pause_s(fault("commit_failed"), 111, 112)
