"""Reads the topics for an audit, one after the other.

Each is judged by what was read before: dead letters, metrics records, callbacks, reports.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from confluent_kafka import Message

from consumer.audit.audit import Audit, Verdict
from consumer.audit.letters import Record
from consumer.audit.terms import FOREVER, Terms
from consumer.cli.audit.range import Range
from consumer.cli.audit.snapshot import PATIENCE_S, AuditSnapshot, Ranges
from consumer.daemon import client_options
from consumer.kafka.records import headers_of
from consumer.kafka.topic_reader import Extent, TopicReader
from consumer.settings.model import Settings
from consumer.wire.report import FRAME_BYTES
from consumer.wire.timestamps import iso

Told = Callable[[str, int, int], None]
"""Of a topic: how many offsets of how many have been read."""


def read(settings: Settings, range_: Range, told: Told) -> Verdict:
    """Audit the topics of these settings.

    Raises:
        UnreachableError: Kafka did not answer within `kafka.connect_timeout`.
        ConfigError: a topic is not there, or nothing was ever consumed.
        SessionReportsError: reading failed.
    """
    reader = TopicReader(client_options(settings), patience_s=PATIENCE_S)
    with contextlib.closing(reader):
        snapshot = AuditSnapshot(settings, range_, reader)
        with contextlib.closing(snapshot):
            return _Reading(settings, snapshot, reader, told).verdict()


class _Reading:
    """One audit."""

    def __init__(
        self, settings: Settings, snapshot: AuditSnapshot, reader: TopicReader, told: Told
    ) -> None:
        self._snapshot = snapshot
        self._reader = reader
        self._told = told
        self._starts_late = settings.app.start_at == "latest"
        terms = Terms(
            topic=settings.topics.callbacks,
            app=settings.app.id,
            inactivity_ms=settings.completion.inactivity_ms,
            remember_ms=settings.late.remember_ms,
            window_ms=settings.metrics.window_ms,
            largest_item=settings.limits.report_bytes - FRAME_BYTES,
            starts_late=self._starts_late,
            since_ms=snapshot.range.since_ms or 0,
            until_ms=snapshot.range.until_ms or FOREVER,
        )
        self._audit = Audit(terms, snapshot.cover(), snapshot.spans)

    def verdict(self) -> Verdict:
        """Read everything."""
        audit, snapshot = self._audit, self._snapshot
        if since_ms := snapshot.letters_lost_ms:
            since = iso(since_ms) if since_ms < FOREVER else "no time that is known"
            audit.skip("topics", f"{snapshot.name('dead_letters')} reaches back to {since} only")
        self._outputs("dead_letters", snapshot.whole("dead_letters"), audit.dead_letter)
        self._outputs("metrics", snapshot.later("metrics"), audit.metrics)
        audit.seal_windows()
        self._input()
        audit.seal_records()
        reports = snapshot.later("reports")
        self._outputs("reports", reports, audit.report)
        begins = {number: extent.start for number, extent in reports.items()}
        return audit.verdict(begins, snapshot.still())

    def _input(self) -> None:
        audit, spans = self._audit, self._snapshot.spans
        ranges = {number: Extent(span.begin, span.end) for number, span in spans.items()}
        for messages in self._batches("callbacks", ranges):
            for message in messages:
                audit.record(
                    message.partition() or 0,
                    message.offset() or 0,
                    message.key(),
                    message.value(),
                )
        since_ms, until_ms = self._snapshot.range
        if until_ms is None or (since_ms is None and not self._starts_late):
            return
        # Cut at both ends, windows can only be placed from the end of all that was consumed.
        counts = dict.fromkeys(spans, 0)
        committed = self._snapshot.committed
        rest = {number: Extent(spans[number].end, at.offset) for number, at in committed.items()}
        for messages in self._batches("callbacks", rest):
            for message in messages:
                counts[message.partition() or 0] += 1
        for number, count in counts.items():
            audit.beyond(number, count)

    def _outputs(self, role: str, ranges: Ranges, take: Callable[[Record], None]) -> None:
        topic = self._snapshot.name(role)
        for messages in self._batches(role, ranges):
            for message in messages:
                take(
                    Record(
                        topic,
                        message.partition() or 0,
                        message.offset() or 0,
                        message.timestamp()[1],
                        message.key(),
                        message.value(),
                        headers_of(message) or (),
                    )
                )

    def _batches(self, role: str, ranges: Ranges) -> Iterator[Sequence[Message]]:
        topic = self._snapshot.name(role)
        total = sum(range_.end - range_.start for range_ in ranges.values())
        for messages, done in self._reader.read(topic, ranges):
            yield messages
            self._told(topic, done, total)
