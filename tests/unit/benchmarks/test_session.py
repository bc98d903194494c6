"""The rules that the hand-written contenders keep: the same for both loops."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from benchmarks.contenders import session, tuned

Items = list[dict[str, Any]]


def naive(records: Items, limit: int) -> list[bool]:
    """After each record, whether the txid is complete."""
    state, complete = None, []
    for record in records:
        state = session.merged(state, record)
        complete.append(session.is_complete(state, limit))
    return complete


def quick(records: Items, limit: int) -> list[bool]:
    """The same, by the tuned loop."""
    state = tuned.Session()
    return [state.add(msgspec.convert(record, tuned.Record), limit) for record in records]


def usage(imei: str) -> dict[str, Any]:
    """A callback."""
    item = {"imei": imei, "numberOfSessions": 2, "bytesTransferred": 30}
    return {"txid": "t", "usage": [item]}


FAILED = {"txid": "t", "errors": [{"imei": "9"}]}
ASKED = {"txid": "t", "imei": ["1", "9"]}


@pytest.mark.parametrize(
    ("records", "limit", "complete"),
    [
        ([usage("1"), FAILED], 2, [False, True]),
        ([usage("1"), usage("1"), usage("2")], 2, [False, False, True]),
        ([ASKED, usage("1"), FAILED], 0, [False, False, True]),
        ([FAILED, usage("1"), ASKED], 0, [False, False, True]),
        ([ASKED, usage("1"), usage("2"), FAILED], 3, [False, False, False, True]),
        ([usage("1")], 0, [False]),
    ],
)
def test_what_completes_a_txid(records: Items, limit: int, complete: list[bool]) -> None:
    """The device limit, or all expected devices, wherever the expectation comes."""
    assert naive(records, limit) == quick(records, limit) == complete


def test_both_write_the_same_report() -> None:
    """All items, and their totals."""
    state, other = None, tuned.Session()
    for record in (usage("1"), usage("2"), FAILED):
        state = session.merged(state, record)
        other.add(msgspec.convert(record, tuned.Record), 3)
    assert state is not None
    report = session.report_of("t", state)
    assert report["summary"] == {"numberOfSessions": 4, "bytesTransferred": 60}
    assert [item["imei"] for item in report["usage"] + report["errors"]] == ["1", "2", "9"]
    assert json.loads(other.report("t")) == report
