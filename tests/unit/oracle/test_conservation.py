from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.oracle.conservation import unbalanced
from tests.oracle.outputs import Metrics, Report, read_metrics, read_report
from tests.unit.oracle.histories import SETTINGS, history, usage
from tests.unit.oracle.written import metrics_record, report

_ERROR = '{"txid":"t","errors":[{"imei":"3","errorResponse":{"errorCode":"E"}}]}'


def _outputs() -> tuple[list[Report], list[Metrics]]:
    """Two revisions of one report, and one report of another life of its txid."""
    model = history(
        (1_000, '{"txid":"t","imei":["1","2"]}'),
        (1_001, usage("t", "1", "1", sessions=3)),
        (1_200, _ERROR),
        (1_210, "?"),
        (1_290, usage("t", "2")),
        (9_000, usage("t", "1")),
        (9_900, '{"txid":"t","status":"QUEUED"}'),
        (20_000, '{"txid":"t","status":"QUEUED"}'),
        settings=replace(SETTINGS, late_policy="revise"),
    )
    assert [body["summary"]["revision"] for body in model.reports] == [0, 1, 0]
    metrics = [*model.metrics, *model.windows.values()]
    return (
        [read_report(report(body, offset)) for offset, body in enumerate(model.reports)],
        [read_metrics(metrics_record(body, offset)) for offset, body in enumerate(metrics)],
    )


def test_right_outputs_balance() -> None:
    """Of the reports of one life only the last one counts."""
    reports, metrics = _outputs()
    assert unbalanced(8, reports, 1, metrics) == []


def test_items_still_open_count() -> None:
    """Before the last report is out, its items weigh on the other side."""
    reports, metrics = _outputs()
    late = metrics[-2].body
    assert late["window"]["start"] == "1970-01-01T00:00:09.000Z"
    late["reports"]["unconfirmed"] -= 1
    late["devices"]["reported"] -= 1
    late["numberOfSessions"] -= 1
    late["timeToCompleteMs"]["count"] -= 1
    assert unbalanced(8, reports[:-1], 1, metrics, still_open=1) == []
    assert unbalanced(8, reports[:-1], 1, metrics) == ["wrong balance: .items: expected 3, found 4"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("records", "callbacks"), ".records"),
        (("records", "deadLetters"), ".deadLetters"),
        (("items", "errors"), ".items"),
        (("reports", "complete"), ".reports"),
        (("reports", "revised"), ".revised"),
        (("devices", "missing"), ".devices.missing"),
        (("errorCodes", "E"), ".errorCodes.E"),
        (("numberOfSessions",), ".numberOfSessions"),
        (("timeToCompleteMs", "count"), ".timeToCompleteMs"),
    ],
)
def test_what_is_lost_shows(path: tuple[str, ...], words: str) -> None:
    """One too many in any window is one difference."""
    reports, metrics = _outputs()
    counts: Any = metrics[0].body
    for name in path[:-1]:
        counts = counts[name]
    counts[path[-1]] = counts.get(path[-1], 0) + 1
    assert any(words in problem for problem in unbalanced(8, reports, 1, metrics))


def test_a_lost_report_shows() -> None:
    """A revision, or a whole report."""
    reports, metrics = _outputs()
    for left_out in range(3):
        left = reports[:left_out] + reports[left_out + 1 :]
        assert unbalanced(8, left, 1, metrics)
