"""Where a partition begins, and whether it may: the decisions of DESIGN 2.7, pure.

Nothing is skipped or repeated silently: what cannot be right is a fault for a person, in
one line that says what to do.
"""

from __future__ import annotations

from msgspec import Struct

from consumer.errors import Action, Fault
from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.ports import Committed
from consumer.wire.state_entry import Named


class Beginning(Struct, frozen=True):
    """Input offset to go on from, and the end of the state partition as just captured."""

    offset: int
    state_end: int


def begin(
    number: int,
    committed: Committed | None,
    named: Named | None,
    *,
    input_range: tuple[int, int],
    state_range: tuple[int, int],
    policy: PipelinePolicy,
    group_is_new: bool,
) -> Beginning:
    """Decide for one partition. Ranges are (earliest, READ_UNCOMMITTED end)."""
    state_end = state_range[1]
    if committed is None:
        offset = _cold_start(number, input_range, state_range, policy, group_is_new=group_is_new)
        return Beginning(offset, state_end)
    _check_input(number, committed.offset, input_range, policy)
    if named is not None and named.sequence > 0:
        _check_state(number, named, state_range, policy)
    return Beginning(committed.offset, state_end)


def _cold_start(
    number: int,
    input_range: tuple[int, int],
    state_range: tuple[int, int],
    policy: PipelinePolicy,
    *,
    group_is_new: bool,
) -> int:
    earliest, end = input_range
    if policy.start_at == "latest" and group_is_new:
        return end
    state_is_empty = state_range[0] == state_range[1]
    if policy.start_at == "earliest" or state_is_empty:
        return earliest
    raise Fault(
        Action.GIVE_UP,
        "offsets_expired",
        f"the group has no committed offset for {policy.callbacks}[{number}], but "
        f"{policy.state}[{number}] holds state: the offsets have expired or were deleted. "
        "Starting over would emit every report again: set the group's offset with "
        "kafka-consumer-groups --reset-offsets, or set app.start_at=earliest if that is meant",
    )


def _check_input(
    number: int, offset: int, input_range: tuple[int, int], policy: PipelinePolicy
) -> None:
    earliest, end = input_range
    if earliest <= offset <= end:
        return
    raise Fault(
        Action.GIVE_UP,
        "input_gone",
        f"the committed offset {offset} of {policy.callbacks}[{number}] is no longer in the topic "
        f"(it holds {earliest} to {end}): records were deleted before they were read. "
        "Set the group's offset with kafka-consumer-groups --reset-offsets to go on without them",
    )


def _check_state(
    number: int, named: Named, state_range: tuple[int, int], policy: PipelinePolicy
) -> None:
    earliest, end = state_range
    if earliest <= named.start <= end:
        return
    raise Fault(
        Action.GIVE_UP,
        "state_damaged",
        f"the state of {policy.callbacks}[{number}] begins at offset {named.start} of "
        f"{policy.state}[{number}], which holds {earliest} to {end}: state records were deleted. "
        "Reset the group's offset of this partition to start it with empty state",
    )
