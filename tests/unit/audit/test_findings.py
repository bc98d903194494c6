"""Collecting what was found."""

from __future__ import annotations

from consumer.audit.findings import (
    Difference,
    Findings,
    name_record,
    name_txid,
    name_window,
)


def test_differences_keep_their_order() -> None:
    """The first one is most likely the cause of others."""
    findings = Findings()
    findings.differ("b", "one")
    findings.differ("a", "two")

    assert findings.differences == [Difference("b", "one"), Difference("a", "two")]


def test_what_was_skipped_is_summed_by_reason() -> None:
    """Millions of records in one line; nothing skipped is nothing said."""
    findings = Findings()
    findings.skip("records", "gone", 1_000)
    findings.skip("records", "gone", 234)
    findings.skip("windows", "cut")
    findings.skip("windows", "not there", 0)

    assert findings.unchecked() == ["1,234 records: gone", "1 windows: cut"]


def test_subjects_can_be_looked_up() -> None:
    """A window as its record's key, a record as Kafka's tools show it, a txid in one line."""
    assert name_txid("a\nb", 3) == r"txid 'a\nb' of partition 3"
    assert name_window(60_000, 3) == "window 1970-01-01T00:01:00.000Z/3"
    assert name_record("t", 3, 17) == "t[3]@17"
