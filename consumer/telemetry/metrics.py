"""Every metric of the daemon, declared once, and the observer that feeds them.

`Metrics` satisfies the pipeline's `Observer`. Counters are fed per commit and only after
it, from its `Tallies`: they never tell of work that was thrown away and done again. Labels
are closed sets (kinds, reasons, rules, causes), and all their series exist with 0 from the
start, so that a rate over the first event is not lost. The only open label is the input
partition, whose series go when the partition goes; a value outside its set is logged and
left out rather than becoming a new series. Nothing here raises, waits or asks Kafka.

The registry is the daemon's own, so nothing that a library registers by itself shows up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import structlog
from msgspec import structs
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    Metric,
    PlatformCollector,
    ProcessCollector,
)

from consumer.aggregation.tallies import Tallies
from consumer.telemetry.build import Build
from consumer.telemetry.bulk_histogram import BulkHistogram
from consumer.telemetry.health import Health
from consumer.wire.dead_letter import Reason
from consumer.wire.report import CompletedBy, Outcome

_log = structlog.get_logger(__name__)

NAMESPACE: Final = "session_reports"

_PROVEN: Final = (CompletedBy.EXPECTED_DEVICES, CompletedBy.DEVICE_LIMIT)
_RULES: Final = [
    (outcome, rule)
    for outcome in Outcome
    for rule in CompletedBy
    if (outcome is Outcome.COMPLETE) == (rule in _PROVEN)
]
"""What can occur: `complete` needs a proof, the rest was closed for lack of one."""

_COMMIT_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""A local commit takes 4-15 ms; `transaction.timeout.ms` ends it at 10 s."""
_BATCH_BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
"""500 records take 1-2 ms."""
_COMPLETION_BUCKETS_S: Final = (
    *(1, 2, 5, 10, 30, 60, 90, 120, 300, 600, 1200, 1800),
    *(3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600),
)
"""From one burst of callbacks up to `completion.max_age`, a day."""
_RESTORE_BUCKETS_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class _Registry(CollectorRegistry):
    """Leaves out the `_created` series, one more for each series of a counter.

    `prometheus_client.disable_created_metrics` would do it for the whole process.
    """

    def collect(self) -> Iterable[Metric]:
        for metric in super().collect():
            metric.samples = [s for s in metric.samples if not s.name.endswith("_created")]
            yield metric


class _Closed:
    """A counter whose label values are a closed set; all its series are there at once."""

    def __init__(self, counter: Counter, values: Iterable[tuple[str, ...]]) -> None:
        self._counter = counter
        self._series = {value: counter.labels(*value) for value in values}

    def add(self, value: tuple[str, ...], count: int = 1) -> None:
        series = self._series.get(value)
        if series is None:
            _log.error("metric_label_unknown", metric=str(self._counter), value=value)
        elif count:
            series.inc(count)


class Metrics:
    """The daemon's metrics; satisfies the pipeline's `Observer`. One thread feeds it.

    Args:
        health: told of turns, assignments and restarts as well.
        topic: the input topic, the label of the lag.
        causes: the rows of the fault table, the label of the restarts.
        build: what `build_info` says.
    """

    def __init__(self, health: Health, topic: str, causes: Collection[str], build: Build) -> None:
        self.registry: CollectorRegistry = _Registry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._health = health
        self._topic = topic
        self._partitions: set[int] = set()
        self._declare_counters(causes)
        self._declare_gauges()
        self._declare_histograms()
        self._info("build", "Versions of the running build.").info(structs.asdict(build))

    # Declarations ---------------------------------------------------------------------

    def _declare_counters(self, causes: Collection[str]) -> None:
        kinds = ("callback", "expectation", "acknowledgement", "dead_letter")
        results = ("usage", "error", "duplicate", "late")
        events = ("assigned", "revoked", "lost")
        self._records = self._closed(
            "records_consumed", "Input records, by what they are.", "kind", kinds
        )
        self._items = self._closed("items", "Items, by what became of them.", "result", results)
        self._dead_letters = self._closed(
            "dead_letters", "Records written to the dead-letter topic.", "reason", Reason
        )
        self._rebalances = self._closed("rebalances", "Changes of the assignment.", "event", events)
        self._restarts = self._closed(
            "restarts", "Pipelines torn down and started anew.", "cause", causes
        )
        self._reports = _Closed(
            self._counter(
                "reports_emitted",
                "Reports written, revisions included.",
                ("outcome", "completed_by"),
            ),
            _RULES,
        )
        self._revisions = self._counter("report_revisions", "Reports written again, as revisions.")
        self._key_mismatches = self._counter(
            "key_mismatches", "Records whose key is not their txid."
        )
        self._misplaced_keys = self._counter(
            "misplaced_keys", "Sampled keys in another partition than a Java client would choose."
        )
        self._forgotten_early = self._counter(
            "forgotten_early", "Emitted txids forgotten before late.remember, for want of room."
        )

    def _declare_gauges(self) -> None:
        self._assigned = self._gauge("assigned_partitions", "Input partitions of this member.")
        self._open_txids = self._gauge("open_txids", "Txids whose report is still open.")
        self._remembered_txids = self._gauge(
            "remembered_txids", "Emitted txids that are still remembered."
        )
        self._state_bytes = self._gauge("state_bytes", "Accounted size of the state.")
        self._lag = self._gauge(
            "consumer_lag_records",
            "End offset minus position, control records included.",
            ("topic", "partition"),
        )
        self._oldest_open = self._gauge(
            "oldest_open_seconds", "Age of the report that has been open longest; 0 for none."
        )
        self._restore_remaining = self._gauge(
            "restore_remaining_records", "Records of the state log that are still to be restored."
        )
        self._last_commit = self._gauge(
            "last_commit_timestamp_seconds", "Unix time of the last commit; 0 before the first."
        )

    def _declare_histograms(self) -> None:
        self._commit_duration = self._histogram(
            "commit_duration_seconds", "From begin to commit of one transaction.", _COMMIT_BUCKETS_S
        )
        self._batch_duration = self._histogram(
            "batch_duration_seconds", "Decoding and aggregating one batch.", _BATCH_BUCKETS_S
        )
        self._restore_duration = self._histogram(
            "restore_duration_seconds", "Restoring one partition.", _RESTORE_BUCKETS_S
        )
        self._time_to_complete = BulkHistogram(
            f"{NAMESPACE}_time_to_complete_seconds",
            "From a txid's opening to its first report, by the partition's clock.",
            _COMPLETION_BUCKETS_S,
            self.registry,
        )

    def _counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(name, text, labels, namespace=NAMESPACE, registry=self.registry)

    def _closed(self, name: str, text: str, label: str, values: Iterable[str]) -> _Closed:
        return _Closed(self._counter(name, text, (label,)), ((value,) for value in values))

    def _gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(name, text, labels, namespace=NAMESPACE, registry=self.registry)

    def _histogram(self, name: str, text: str, bounds_s: Sequence[float]) -> Histogram:
        return Histogram(name, text, namespace=NAMESPACE, registry=self.registry, buckets=bounds_s)

    def _info(self, name: str, text: str) -> Info:
        return Info(name, text, namespace=NAMESPACE, registry=self.registry)

    # The observer ---------------------------------------------------------------------

    def turned(self) -> None:
        """The loop has turned once more."""
        self._health.turned()

    def committed(self, tallies: Tallies, duration_s: float, wall_ms: int) -> None:
        """A transaction is through: its work counts now."""
        self._commit_duration.observe(duration_s)
        self._last_commit.set(wall_ms / 1000)
        self._records.add(("callback",), tallies.callbacks)
        self._records.add(("expectation",), tallies.expectations)
        self._records.add(("acknowledgement",), tallies.acknowledgements)
        self._records.add(("dead_letter",), tallies.dead_letters)
        self._items.add(("usage",), tallies.usage)
        self._items.add(("error",), tallies.errors)
        self._items.add(("duplicate",), tallies.duplicates)
        self._items.add(("late",), tallies.late)
        for rule, count in tallies.reports.items():
            self._reports.add(rule, count)
        for reason, count in tallies.reasons.items():
            self._dead_letters.add((reason,), count)
        self._revisions.inc(tallies.revisions)
        self._key_mismatches.inc(tallies.key_mismatches)
        self._forgotten_early.inc(tallies.forgotten_early)
        self._time_to_complete.observe_ms(tallies.completion_ms)

    def processed(self, duration_s: float) -> None:
        """One batch went through decode and aggregate."""
        self._batch_duration.observe(duration_s)

    def rebalanced(self, event: str, partitions: Sequence[int]) -> None:
        """The assignment changed: `assigned`, `revoked` or `lost`."""
        self._rebalances.add((event,))
        if event == "assigned":
            self._partitions.update(partitions)
        else:
            self._drop_series(partitions)

    def readiness(self, assigned: int, restoring: int) -> None:
        """How many partitions this member has, and how many of them still restore."""
        self._health.assigned(assigned, restoring)
        self._assigned.set(assigned)
        if not restoring:
            self._restore_remaining.set(0)

    def joined(self) -> None:
        """The group has answered."""
        self._health.joined()

    def restore_progress(self, remaining_records: int) -> None:
        """So many records of the state log are still to be read."""
        self._restore_remaining.set(remaining_records)

    def restored(self, partition: int, txids: int, duration_s: float) -> None:  # noqa: ARG002 - the observer's signature; a histogram has no use for them
        """One partition has its state back."""
        self._restore_duration.observe(duration_s)

    def lag(self, records_by_partition: Mapping[int, int]) -> None:
        """Unread records. An answer about a partition that has gone since is left out."""
        for partition, records in records_by_partition.items():
            if partition in self._partitions:
                self._lag.labels(self._topic, partition).set(records)

    def state(
        self, open_txids: int, remembered_txids: int, state_bytes: int, oldest_open_s: float
    ) -> None:
        """The size and age of what the member holds."""
        self._open_txids.set(open_txids)
        self._remembered_txids.set(remembered_txids)
        self._state_bytes.set(state_bytes)
        self._oldest_open.set(oldest_open_s)

    def misplaced_key(self) -> None:
        """A sampled key is where Kafka's own partitioner would not have put it."""
        self._misplaced_keys.inc()

    def restarted(self, cause: str) -> None:
        """The pipeline was torn down: what it had is gone until the next one restores it."""
        self._restarts.add((cause,))
        self._health.restarted(cause)
        self._drop_series(tuple(self._partitions))
        self._assigned.set(0)
        self._restore_remaining.set(0)
        self.state(0, 0, 0, 0)

    def _drop_series(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self._partitions.discard(partition)
            self._lag.remove(self._topic, partition)
