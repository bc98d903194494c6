"""What there is to be audited: from where to where each topic is to be read.

First the committed offsets are asked for, with the state that they name; then where the
output topics end. So whatever the daemon had committed by then is seen whole, however it
goes on meanwhile.

A topic that has lost its first records (retention) is no witness for what was before.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from confluent_kafka import Message

from consumer.audit.terms import FOREVER, Cover, Span
from consumer.cli.audit.range import Range
from consumer.daemon import client_options, topics_of
from consumer.errors import ConfigError, SessionReportsError
from consumer.kafka.offsets import Committed, Offsets
from consumer.kafka.topic_reader import Extent, TopicReader
from consumer.settings.model import Settings
from consumer.wire import state_entry
from consumer.wire.state_entry import Named, StateError, Window

ANSWER_S = 10.0
PATIENCE_S = 60.0
MARGIN_MS = 60_000
"""How far the timestamps of input records may go back."""
PEEKED = 1_000
"""Offsets in which the first record of a topic that has lost its beginning is looked for."""
LOOKED_BACK = (100, 10_000)
"""How far before its end the state log is looked for the last commit; then all of it is."""
OUTPUTS = ("metrics", "reports", "dead_letters")

Ranges = Mapping[int, Extent]
"""Offsets by partition."""


class State(NamedTuple):
    """What the state log says about a partition as of its committed offset."""

    clock_ms: int
    window: Window


class AuditSnapshot:
    """Everything that is known before the topics are read."""

    def __init__(self, settings: Settings, range_: Range, reader: TopicReader) -> None:
        """Ask for it. Raises `SessionReportsError` where there is nothing to be audited."""
        options = client_options(settings)
        self._group = options.group
        self._names = settings.topics
        self._topics = topics_of(settings, options)
        self._found = dict(self._topics.look("callbacks", *OUTPUTS))
        self._reader = reader
        self._offsets = Offsets(
            options, input_topic=self._names.callbacks, state_topic=self._names.state
        )
        self.committed = self._committed()
        self._states = self._read_states()
        self._wholes = {role: self._extents(role) for role in OUTPUTS}
        self.letters_lost_ms = self._lost_ms("dead_letters")
        """The dead letters reach back to this time; 0: to the beginning."""
        if self.letters_lost_ms:
            since_ms = max(range_.since_ms or 0, self.letters_lost_ms + MARGIN_MS)
            range_ = range_._replace(since_ms=since_ms)
        self.range = range_
        self.spans = self._spans()

    def close(self) -> None:
        """Free the clients."""
        self._offsets.close()

    def name(self, role: str) -> str:
        """Of a topic."""
        return str(getattr(self._names, role))

    def later(self, role: str) -> Ranges:
        """What of a topic was written since the range began."""
        whole, since_ms = self._wholes[role], self.range.since_ms
        if since_ms is None:
            return whole
        begins = self._reader.since(self.name(role), whole, since_ms)
        return {number: Extent(begins[number], extent.end) for number, extent in whole.items()}

    def whole(self, role: str) -> Ranges:
        """All that a topic holds."""
        return self._wholes[role]

    def cover(self) -> Cover:
        """How far back the outputs reach."""
        since_ms = self.range.since_ms or 0
        policy = self._found["reports"].config.get("cleanup.policy", "")
        return Cover(
            reports_since_ms=max(since_ms, self._lost_ms("reports")),
            reports_compacted="compact" in policy,
            report_partitions=len(self._wholes["reports"]),
            metrics_since_ms=max(since_ms, self._lost_ms("metrics")),
        )

    def still(self) -> list[int]:
        """Partitions in which nothing was committed since."""
        again = self._committed()
        return [number for number, at in self.committed.items() if again.get(number) == at]

    def _committed(self) -> Mapping[int, Committed]:
        partitions = range(self._found["callbacks"].partitions)
        deadline_s = time.monotonic() + PATIENCE_S
        while (found := self._offsets.committed(partitions, ANSWER_S)) is None:
            if time.monotonic() > deadline_s:
                raise SessionReportsError(
                    f"group {self._group}: a transaction with new offsets stays open"
                )
        if not found:
            raise ConfigError(
                f"app.id: the group {self._group} has committed nothing in "
                f"{self._names.callbacks}: either no daemon has run, or it has another app.id"
            )
        return found

    def _spans(self) -> dict[int, Span]:
        """What is to be looked at of each partition of the input."""
        topic, (since_ms, until_ms) = self._names.callbacks, self.range
        extents = self._extents("callbacks")
        begins = {} if since_ms is None else self._reader.since(topic, extents, since_ms)
        ends = {} if until_ms is None else self._reader.since(topic, extents, until_ms)
        spans = {}
        for number, extent in extents.items():
            consumed = self.committed[number].offset if number in self.committed else 0
            end = min(consumed, ends.get(number, consumed))
            begin = min(begins.get(number, extent.start), end)
            state = self._states.get(number)
            spans[number] = Span(
                begin=begin,
                end=end,
                from_start=begin == 0,
                to_end=end == consumed,
                clock_ms=None if state is None else state.clock_ms,
                window=None if state is None else state.window,
            )
        return spans

    def _extents(self, role: str) -> dict[int, Extent]:
        partitions = range(self._found[role].partitions)
        found = self._offsets.topic_range(self.name(role), partitions, ANSWER_S)
        return {number: Extent(*range_) for number, range_ in found.items()}

    def _lost_ms(self, role: str) -> int:
        """From when on a topic is complete that has lost its beginning; else 0.

        From the first record on that is there; where none is, retention took them.
        """
        lost = {number: extent for number, extent in self._wholes[role].items() if extent.start}
        retention_ms = int(self._found[role].config.get("retention.ms", "-1"))
        gone_ms = time.time_ns() // 1_000_000 - retention_ms if retention_ms >= 0 else FOREVER
        times: dict[int, int] = {}
        ranges = {
            number: Extent(extent.start, min(extent.start + PEEKED, extent.end))
            for number, extent in lost.items()
        }
        for messages, _ in self._reader.read(self.name(role), ranges):
            for message in messages:
                times.setdefault(message.partition() or 0, message.timestamp()[1])
        return max((times.get(number, gone_ms) for number in lost), default=0)

    # The state log

    def _read_states(self) -> dict[int, State]:
        """Of each partition whose committed offset names a state that can be read."""
        wanted: dict[int, Named] = {}
        for number, at in self.committed.items():
            try:
                named = state_entry.decode_named(at.metadata)
            except StateError:
                continue
            if named is not None and named.sequence > 0:
                wanted[number] = named
        try:
            self._found |= self._topics.look("state")
        except ConfigError:
            return {}
        extents = self._extents("state")
        found: dict[int, State] = {}
        for back in (*LOOKED_BACK, None):
            ranges = {
                number: Extent(
                    max(named.start, extent.start, extent.end - back if back else 0), extent.end
                )
                for number, named in wanted.items()
                if number not in found and (extent := extents.get(number)) is not None
            }
            for messages, _ in self._reader.read(self._names.state, ranges):
                found.update(_named_states(messages, wanted))
        return found


def _named_states(
    messages: Iterable[Message], wanted: Mapping[int, Named]
) -> Iterable[tuple[int, State]]:
    """The states among some records of the state log that committed offsets name."""
    for message in messages:
        number = message.partition() or 0
        try:
            delta = state_entry.decode(message.value() or b"")
            named = wanted[number]
            if (delta.incarnation, delta.sequence) != (named.incarnation, named.sequence):
                continue
            if delta.window:
                yield number, State(delta.clock_ms, state_entry.decode_window(delta.window))
        except ValueError:  # of another version, so not the one that is wanted
            continue
