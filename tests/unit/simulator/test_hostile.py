from __future__ import annotations

from consumer.simulator.hostile import hostile
from tests.oracle import values

_REASONS = {
    "empty_value",
    "framed_value",
    "invalid_utf8",
    "malformed_json",
    "too_deep",
    "schema",
    "missing_txid",
    "invalid_txid",
    "unknown_kind",
}


def test_every_hostile_record_has_the_reason_it_claims() -> None:
    """The independent reading of each record's bytes gives the reason it was made for."""
    for number in range(200):
        record = hostile(number, "4ef667c1-de3e-4581-8171-1cbeec0fc41a", 0)
        assert values.classify(record.value) == values.Bad(record.reason), record.value[:100]


def test_the_reasons_take_turns() -> None:
    """A handful of hostile records is enough to see every reason."""
    assert {hostile(number, "t", 0).reason for number in range(len(_REASONS))} == _REASONS


def test_an_oversized_item_comes_on_wish_only() -> None:
    """It is as large as asked for and a sound callback otherwise: only its size is wrong."""
    reasons = [hostile(number, "t", 1_000).reason for number in range(len(_REASONS) + 1)]
    assert set(reasons) == _REASONS | {"oversized_item"}
    value = values.classify(hostile(reasons.index("oversized_item"), "t", 1_000).value)
    assert isinstance(value, values.Callback)
    assert [len(item.text) for item in value.usage] == [1_000]


def test_some_have_no_key() -> None:
    """A missing key must be survived too; otherwise the key is the txid's."""
    assert {hostile(number, "t", 0).key for number in range(8)} == {None, b"t"}
