from __future__ import annotations

from typing import Literal, NamedTuple

import pytest

from consumer.errors import Action, Fault
from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.start import Beginning, begin
from consumer.wire.state_entry import Named
from tests.unit.aggregation.feed import POLICY

EMPTY = (0, 0)
NAMED = Named(1, "life", 7, 40, "app-member")


class Group(NamedTuple):
    """A committed offset."""

    offset: int
    metadata: str = ""


def policy(start_at: Literal["earliest", "latest"] | None = None) -> PipelinePolicy:
    """Five topics and `app.start_at`."""
    return PipelinePolicy(
        aggregation=POLICY,
        callbacks="in",
        reports="reports",
        metrics="metrics",
        dead_letters="dead",
        state="app.state",
        start_at=start_at,
    )


def begun(
    committed: Group | None,
    named: Named | None = None,
    *,
    input_range: tuple[int, int] = (10, 90),
    state_range: tuple[int, int] = EMPTY,
    start_at: Literal["earliest", "latest"] | None = None,
    group_is_new: bool = False,
) -> Beginning:
    """The decision for partition 3."""
    return begin(
        3,
        committed,
        named,
        input_range=input_range,
        state_range=state_range,
        policy=policy(start_at),
        group_is_new=group_is_new,
    )


def refusal(fault: Fault, cause: str) -> str:
    """The line of a fault that only a person can mend."""
    assert (fault.action, fault.cause) == (Action.GIVE_UP, cause)
    line = str(fault)
    assert "\n" not in line
    assert "[3]" in line
    return line


@pytest.mark.parametrize(
    ("start_at", "group_is_new", "state_range", "offset"),
    [
        (None, True, EMPTY, 10),
        (None, False, EMPTY, 10),
        (None, False, (7, 7), 10),
        ("earliest", True, EMPTY, 10),
        ("earliest", False, EMPTY, 10),
        ("earliest", False, (0, 50), 10),
        ("latest", True, EMPTY, 90),
        ("latest", True, (0, 50), 90),
        ("latest", False, EMPTY, 10),
    ],
)
def test_a_cold_start(
    start_at: Literal["earliest", "latest"] | None,
    group_is_new: bool,
    state_range: tuple[int, int],
    offset: int,
) -> None:
    """With no committed offset `app.start_at` decides; `latest` only in a new group."""
    found = begun(None, start_at=start_at, group_is_new=group_is_new, state_range=state_range)
    assert found == Beginning(offset, state_range[1])


@pytest.mark.parametrize(("start_at", "group_is_new"), [(None, False), ("latest", False)])
def test_no_offset_but_state_is_refused(
    start_at: Literal["latest"] | None, group_is_new: bool
) -> None:
    """The offsets have expired: starting over would emit every report again."""
    with pytest.raises(Fault) as raised:
        begun(None, state_range=(0, 50), start_at=start_at, group_is_new=group_is_new)
    line = refusal(raised.value, "offsets_expired")
    assert "app.state[3]" in line
    assert "app.start_at=earliest" in line
    assert "--reset-offsets" in line


@pytest.mark.parametrize("offset", [10, 50, 90])
def test_a_committed_offset_is_where_it_goes_on(offset: int) -> None:
    """From the earliest record to the end, both included."""
    assert begun(Group(offset), NAMED, state_range=(40, 60)) == Beginning(offset, 60)


@pytest.mark.parametrize("offset", [9, 91])
def test_a_committed_offset_that_is_gone_is_refused(offset: int) -> None:
    """Nothing is skipped or repeated silently, whatever `app.start_at` says."""
    with pytest.raises(Fault) as raised:
        begun(Group(offset), NAMED, state_range=(40, 60), start_at="earliest")
    line = refusal(raised.value, "input_gone")
    assert f"offset {offset} of in[3]" in line
    assert "10 to 90" in line
    assert "--reset-offsets" in line


def test_an_offset_without_metadata_needs_no_state() -> None:
    """An operator set it: the state log begins anew, at its present end."""
    assert begun(Group(50), state_range=(20, 60)) == Beginning(50, 60)


@pytest.mark.parametrize("state_range", [(40, 60), (0, 60), (40, 40)])
def test_the_named_start_must_be_in_the_log(state_range: tuple[int, int]) -> None:
    """Records before it may be deleted."""
    assert begun(Group(50), NAMED, state_range=state_range).state_end == state_range[1]


@pytest.mark.parametrize("state_range", [(41, 60), (0, 39), EMPTY])
def test_a_start_that_is_gone_is_refused(state_range: tuple[int, int]) -> None:
    """State records were deleted, or the topic is another one."""
    with pytest.raises(Fault) as raised:
        begun(Group(50), NAMED, state_range=state_range)
    line = refusal(raised.value, "state_damaged")
    assert "offset 40 of app.state[3]" in line
    assert "Reset the group's offset" in line


def test_a_name_without_a_commit_needs_no_record() -> None:
    """Nothing was written yet: number 0 is the empty state."""
    named = Named(1, "life", 0, 40, "app-member")
    assert begun(Group(50), named, state_range=EMPTY) == Beginning(50, 0)
