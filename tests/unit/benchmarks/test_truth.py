"""What is wrong with reports, and that nothing is said of those that are right."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.truth import Expected, problems

ITEMS = (b'{"imei":"1","numberOfSessions":2,"bytesTransferred":30}', b'{"imei":"2","a":1.0}')
TRUTH = {"t": Expected(frozenset(ITEMS), sessions=2, transferred=30)}


def report(**changes: Any) -> bytes:
    """A right one, but for the changes."""
    value = {
        "txid": "t",
        "usage": [json.loads(ITEMS[0])],
        "errors": [json.loads(ITEMS[1])],
        "summary": {"numberOfSessions": 2, "bytesTransferred": 30, "more": None},
        **changes,
    }
    return json.dumps(value).encode()


def test_items_may_be_spelled_anew() -> None:
    """With other spaces, and properties in another order: they are the same values."""
    spelled = [{"a": 1.0, "imei": "2"}]
    assert problems(TRUTH, [report(errors=spelled)]) == []


def test_verbatim_items_are_right() -> None:
    """As our daemon writes them."""
    value = b'{"txid":"t","usage":[%s,%s],"errors":[],"summary":%s}'
    summary = b'{"numberOfSessions":2,"bytesTransferred":30}'
    assert problems(TRUTH, [value % (*ITEMS, summary)]) == []


def test_a_missing_report_is_found() -> None:
    """A lost txid."""
    assert problems(TRUTH, []) == ["1 of 1 txids have no report"]


def test_a_doubled_report_is_found() -> None:
    """Even if both are right."""
    assert problems(TRUTH, [report(), report()]) == ["t has more than one report"]


def test_a_report_that_nobody_asked_for_is_found() -> None:
    """Of a txid that is not complete."""
    assert problems({}, [report()]) == ["t should have no report"]


def test_lost_and_foreign_items_are_found() -> None:
    """The number of items and each of them."""
    assert problems(TRUTH, [report(errors=[])]) == ["t has 1 items instead of 2"]
    other = [{"imei": "2", "a": 1}]
    assert problems(TRUTH, [report(errors=other)]) == ["t has other items than were sent"]


def test_wrong_totals_are_found() -> None:
    """Both of them."""
    sessions = {"numberOfSessions": 3, "bytesTransferred": 30}
    transferred = {"numberOfSessions": 2, "bytesTransferred": 31}
    assert problems(TRUTH, [report(summary=sessions)]) == ["t has a wrong number of sessions"]
    assert problems(TRUTH, [report(summary=transferred)]) == ["t has a wrong number of bytes"]


def test_what_is_no_report_is_found() -> None:
    """Broken JSON and empty records."""
    assert [one.partition(":")[0] for one in problems({}, [b"{", None])] == ["not a report"] * 2


def test_many_problems_are_told_in_few_lines() -> None:
    """The first of them, and how many more there are."""
    found = problems({}, [report(txid=str(number)) for number in range(9)])
    assert len(found) == 6
    assert found[-1] == "... and 4 more"
