"""Items at rest through commits and restarts: when they are packed, and what of them is logged."""

from __future__ import annotations

import msgspec
import pytest

from consumer.aggregation.lifecycle import REMEMBERED
from consumer.aggregation.txid import Txid
from tests.unit.aggregation.feed import POLICY, callback, known, usage
from tests.unit.pipeline.ledger import Ledger, picture

ENDLESS = msgspec.structs.replace(
    POLICY, device_limit=0, inactivity_ms=10**9, max_age_ms=10**9, clock_skew_ms=10**9
)


def is_packed(state: Txid) -> bool:
    """Whether its usage items are."""
    return state.usage.several is None


def test_a_duplicate_leaves_a_remembered_txid_spread_out_until_nobody_looks() -> None:
    """Spreading costs as much as there are items: not with each duplicate, nor each commit."""
    ledger = Ledger()
    ledger.devices("a", "1", "2", "3", at=1_000)
    ledger.commit()
    state = known(ledger.aggregator.table, "a")
    assert state.phase is REMEMBERED
    assert is_packed(state)
    for _ in range(3):
        ledger.devices("a", "1", at=1_001)
        spread = state.usage.several
        ledger.devices("a", "2", at=1_001)
        assert spread is not None
        assert state.usage.several is spread
        ledger.commit()
        assert state.usage.several is spread
    ledger.devices("b", "1", at=1_002)
    ledger.commit()
    assert is_packed(state)


def test_looking_into_a_txid_does_not_show_in_its_account() -> None:
    """Who gives way must not depend on when commits are made."""
    ledger = Ledger()
    ledger.devices("a", "1", "2", "3", at=1_000)
    table = ledger.aggregator.table
    before = table.memory_bytes
    ledger.devices("a", "2", at=1_001)
    assert not is_packed(known(table, "a"))
    assert table.memory_bytes == before


def test_a_txid_that_was_revived_meanwhile_is_not_packed() -> None:
    """A duplicate, a commit, then a new part: open again, it grows."""
    ledger = Ledger(msgspec.structs.replace(POLICY, device_limit=2))
    ledger.devices("a", "1", "2", at=1_000)
    ledger.devices("a", "1", at=1_001)
    ledger.commit()
    ledger.devices("a", "3", at=1_002)
    ledger.commit()
    assert not is_packed(known(ledger.aggregator.table, "a"))


@pytest.mark.parametrize("restarts", [False, True])
def test_a_row_then_pieces_then_rows(*, restarts: bool) -> None:
    """An addition too large for a record, between small ones, with a restart or without."""
    ledger = Ledger(msgspec.structs.replace(ENDLESS, device_limit=13))
    ledger.devices("a", "first", at=1_000)
    ledger.commit()
    for number in range(10):
        ledger.send(callback("a", usage(str(number), note="x" * 100_000)), 1_001)
    ledger.commit()
    assert len(ledger.last()) > 1
    if restarts:
        ledger.crash()
    ledger.devices("a", "new", at=1_002)
    ledger.commit()
    ledger.devices("a", "newer", at=1_003)
    ledger.commit()
    before = picture(ledger.aggregator)
    assert len(known(ledger.aggregator.table, "a").usage) == 13
    ledger.crash()
    assert picture(ledger.aggregator) == before


@pytest.mark.parametrize("letter", ["a", "\u6f22"])
def test_the_log_of_a_txid_with_many_additions_is_rewritten(letter: str) -> None:
    """However many bytes its name takes: an addition does not count what a rewrite would not."""
    ledger = Ledger(ENDLESS)
    for second in range(2_000):
        ledger.devices(letter * 256, "1", at=1_000 + second)
        ledger.commit()
        ledger.delete_unneeded()
    assert ledger.log.length_bytes < 300_000


@pytest.mark.parametrize("letter", ["a", "\u6f22"])
def test_a_log_that_is_all_live_is_not_rewritten(letter: str) -> None:
    """However many bytes the names take: nearly empty commits write nearly nothing."""
    ledger = Ledger(ENDLESS)
    for number in range(1_000):
        ledger.devices(f"{number}".rjust(250, letter), "1", at=1_000)
    ledger.commit()
    length = ledger.log.length_bytes
    for second in range(20):
        ledger.tick(1_001 + second)
        ledger.commit()
    assert ledger.log.length_bytes < length + 20_000
