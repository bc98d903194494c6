"""The audit: everything that was read goes in, a verdict comes out.

The order matters, since each topic is judged by what was read before: dead letters, metrics
records, input records, reports. Output records may come in any order of partitions, those
of one partition in the order of their offsets.

What it costs, as measured: 3 kB for each txid of six records, of which only digests are kept,
and 25 microseconds for each record, all in all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from msgspec import Struct

from consumer.audit import windows
from consumer.audit.emissions import Emissions
from consumer.audit.findings import Difference, Findings
from consumer.audit.letters import Letters, Record
from consumer.audit.partition import PartitionAudit, Result
from consumer.audit.terms import Cover, Span, Terms
from consumer.wire import metrics
from consumer.wire.timestamps import milliseconds


class Row(Struct, frozen=True):
    """One line of the account: what windows count, and what the other topics make of it."""

    name: str
    counted: int
    found: int


class Verdict(Struct, frozen=True):
    """What is proven, what is not, and what is wrong."""

    partitions: dict[int, Result]
    rows: list[Row]
    differences: list[Difference]
    unchecked: list[str]

    @property
    def records(self) -> int:
        """Input records that were looked at."""
        return sum(result.records for result in self.partitions.values())


class Audit:
    """One audit; `spans` are the partitions of the input."""

    def __init__(self, terms: Terms, cover: Cover, spans: Mapping[int, Span]) -> None:
        self._terms = terms
        self._cover = cover
        self._findings = Findings()
        self._letters = Letters(terms.topic, spans, self._findings)
        self._emissions = Emissions(terms.topic, cover.report_partitions, self._findings)
        self._metrics_places: dict[bytes | None, str] = {}
        self._partitions = {
            number: PartitionAudit(
                number, terms, cover, span, self._letters.of(number), self._findings
            )
            for number, span in spans.items()
        }
        self._spans = spans

    def skip(self, what: str, why: str, count: int = 1) -> None:
        """Something is not looked at, and nobody in here can know."""
        self._findings.skip(what, why, count)

    def dead_letter(self, record: Record) -> None:
        """The next dead letter."""
        self._letters.take(record)

    def metrics(self, record: Record) -> None:
        """The next metrics record."""
        try:
            body = windows.decode(record.value or b"")
            start_ms, end_ms = milliseconds(body.window.start), milliseconds(body.window.end)
        except ValueError as error:
            self._findings.differ(record.name, f"not a metrics record: {error}")
            return
        if body.app != self._terms.app:
            self._findings.skip("metrics records", f"their application is {body.app!r}")
            return
        partition = self._partitions.get(body.partition)
        span = self._spans.get(body.partition)
        if partition is None or span is None or record.key != metrics.key(start_ms, body.partition):
            self._findings.differ(record.name, f"its key is {record.key!r}, its content is not")
            return
        if record.key in self._metrics_places:
            places = f"{self._metrics_places[record.key]}, {record.name}"
            self._findings.differ(f"window {(record.key or b'').decode()}", f"is twice: {places}")
            return
        self._metrics_places[record.key] = record.name
        if span.window is None or start_ms < span.window.start_ms:
            partition.windows.add(windows.closed(body, start_ms, end_ms))

    def seal_windows(self) -> None:
        """All metrics records were taken."""
        for partition in self._partitions.values():
            partition.seal_windows()

    def record(self, partition: int, offset: int, key: bytes | None, value: bytes | None) -> None:
        """The next record of an input partition."""
        self._partitions[partition].ledger.take(offset, key, value)

    def beyond(self, partition: int, records: int) -> None:
        """How many records of an input partition were consumed after the range."""
        self._partitions[partition].beyond = records

    def seal_records(self) -> None:
        """All input records were taken."""
        for partition in self._partitions.values():
            partition.seal_records()

    def report(self, record: Record) -> None:
        """The next record of the reports topic."""
        emission = self._emissions.take(record)
        if emission is None:
            return
        partition = self._partitions.get(emission.partition)
        if partition is None:
            self._findings.differ(emission.name, "the input has no such partition")
        else:
            partition.report(emission, record.timestamp_ms)

    def verdict(self, begins: Mapping[int, int], still: Collection[int]) -> Verdict:
        """The end. `begins`: where each partition of the reports topic begins.

        `still`: partitions of the input in which no commit came while this was read.
        """
        for partition in self._partitions.values():
            partition.seal_reports()
        compacted = self._cover.reports_compacted
        self._emissions.finish(begins, self._latest if compacted else None)
        results = {
            number: partition.finish(still=number in still)
            for number, partition in self._partitions.items()
        }
        counted, found = Counter[str](), Counter[str]()
        for result in results.values():
            counted.update(result.counted)
            found.update(result.found)
        if all(result.whole for result in results.values()):
            name = "items reported or open"
            counted[name] = sum(result.merged for result in results.values())
            found[name] = sum(result.items + result.open.items for result in results.values())
        rows = [Row(name, counted[name], found[name]) for name in counted]
        return Verdict(results, rows, self._findings.differences, self._findings.unchecked())

    def _latest(self, number: int, txid: str) -> tuple[int, int]:
        partition = self._partitions.get(number)
        lives = [] if partition is None else partition.ledger.account(txid).lives
        return max(((life.first, life.revision) for life in lives), default=(-1, -1))
