"""Gauges, the first commit and the minute's summary: looked at now and then, never in the hot path.

What the summary says of work done is told by commits, as the counters are: what was thrown
away with a pipeline does not count.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from consumer.aggregation.tallies import Tallies
from consumer.pipeline.partition import Partition, Phase, Running
from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.ports import Clock, Observer, Offsets

log = structlog.get_logger(__name__)


class Reporting:
    """Publishes what the partitions of a member hold and how far they are behind."""

    def __init__(
        self, policy: PipelinePolicy, offsets: Offsets, clock: Clock, observer: Observer
    ) -> None:
        self._policy = policy
        self._offsets = offsets
        self._clock = clock
        self._observer = observer
        self._gauges_s = 0.0
        self._summary_s = clock.monotonic_s()
        self._readiness: tuple[int, int] | None = None
        self._lag_records: int | None = None
        self._is_first = False
        self._records = 0
        self._reports = 0

    def assigned(self) -> None:
        """There are new partitions: tell of the next commit that has anything in it."""
        self._is_first = True

    def committed(self, tallies: Tallies) -> None:
        """What a commit held."""
        records, reports = tallies.records, sum(tallies.reports.values())
        self._records += records
        self._reports += reports
        if self._is_first and (records or reports):
            self._is_first = False
            log.info("first_commit", records=records, reports=reports)

    def step(self, partitions: Mapping[int, Partition], running: Mapping[int, Running]) -> None:
        """Once per turn; does something only when it is time."""
        changed = self.tell_readiness(partitions)
        now_s = self._clock.monotonic_s()
        if changed or now_s - self._gauges_s >= self._policy.gauges_s:
            self._gauges_s = now_s
            self._publish(running)
        if now_s - self._summary_s >= self._policy.summary_s:
            self._summarise(running, now_s - self._summary_s)
            self._summary_s, self._records, self._reports = now_s, 0, 0

    def tell_readiness(self, partitions: Mapping[int, Partition]) -> bool:
        """Publish how many partitions there are and how many restore; whether it changed."""
        restoring = sum(one.phase is not Phase.RUNNING for one in partitions.values())
        readiness = (len(partitions), restoring)
        if readiness == self._readiness:
            return False
        self._readiness = readiness
        self._observer.readiness(*readiness)
        return True

    def _publish(self, running: Mapping[int, Running]) -> None:
        tables = [one.aggregator.table for one in running.values()]
        open_txids = sum(table.open_count for table in tables)
        oldest_s = max((_oldest_s(one, self._clock) for one in running.values()), default=0.0)
        self._observer.state(
            open_txids,
            sum(len(table) for table in tables) - open_txids,
            sum(table.memory_bytes for table in tables),
            oldest_s,
        )
        ends = self._offsets.input_ends(list(running), self._policy.request_s) if running else {}
        lag = {
            number: max(end - running[number].position, 0) for number, end in (ends or {}).items()
        }
        self._observer.lag(lag)
        self._lag_records = None if ends is None else sum(lag.values())

    def _summarise(self, running: Mapping[int, Running], seconds: float) -> None:
        """What was done since the last one, how much is open, and when the next of it falls due."""
        due_s = [
            (due_ms - one.aggregator.clock.idle_ms(self._clock.wall_ms())) / 1000
            for one in running.values()
            if (due_ms := one.aggregator.table.next_closing_ms()) is not None
        ]
        log.info(
            "summary",
            seconds=round(seconds, 1),
            records=self._records,
            records_per_s=round(self._records / seconds),
            reports=self._reports,
            partitions=len(running),
            open_txids=sum(one.aggregator.table.open_count for one in running.values()),
            next_closes_in_s=round(max(min(due_s), 0.0), 1) if due_s else None,
            lag_records=self._lag_records,
        )


def _oldest_s(one: Running, clock: Clock) -> float:
    """Age of the partition's oldest open txid, by its own clock."""
    opened_ms = one.aggregator.table.oldest_open_ms()
    if opened_ms is None:
        return 0.0
    return max(one.aggregator.clock.idle_ms(clock.wall_ms()) - opened_ms, 0) / 1000
