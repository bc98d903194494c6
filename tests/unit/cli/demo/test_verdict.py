"""The demo's judge must pass what is right, and must not pass any kind of mistake."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import Raw, json, structs

from consumer.aggregation.partition import PartitionAggregator
from consumer.aggregation.policy import Policy
from consumer.cli.demo.account import of_metrics, of_requests
from consumer.cli.demo.outputs import Seen
from consumer.cli.demo.verdict import Kill, Verdict, judge, last_revisions
from consumer.kafka.source import Batch
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
from consumer.simulator.request import Request
from consumer.wire import report as report_wire
from consumer.wire.metrics import MetricsRecord
from consumer.wire.report import Outcome, Report
from tests.unit.cli.demo import made

LIMIT = 10
PLAN = Plan(
    Options(
        requests=150,
        seed=3,
        errors=0.2,
        silent=0.1,
        retries=0.1,
        late=0.05,
        late_after_ms=8_000,
        expectations=0.5,
        hostile=0.05,
    )
)
REQUESTS = list(PLAN.requests())
KILL = Kill("member-1", [0], frozenset({REQUESTS[0].txid}))
STARTED_MS = 1_795_487_512_000
LATER_MS = STARTED_MS + 3_600_000


@pytest.fixture
def seen() -> Seen:
    """What a member makes of the plan: the real aggregation, without Kafka."""
    records = list(PLAN.records())
    policy = Policy(
        app="demo", topic="callbacks", window_ms=200, inactivity_ms=4_000, device_limit=LIMIT
    )
    aggregator = PartitionAggregator(0, policy)
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
        reports=[report_wire.decode(value) for _, value in delta.reports],
        metrics=[json.decode(value, type=MetricsRecord) for _, value in delta.metrics],
        dead_letters=[rejected.reason.value for rejected in delta.dead_letters],
    )


def verdict(seen: Seen, kill: Kill = KILL) -> Verdict:
    """On what was seen of the plan."""
    return judge(REQUESTS, LIMIT, seen, kill)


def revised(seen: Seen) -> Report:
    """A first report that was revised later."""
    later = {report.txid for report in seen.reports if report.summary.revision == 1}
    return next(
        report for report in seen.reports if report.txid in later and not report.summary.revision
    )


def unrevised(seen: Seen) -> Report:
    """The only report of its request."""
    return next(
        parts[0] for parts in last_revisions(seen.reports).values() if not parts[0].summary.revision
    )


def with_usage(seen: Seen) -> Report:
    """A last report with some usage."""
    last = last_revisions(seen.reports).values()
    return next(parts[0] for parts in last if parts[0].summary.bytes_transferred)


def test_what_is_right_passes(seen: Seen) -> None:
    """Every row agrees, and there is something to agree on: revisions and all outcomes, too."""
    found = verdict(seen)

    assert found.problems == []
    assert all(row.ok and max(cell or 0 for cell in row.cells) > 0 for row in found.rows)
    assert max(report.summary.revision for report in seen.reports) >= 1
    assert len(seen.metrics) > 1


def test_a_missing_report(seen: Seen) -> None:
    """It is named, and the sums lack it."""
    gone = unrevised(seen)
    seen.reports.remove(gone)
    problems = verdict(seen).problems

    assert problems[0] == f"{gone.txid}: no report"
    assert any(problem.startswith("reports: ") for problem in problems[1:])


def test_a_doubled_report(seen: Seen) -> None:
    """Even an equal one is one too many."""
    txid = seen.reports[0].txid
    seen.reports.append(seen.reports[0])
    problems = verdict(seen).problems

    assert problems[0] == f"{txid}: revision 0, part 1 is there 2 times"
    assert problems[1].startswith("with all revisions: ")


def test_a_doubled_revision_that_was_replaced(seen: Seen) -> None:
    """A compacted topic would not show it; it was written twice all the same."""
    seen.reports.append(revised(seen))

    assert f"{seen.reports[-1].txid}: revision 0, part 1 is there 2 times" in (
        verdict(seen).problems
    )


def test_a_missing_revision_that_was_replaced(seen: Seen) -> None:
    """Revisions are numbered from 0 without a gap."""
    gone = revised(seen)
    seen.reports.remove(gone)

    assert f"{gone.txid}: revision 0 is missing" in verdict(seen).problems


def test_a_missing_last_revision(seen: Seen) -> None:
    """The report before it lacks items."""
    gone = next(
        report
        for report in seen.reports
        if report.summary.revision == 1 and report.txid == revised(seen).txid
    )
    seen.reports.remove(gone)

    assert f"{gone.txid}: other items than were sent" in verdict(seen).problems


def test_parts_are_told_apart() -> None:
    """A part that is missing or doubled is named; together they are one report."""
    parts = [made.report("t", part=(index, 3)) for index in (1, 3, 3)]
    found = judge([], LIMIT, Seen(reports=parts), KILL).problems

    assert "t: revision 0, part 2 is there 0 times" in found
    assert "t: revision 0, part 3 is there 2 times" in found
    assert last_revisions(parts) == {"t": [parts[0], parts[2]]}


def test_the_order_of_reading_does_not_matter(seen: Seen) -> None:
    """Topics have partitions: a last revision may be read first."""
    seen.reports.reverse()
    seen.metrics.reverse()

    assert verdict(seen).problems == []


def test_one_missing_and_one_doubled_do_not_make_up_for_each_other(seen: Seen) -> None:
    """The number of records is right then, and it is wrong all the same."""
    gone = unrevised(seen)
    seen.reports.remove(gone)
    seen.reports.append(seen.reports[0])
    problems = verdict(seen).problems

    assert f"{gone.txid}: no report" in problems
    assert f"{seen.reports[0].txid}: revision 0, part 1 is there 2 times" in problems


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
    last = [parts[0] for parts in last_revisions(seen.reports).values()]
    first, second = [report for report in last if report.usage][:2]
    first.usage.append(second.usage.pop())

    assert set(verdict(seen).problems) == {
        f"{report.txid}: other items than were sent" for report in (first, second)
    }


def test_an_item_in_the_wrong_array(seen: Seen) -> None:
    """An error is no usage."""
    last = last_revisions(seen.reports).values()
    report = next(parts[0] for parts in last if parts[0].errors)
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


def test_a_report_of_silence_alone() -> None:
    """Nobody answered and nobody was expected: there was nothing to report."""
    silent = Request("t", ("1",), (), None, expected=False, hostile=())
    problems = judge([silent], LIMIT, Seen(reports=[made.report("t")]), KILL).problems

    assert problems[0] == "t: a report, though no device answered"


def test_a_wrong_outcome(seen: Seen) -> None:
    """Partial is not complete, though all numbers are right."""
    last = last_revisions(seen.reports).values()
    report = next(parts[0] for parts in last if parts[0].summary.outcome is Outcome.PARTIAL)
    report.summary.outcome = Outcome.COMPLETE
    problems = verdict(seen).problems

    assert problems[0] == f"{report.txid}: complete in place of partial"


def test_other_devices_missing(seen: Seen) -> None:
    """They are compared by name, though the number is right."""
    last = last_revisions(seen.reports).values()
    report = next(parts[0] for parts in last if parts[0].summary.devices.missing)
    report.summary.devices.missing[0] = "352099001761481"

    assert verdict(seen).problems == [f"{report.txid}: other devices missing than were silent"]


def test_a_missing_dead_letter(seen: Seen) -> None:
    """Its reason is named."""
    reason = seen.dead_letters.pop()
    problems = verdict(seen).problems

    assert problems[0].startswith(f"dead letters with reason {reason}: ")
    assert problems[1].startswith("dead letters: ")


def test_a_kill_that_hit_nothing(seen: Seen) -> None:
    """It proves nothing, so the run has not shown what it is for."""
    kill = structs.replace(KILL, open_txids=frozenset())

    assert verdict(seen, kill).problems == ["the kill proves nothing: no txid was open in member-1"]


@pytest.mark.parametrize(
    ("row", "spoil"),
    [
        ("reports", lambda record: setattr(record.reports, "revised", -1)),
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
    sent = of_requests(REQUESTS, LIMIT)
    assert of_metrics(seen.metrics).agrees(sent)
    del seen.metrics[0]

    assert not of_metrics(seen.metrics).agrees(sent)
    assert verdict(seen).problems
