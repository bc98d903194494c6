"""Reads the output topics back and compares them with what the simulator sent.

Reading is read_committed, from the beginning, in no group: what any consumer downstream
would see.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from msgspec import Struct, field

from consumer.errors import SessionReportsError
from consumer.kafka import properties
from consumer.kafka.properties import ClientOptions
from consumer.settings.model import Settings
from consumer.simulator.request import Request
from consumer.simulator.totals import Totals
from consumer.wire import report as report_wire
from consumer.wire.report import Report

METADATA_S = 10.0
POLL_RECORDS = 1_000


class Row(Struct):
    """One line of the closing table: what was sent, and both views of what came out."""

    name: str
    sent: int
    reports: int
    metrics: int

    @property
    def cells(self) -> tuple[int, int, int]:
        """In the order of the columns."""
        return self.sent, self.reports, self.metrics

    @property
    def ok(self) -> bool:
        """Whether all three agree."""
        return self.sent == self.reports == self.metrics


class Verdict(Struct):
    """The comparison, and every difference in a line of its own."""

    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Outputs:
    """The reports and metrics records that are visible so far."""

    def __init__(self, settings: Settings, options: ClientOptions) -> None:
        self.reports: list[Report] = []
        self.metrics: list[dict[str, object]] = []
        self._topics = settings.topics
        self._consumer = properties.create(Consumer, properties.onlooker(options))

    def __enter__(self) -> Self:
        try:
            listing = self._consumer.list_topics(timeout=METADATA_S).topics
        except KafkaException as error:
            raise SessionReportsError(f"cannot read the outputs: {error.args[0].str()}") from None
        self._consumer.assign(
            [
                TopicPartition(name, partition, OFFSET_BEGINNING)
                for name in (self._topics.reports, self._topics.metrics)
                for partition in listing[name].partitions
            ]
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def poll_reports(self, timeout_s: float) -> list[Report]:
        """Reports that have become visible since the last call."""
        new = []
        for message in self._consumer.consume(POLL_RECORDS, timeout_s):
            value = message.value()
            if message.error() is not None or value is None:
                continue
            if message.topic() == self._topics.reports:
                new.append(report_wire.decode(value))
            else:
                self.metrics.append(json.loads(value))
        self.reports += new
        return new

    def read_metrics(self, totals: Totals, patience_s: float) -> None:
        """Wait until the windows that hold the last reports have closed."""
        deadline_s = time.monotonic() + patience_s
        while time.monotonic() < deadline_s:
            if (
                self.metric("reports") >= totals.reports
                and self.metric("records") >= totals.records
            ):
                return
            self.poll_reports(0.2)

    def metric(self, name: str) -> int:
        """A number of the metrics records, or a group of them, summed over all windows."""
        total = 0
        for record in self.metrics:
            value = record[name]
            total += sum(value.values()) if isinstance(value, dict) else int(str(value))
        return total


def judge(requests: Iterable[Request], totals: Totals, outputs: Outputs) -> Verdict:
    """Compare `outputs` with the truth of the plan."""
    verdict = Verdict()
    reports: dict[str, Report] = {}
    for report in outputs.reports:
        if report.txid in reports:
            verdict.problems.append(f"{report.txid}: more than one report")
        reports[report.txid] = report
    for request in requests:
        if request.txid in reports:
            if not _holds(reports.pop(request.txid), request):
                verdict.problems.append(f"{request.txid}: other items than were sent")
        elif request.answers:
            verdict.problems.append(f"{request.txid}: no report")
    verdict.problems += [f"{txid}: nobody asked for this report" for txid in reports]
    summaries = [report.summary for report in outputs.reports]
    items = [record["items"] for record in outputs.metrics]
    verdict.rows = [
        Row("reports", totals.reports, len(outputs.reports), outputs.metric("reports")),
        Row(
            "devices with usage",
            totals.usage,
            sum(summary.devices.reported for summary in summaries),
            sum(one["usage"] for one in items if isinstance(one, dict)),
        ),
        Row(
            "devices with an error",
            totals.errors,
            sum(summary.devices.failed for summary in summaries),
            sum(one["errors"] for one in items if isinstance(one, dict)),
        ),
        Row(
            "sessions",
            totals.sessions,
            sum(summary.number_of_sessions for summary in summaries),
            outputs.metric("numberOfSessions"),
        ),
        Row(
            "bytes",
            totals.bytes_transferred,
            sum(summary.bytes_transferred for summary in summaries),
            outputs.metric("bytesTransferred"),
        ),
    ]
    verdict.problems += [f"{row.name}: {row.cells} differ" for row in verdict.rows if not row.ok]
    return verdict


def _holds(report: Report, request: Request) -> bool:
    """Whether a report has exactly the items of its request, verbatim."""
    usage = Counter(bytes(item) for item in report.usage)
    errors = Counter(bytes(item) for item in report.errors)
    return usage == Counter(request.usage) and errors == Counter(request.errors)
