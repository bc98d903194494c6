"""Which txids are open and which reports are there, by what the topics say so far.

A txid is open in its partition once a committed offset has passed its first record, until
its first report is visible. That is known whether its member lives or not: the state is in
Kafka.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict, deque

from consumer.cli.demo.outputs import Opening, Seen
from consumer.cli.demo.scene import Counts
from consumer.wire.metrics import MetricsRecord
from consumer.wire.report import Outcome, Report

LATEST = 20
"""Reports that are kept to be shown."""


class Ledger:
    """Adds up what was seen. It keeps no report but the latest and an example of each kind."""

    def __init__(self) -> None:
        self.metrics: list[MetricsRecord] = []
        self.latest: deque[Report] = deque(maxlen=LATEST)
        self.examples: dict[tuple[str, str, bool], Report] = {}
        self.emitted = 0
        """Reports, each revision counted."""
        self._opened: dict[int, list[Opening]] = defaultdict(list)
        """Of each txid the first, by partition, in order."""
        self._known: set[str] = set()
        self._reported: Counter[int] = Counter()
        """Txids with a report, by input partition."""
        self._outcomes: dict[str, tuple[int, Outcome]] = {}
        self._revised = 0
        self._duplicates = 0
        self._dead_letters = 0

    def add(self, seen: Seen) -> None:
        """Take in what has just been read."""
        for opening in seen.openings:
            if opening.txid not in self._known:
                self._known.add(opening.txid)
                self._opened[opening.partition].append(opening)
        for report in seen.reports:
            self._report(report)
        self.metrics += seen.metrics
        self._duplicates += sum(record.items.duplicates for record in seen.metrics)
        self._dead_letters += len(seen.dead_letters)

    def open_count(self, partition: int, committed: int) -> int:
        """How many txids are open in a partition that is read up to offset `committed`."""
        return max(self._read(partition, committed) - self._reported[partition], 0)

    def open_txids(self, partition: int, committed: int) -> list[str]:
        """The same by name."""
        read = self._opened[partition][: self._read(partition, committed)]
        return [opening.txid for opening in read if opening.txid not in self._outcomes]

    def _read(self, partition: int, committed: int) -> int:
        return bisect_left(self._opened[partition], committed, key=lambda one: one.offset)

    def counts(self) -> Counts:
        """Of each txid the last revision."""
        outcomes = Counter(outcome for _, outcome in self._outcomes.values())
        return Counts(
            complete=outcomes[Outcome.COMPLETE],
            partial=outcomes[Outcome.PARTIAL],
            unconfirmed=outcomes[Outcome.UNCONFIRMED],
            revised=self._revised,
            duplicates=self._duplicates,
            dead_letters=self._dead_letters,
        )

    def _report(self, report: Report) -> None:
        summary = report.summary
        self.latest.appendleft(report)
        kind = (summary.outcome, summary.completed_by, summary.revision > 0)
        self.examples.setdefault(kind, report)
        if summary.part.index > 1:
            return
        self.emitted += 1
        self._revised += summary.revision > 0
        self._reported[summary.source.partition] += report.txid not in self._outcomes
        before, _ = self._outcomes.get(report.txid, (-1, None))
        if summary.revision > before:
            self._outcomes[report.txid] = (summary.revision, summary.outcome)
