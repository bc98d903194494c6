"""The demo's judge must pass what is right, and must not pass any kind of mistake."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import Raw, json, structs

from consumer.aggregation.partition import PartitionAggregator
from consumer.aggregation.policy import Policy
from consumer.cli.demo_verdict import Seen, Verdict, judge
from consumer.kafka.source import Batch
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
from consumer.wire import report as report_wire
from consumer.wire.metrics import MetricsRecord
from consumer.wire.report import Report

PLAN = Plan(Options(requests=60, seed=3, errors=0.2, silent=0.2, retries=0.1))
STARTED_MS = 1_795_487_512_000
LATER_MS = STARTED_MS + 3_600_000


@pytest.fixture
def seen() -> Seen:
    """What a member makes of the plan: the real aggregation, without Kafka."""
    records = list(PLAN.records())
    aggregator = PartitionAggregator(0, Policy(app="demo", topic="callbacks", window_ms=200))
    batch = Batch(
        partition=0,
        offsets=range(len(records)),
        timestamps=[STARTED_MS + at_ms for _, _, at_ms in records],
        keys=[key for key, _, _ in records],
        values=[value for _, value, _ in records],
        messages=(),
    )
    assert aggregator.apply(batch, 0, LATER_MS, 1_000) == len(records)
    aggregator.clock.lag_ms = 0
    aggregator.advance(LATER_MS, 1_000)
    delta = aggregator.take()
    return Seen(
        [report_wire.decode(value) for _, value in delta.reports],
        [json.decode(value, type=MetricsRecord) for _, value in delta.metrics],
    )


def verdict(seen: Seen) -> Verdict:
    """On what was seen of the plan."""
    return judge(PLAN.requests(), PLAN.totals(), seen)


def with_usage(seen: Seen) -> Report:
    """A report with some usage."""
    return next(report for report in seen.reports if report.summary.bytes_transferred)


def test_what_is_right_passes(seen: Seen) -> None:
    """Every row agrees, and there is something to agree on."""
    found = verdict(seen)

    assert found.problems == []
    assert all(row.ok and row.sent > 0 for row in found.rows)
    assert len(seen.metrics) > 1


def test_a_missing_report(seen: Seen) -> None:
    """It is named, and the sums lack it."""
    gone = seen.reports.pop()
    problems = verdict(seen).problems

    assert problems[0] == f"{gone.txid}: no report"
    assert any(problem.startswith("reports: ") for problem in problems[1:])


def test_a_doubled_report(seen: Seen) -> None:
    """Even an equal one is one too many."""
    seen.reports.append(seen.reports[0])

    assert verdict(seen).problems[0] == f"{seen.reports[0].txid}: more than one report"


def test_one_missing_and_one_doubled_do_not_make_up_for_each_other(seen: Seen) -> None:
    """The number of reports is right then, and it is wrong all the same."""
    gone = seen.reports.pop()
    seen.reports.append(seen.reports[0])
    problems = verdict(seen).problems

    assert f"{gone.txid}: no report" in problems
    assert f"{seen.reports[0].txid}: more than one report" in problems


def test_an_invented_report(seen: Seen) -> None:
    """Nobody sent anything with that txid."""
    seen.reports.append(structs.replace(seen.reports[0], txid="invented"))

    assert "invented: nobody asked for this report" in verdict(seen).problems


def test_an_item_in_another_spelling(seen: Seen) -> None:
    """Items come out verbatim: one blank more is a mistake, though all sums are right."""
    report = with_usage(seen)
    report.usage[0] = Raw(bytes(report.usage[0]).replace(b'":', b'": ', 1))

    assert verdict(seen).problems == [f"{report.txid}: other items than were sent"]


def test_an_item_in_the_wrong_report(seen: Seen) -> None:
    """Two reports are named, though all sums are right."""
    first, second = [report for report in seen.reports if report.usage][:2]
    first.usage.append(second.usage.pop())

    assert set(verdict(seen).problems) == {
        f"{report.txid}: other items than were sent" for report in (first, second)
    }


def test_an_item_in_the_wrong_array(seen: Seen) -> None:
    """An error is no usage."""
    report = next(report for report in seen.reports if report.errors)
    report.usage.append(report.errors.pop())

    assert verdict(seen).problems == [f"{report.txid}: other items than were sent"]


def test_an_item_twice(seen: Seen) -> None:
    """A retry that was counted is a mistake."""
    report = with_usage(seen)
    report.usage.append(report.usage[0])
    problems = verdict(seen).problems

    assert problems[0] == f"{report.txid}: other items than were sent"
    assert problems[1].startswith("items: ")


@pytest.mark.parametrize(
    ("row", "spoil"),
    [
        ("sessions", lambda summary: setattr(summary, "number_of_sessions", 0)),
        ("bytes", lambda summary: setattr(summary, "bytes_transferred", 0)),
        ("devices with usage", lambda summary: setattr(summary.devices, "reported", 0)),
        ("devices with an error", lambda summary: setattr(summary.devices, "failed", 99)),
    ],
)
def test_a_summary_that_is_off(
    seen: Seen, row: str, spoil: Callable[[report_wire.Summary], None]
) -> None:
    """The row of the number differs, and no other."""
    spoil(with_usage(seen).summary)
    (problem,) = verdict(seen).problems

    assert problem.startswith(f"{row}: ")


@pytest.mark.parametrize(
    ("row", "spoil"),
    [
        ("reports", lambda record: setattr(record.reports, "partial", 1)),
        ("items", lambda record: setattr(record.items, "usage", 0)),
        ("devices with usage", lambda record: setattr(record.devices, "reported", -1)),
        ("devices with an error", lambda record: setattr(record.devices, "failed", 99)),
        ("sessions", lambda record: setattr(record, "number_of_sessions", -1)),
        ("bytes", lambda record: setattr(record, "bytes_transferred", -1)),
    ],
)
def test_a_metrics_record_that_is_off(
    seen: Seen, row: str, spoil: Callable[[MetricsRecord], None]
) -> None:
    """The row of the number differs, and no other."""
    spoil(seen.metrics[0])
    (problem,) = verdict(seen).problems

    assert problem.startswith(f"{row}: ")


def test_a_missing_metrics_record(seen: Seen) -> None:
    """The run is not wholly counted, and the sums say so."""
    assert seen.is_counted(PLAN.totals())
    del seen.metrics[0]

    assert not seen.is_counted(PLAN.totals())
    assert verdict(seen).problems
