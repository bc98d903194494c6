"""When a txid is finished: the rules that a part can make true (DESIGN 2.3).

Both fire on the part that makes them true, not while they are true: a revision is not
emitted at once because its txid was complete before.
"""

from __future__ import annotations

from consumer.aggregation.policy import Policy
from consumer.aggregation.txid import Txid
from consumer.wire.report import CompletedBy, Outcome


def completed_by(
    state: Txid, policy: Policy, devices_before: int, missing_before: int, *, widened: bool
) -> CompletedBy | None:
    """The rule that the part just merged made true.

    `widened` says that the part changed the expectation; the two counts are those before it.
    """
    if state.expected:
        if state.missing == 0 and (missing_before or widened):
            return CompletedBy.EXPECTED_DEVICES
        return None
    limit = policy.device_limit
    if not limit or state.unlimited or state.devices < limit:
        return None
    if state.devices > limit:
        state.unlimited = True
        state.plain = False
    elif devices_before < limit:
        return CompletedBy.DEVICE_LIMIT
    return None


def outcome_of(state: Txid, rule: CompletedBy) -> Outcome:
    """What is known about the completeness of a report closed by `rule`."""
    if rule is CompletedBy.EXPECTED_DEVICES or rule is CompletedBy.DEVICE_LIMIT:
        return Outcome.COMPLETE
    return Outcome.PARTIAL if state.missing else Outcome.UNCONFIRMED
