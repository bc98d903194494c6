from __future__ import annotations

import msgspec
import pytest

from consumer.aggregation.completion import completed_by, outcome_of
from consumer.aggregation.txid import Txid
from consumer.wire.callback import UsageItem
from consumer.wire.report import CompletedBy, Outcome
from tests.unit.aggregation.feed import POLICY, encode, usage


def holding(devices: int, *expected: str) -> Txid:
    """A txid with devices "0", "1", ... and an expectation."""
    state = Txid("t", 0, 0)
    state.expect(expected)
    for number in range(devices):
        state.add_usage(encode(usage(str(number))), UsageItem(str(number)))
    return state


def rule(
    state: Txid, *, devices: int = 0, missing: int = 0, widened: bool = False, limit: int = 3
) -> CompletedBy | None:
    """What the part made true, with the counts before it."""
    policy = msgspec.structs.replace(POLICY, device_limit=limit)
    return completed_by(state, policy, devices, missing, widened=widened)


@pytest.mark.parametrize(
    ("devices", "before", "limit", "expected"),
    [
        (2, 1, 3, None),
        (3, 2, 3, CompletedBy.DEVICE_LIMIT),
        (3, 0, 3, CompletedBy.DEVICE_LIMIT),
        (3, 3, 3, None),
        (4, 2, 3, None),
        (4, 3, 3, None),
        (1, 0, 1, CompletedBy.DEVICE_LIMIT),
        (3, 0, 0, None),
    ],
)
def test_the_device_limit_fires_on_the_part_that_reaches_it(
    devices: int, before: int, limit: int, expected: CompletedBy | None
) -> None:
    """Exactly that many, and not yet so before; 0 turns it off."""
    assert rule(holding(devices), devices=before, limit=limit) is expected


@pytest.mark.parametrize("before", [2, 3])
def test_more_devices_void_the_limit(before: int) -> None:
    """From then on, for this txid."""
    state = holding(4)
    assert not state.unlimited
    assert rule(state, devices=before) is None
    assert state.unlimited
    assert rule(holding(4), devices=before, limit=5) is None


def test_a_void_limit_does_not_fire() -> None:
    """Where the whole account was asked for."""
    state = holding(3)
    state.unlimited = True
    assert rule(state, devices=2) is None


@pytest.mark.parametrize(
    ("expected", "missing", "widened", "found"),
    [
        ("01", 1, False, CompletedBy.EXPECTED_DEVICES),
        ("0", 1, False, CompletedBy.EXPECTED_DEVICES),
        ("012", 0, True, CompletedBy.EXPECTED_DEVICES),
        ("012", 0, False, None),
        ("0123", 2, False, None),
        ("0123", 0, True, None),
    ],
)
def test_expected_devices_fire_on_the_part_that_brings_the_last(
    expected: str, missing: int, widened: bool, found: CompletedBy | None
) -> None:
    """Or on the expectation that finds all of its devices present; not while that is so."""
    assert rule(holding(3, *expected), devices=2, missing=missing, widened=widened) is found


def test_with_an_expectation_the_device_limit_does_not_hold() -> None:
    """However many devices are in."""
    state = holding(3, "0", "9")
    assert rule(state, devices=2, missing=1) is None


@pytest.mark.parametrize("by", CompletedBy)
@pytest.mark.parametrize("missing", [True, False])
def test_the_outcome_follows_from_the_rule_and_what_is_missing(
    by: CompletedBy, missing: bool
) -> None:
    """Proven, known to lack devices, or closed with nothing that tells."""
    state = holding(1, "7") if missing else holding(1)
    outcome = Outcome.PARTIAL if missing else Outcome.UNCONFIRMED
    if by in {CompletedBy.EXPECTED_DEVICES, CompletedBy.DEVICE_LIMIT}:
        outcome = Outcome.COMPLETE
    assert outcome_of(state, by) is outcome
