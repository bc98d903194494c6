"""The sums that are compared, each by itself; that they agree is tested with the verdict."""

from __future__ import annotations

import pytest
from msgspec import structs

from consumer.cli.demo.account import Sums, of_reports, of_requests, outcome_of
from consumer.simulator.request import Answer, Request
from consumer.wire.report import CompletedBy, Outcome
from tests.unit.cli.demo import made

SUMS = Sums(
    reports=2, items=9, with_usage=8, with_error=1, missing=1, sessions=5, bytes=7, dead_letters=0
)


def request(devices: int, answers: int, *, expected: bool = False) -> Request:
    """Of so many devices the first `answers` answer."""
    imeis = tuple(str(number) for number in range(devices))
    return Request(
        "txid",
        imeis,
        tuple(Answer(imei, b"{}", None, 1, 2, late=False, retries=0) for imei in imeis[:answers]),
        None,
        expected,
        (),
    )


@pytest.mark.parametrize(
    ("devices", "answers", "expected", "outcome"),
    [
        (3, 3, True, Outcome.COMPLETE),
        (3, 2, True, Outcome.PARTIAL),
        (3, 0, True, Outcome.PARTIAL),
        (3, 3, False, Outcome.UNCONFIRMED),
        (5, 5, False, Outcome.COMPLETE),
        (5, 4, False, Outcome.UNCONFIRMED),
        (6, 6, False, Outcome.UNCONFIRMED),
        (3, 0, False, None),
    ],
)
def test_what_the_last_report_must_say(
    devices: int, answers: int, expected: bool, outcome: Outcome | None
) -> None:
    """With a device limit of 5."""
    assert outcome_of(request(devices, answers, expected=expected), 5) is outcome


def test_without_a_device_limit_nothing_is_proven_by_numbers() -> None:
    """0 turns it off."""
    assert outcome_of(request(0, 0), 0) is None
    assert outcome_of(request(5, 5), 0) is Outcome.UNCONFIRMED


def test_requests_are_added_up() -> None:
    """Missing are the silent devices that were expected; silence without a trace is no report."""
    requests = [request(3, 2, expected=True), request(4, 3), request(2, 0), request(5, 5)]
    sums = of_requests(requests, 5)

    assert (sums.reports, sums.complete, sums.partial, sums.unconfirmed) == (3, 1, 1, 1)
    assert (sums.records, sums.items, sums.missing) == (11, 10, 1)
    assert (sums.sessions, sums.bytes) == (10, 20)


def test_what_every_part_says_counts_once() -> None:
    """Of a report in parts: totals stand in each, lists are divided."""
    partial = {"outcome": Outcome.PARTIAL, "by": CompletedBy.INACTIVITY}
    parts = [
        made.report(part=(1, 2), missing=["1", "2"], **partial),  # type: ignore[arg-type]
        made.report(part=(2, 2), missing=["3"], **partial),  # type: ignore[arg-type]
    ]
    sums = of_reports(4, {"a": parts}, dead_letters=6)

    assert (sums.reports, sums.partial, sums.emissions, sums.dead_letters) == (1, 1, 4, 6)
    assert (sums.with_usage, sums.with_error, sums.missing) == (9, 1, 3)
    assert (sums.sessions, sums.bytes) == (17, 1_234_567)


def test_sums_agree_where_both_tell() -> None:
    """What one does not know is no difference."""
    assert SUMS.agrees(structs.replace(SUMS, records=12))
    assert structs.replace(SUMS, records=12).agrees(SUMS)
    assert not SUMS.agrees(structs.replace(SUMS, bytes=8))
    assert not structs.replace(SUMS, records=11).agrees(structs.replace(SUMS, records=12))
