"""Split reports: right ones are joined, and each way to be wrong has its words."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.oracle.outputs import read_report
from tests.oracle.parts import join
from tests.oracle.record import Record
from tests.unit.oracle.histories import history
from tests.unit.oracle.written import dump

_ITEMS = ['{"imei":"1"}', '{"imei":"2", "n":1}', '{"imei":"1","n":2}']
_ERRORS = [f'{{"imei":"{n}","errorResponse":{{"errorCode":"E{n % 2}"}}}}' for n in range(1, 4)]


def _whole() -> dict[str, Any]:
    usage, errors = ",".join(_ITEMS), ",".join(_ERRORS)
    (report,) = history(
        (1_000, '{"txid":"t","imei":["1","8","9"]}'),
        (1_001, f'{{"txid":"t","usage":[{usage}],"errors":[{errors}]}}'),
        (2_000, "{}"),
    ).reports
    return report


def _parts() -> list[dict[str, Any]]:
    """The report in two, its divided fields torn apart anywhere."""
    first, second = _whole(), _whole()
    for index, (body, cut) in enumerate(((first, slice(2)), (second, slice(2, None))), 1):
        body["usage"], body["errors"] = body["usage"][cut], body["errors"][cut]
        summary = body["summary"]
        summary["part"] = {"index": index, "count": 2}
        for name in ("missing", "unexpected", "repeated", "conflicting"):
            summary["devices"][name] = summary["devices"][name][cut]
        summary["errorCodes"] = {"E1": 1} if index == 2 else {"E0": 1, "E1": 1}
    return [first, second]


def _records(*bodies: dict[str, Any]) -> list[Record]:
    return [
        Record("out", 0, offset, 1, _key(body).encode(), dump(body))
        for offset, body in enumerate(bodies)
    ]


def _key(body: dict[str, Any]) -> str:
    index = body["summary"]["part"]["index"]
    return body["txid"] if index == 1 else f"{body['txid']}\0{index}"


def _join(records: list[Record], report_bytes: int) -> tuple[list[dict[str, Any]], list[str]]:
    reports, problems = join(map(read_report, records), report_bytes)
    return [report.body for report in reports], problems


def _room(*records: Record) -> int:
    return max(len(record.value or b"") for record in records)


def test_the_parts_of_a_report_are_joined() -> None:
    """The result is the report as if it had never been split, wherever it was divided."""
    records = _records(*_parts())
    assert _join(records, _room(*records)) == ([_whole()], [])


def test_a_report_that_is_not_split_stays_as_it_is() -> None:
    """One part of one."""
    (record,) = _records(_whole())
    assert _join([record], _room(record)) == ([_whole()], [])
    assert "it has" in _join([record], _room(record) - 1)[1][0]


def test_parts_of_different_reports_may_alternate() -> None:
    """As two revisions of a txid in one partition never do, but two txids could."""
    first, second = _parts()
    others = deepcopy([first, second])
    for other in others:
        other["txid"] = "u"
    records = _records(first, others[0], second, others[1])
    bodies, problems = _join(records, _room(*records))
    assert [body["txid"] for body in bodies] == ["t", "u"]
    assert problems == []


def _moved(records: list[Record]) -> list[Record]:
    return [records[0], records[1]._replace(partition=1, offset=0)]


def _keyed(records: list[Record]) -> list[Record]:
    return [records[0], records[1]._replace(key=b"t")]


def _said(records: list[Record]) -> list[Record]:
    second = _parts()[1]
    second["summary"]["bytesTransferred"] = 7
    return [records[0], records[1]._replace(value=dump(second))]


def _again(records: list[Record]) -> list[Record]:
    return [*records, records[1]._replace(offset=2)]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda records: records[:1], "torn report 't' of partition 3: parts [(1, 2)]"),
        (lambda records: records[1:], "torn"),
        (lambda records: records[::-1], "torn"),
        (_again, "torn"),
        (_moved, "torn"),
        (_keyed, "part 2: .key"),
        (_said, "part 2: .common.summary.bytesTransferred"),
    ],
)
def test_parts_that_are_wrong(spoil: Callable[[list[Record]], list[Record]], words: str) -> None:
    """Missing, doubled or swapped ones, another partition or key, other words."""
    records = spoil(_records(*_parts()))
    problems = _join(records, _room(*records))[1]
    assert problems
    assert words in problems[0]


def test_a_report_must_not_be_split_for_nothing() -> None:
    """Where it fits in one piece, one piece it is."""
    records = _records(*_parts())
    (whole,) = _records(_whole())
    size = len(whole.value or b"")
    assert _join(records, size - 1)[1] == []
    assert _join(records, size)[1] == [
        f"wrong report 't' of partition 3: in 2 parts, where {size} bytes make one"
    ]
