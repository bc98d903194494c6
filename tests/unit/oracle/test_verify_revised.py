"""Both modes with expectations, revisions, a split report, and txids that live twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.oracle import verify
from tests.oracle.model import Settings
from tests.oracle.outputs import Outputs, read_report
from tests.oracle.record import Record
from tests.unit.oracle import written
from tests.unit.oracle.histories import usage

_SETTINGS = Settings(
    device_limit=2, inactivity_ms=100, max_age_ms=250, remember_ms=300, window_ms=1_000
)


def _input(offset: int, at: int, value: str) -> Record:
    return Record("in", 0, offset, at, b"k", value.encode())


_INPUTS = [
    _input(number, at, value)
    for number, (at, value) in enumerate(
        [
            (1_000, usage("r", "1")),
            (1_010, '{"txid":"e","imei":["1","2"]}'),
            (1_020, usage("e", "1")),
            (1_200, usage("r", "1")),  # a duplicate, after the emission
            (1_210, usage("r", "2", "3")),  # reopens it
            (1_220, usage("e", "2")),  # completes it at once, late
            (1_600, usage("r", "4")),
            (2_500, usage("r", "4")),  # another life
            (2_510, usage("e", "4", "5")),
            (9_000, "?"),
            (20_000, "?"),
        ]
    )
]


def _right(*, is_live: bool) -> Outputs:
    return written.outputs(_INPUTS, _SETTINGS, is_live=is_live)


def _problems(outputs: Callable[[Outputs], Outputs]) -> list[list[str]]:
    """Of both modes."""
    return [
        verify.exact(_INPUTS, outputs(_right(is_live=False)), _SETTINGS),
        verify.live(_INPUTS, outputs(_right(is_live=True)), _SETTINGS),
    ]


def test_the_history_has_everything() -> None:
    """Revisions of both kinds, and a txid whose next part opens a new report."""
    reports = [read_report(record) for record in _right(is_live=False).reports]
    keys = [(report.txid, report.revision) for report in reports]
    assert keys == [("r", 0), ("e", 0), ("e", 1), ("r", 1), ("r", 2), ("e", 0), ("r", 0)]


def test_right_outputs_pass() -> None:
    """Revisions, and times that only the reports tell."""
    assert _problems(lambda outputs: outputs) == [[], []]


@pytest.mark.parametrize("index", range(7))
def test_a_report_that_is_lost_or_doubled_is_missed(index: int) -> None:
    """Whichever revision of whichever life it is."""

    def without(outputs: Outputs) -> Outputs:
        reports = list(outputs.reports)
        del reports[index]
        return outputs._replace(reports=reports)

    def doubled(outputs: Outputs) -> Outputs:
        again = outputs.reports[index]._replace(offset=99)
        return outputs._replace(reports=[*outputs.reports, again])

    exact, live = _problems(without)
    assert any(problem.startswith("missing report") for problem in exact)
    assert live  # where a life is lost whole, its records look like duplicates, but do not add up
    for problems in _problems(doubled):
        assert any(problem.startswith("doubled report") for problem in problems)


def test_live_wants_a_txid_remembered_for_so_long() -> None:
    """A new life may begin only when the last report is forgotten."""
    settings = replace(_SETTINGS, remember_ms=900)
    problems = verify.live(_INPUTS, _right(is_live=True), settings)
    assert "wrong report 'r' of partition 0: its txid was forgotten too early" in problems


def test_live_wants_possible_ages_of_revisions() -> None:
    """A revision cannot have been inactive for long enough when its report just came out."""
    settings = replace(_SETTINGS, inactivity_ms=120)
    problems = verify.live(_INPUTS, _right(is_live=True), settings)
    assert "wrong report 'r' of partition 0: inactivity after 100 ms" in problems
