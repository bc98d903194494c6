"""What one partition's daemon would have left on the topics, to be tampered with and audited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

from consumer.aggregation.policy import Policy
from consumer.audit.audit import Audit, Verdict
from consumer.audit.letters import Record
from consumer.audit.terms import Cover, Span, Terms
from consumer.wire import state_entry
from consumer.wire.dead_letter import Reason, headers
from consumer.wire.report import FRAME_BYTES
from consumer.wire.state_entry import Window
from tests.unit.aggregation.feed import POLICY, Feed, callback, encode, expectation, usage


class Input(NamedTuple):
    """A consumed record."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


@dataclass
class History:
    """All topics of a run with one partition, and what the state log says at its end."""

    policy: Policy
    inputs: list[Input]
    reports: list[Record] = field(default_factory=list)
    metrics: list[Record] = field(default_factory=list)
    dead_letters: list[Record] = field(default_factory=list)
    clock_ms: int | None = None
    window: Window | None = None
    span: dict[str, Any] = field(default_factory=dict)
    """Changes to the span of the audit."""
    cover: Cover = field(default_factory=Cover)
    since_ms: int = 0
    until_ms: int = 2**62
    starts_late: bool = False
    still: bool = True
    report_begin: int = 0

    @classmethod
    def of(
        cls,
        policy: Policy,
        inputs: Iterable[Input],
        *,
        reports: Iterable[tuple[bytes, bytes]],
        metrics: Iterable[tuple[bytes, bytes]],
        dead_letters: Iterable[tuple[int, str, str]],
        clock_ms: int,
        window: Window,
    ) -> Self:
        """From what aggregation gives: keys and values, and (offset, reason, message)."""
        inputs = list(inputs)
        by_offset = {record.offset: record for record in inputs}
        return cls(
            policy,
            inputs,
            [Record("reports", 0, n, n, *record) for n, record in enumerate(reports)],
            [Record("metrics", 0, n, n, *record) for n, record in enumerate(metrics)],
            [
                Record(
                    "letters",
                    0,
                    number,
                    by_offset[offset].timestamp_ms,
                    by_offset[offset].key,
                    by_offset[offset].value,
                    headers((), policy.topic, 0, offset, Reason(reason), message),
                )
                for number, (offset, reason, message) in enumerate(dead_letters)
            ],
            clock_ms,
            state_entry.decode_window(state_entry.encode_window(window)),
        )

    def changed(self, **changes: Any) -> Self:
        """A copy with other topics or terms."""
        return replace(self, **changes)

    def without(self, topic: str, place: int) -> Self:
        """A copy that lacks one record of a topic (by field name)."""
        records: list[Record] = [*getattr(self, topic)]
        del records[place]
        return self.changed(**{topic: records})

    def doubled(self, topic: str, place: int) -> Self:
        """A copy in which one record of a topic stands twice."""
        records: list[Record] = [*getattr(self, topic)]
        records.insert(place + 1, records[place])
        return self.changed(**{topic: records})

    def rewritten(self, topic: str, place: int, old: bytes, new: bytes) -> Self:
        """A copy in which one record's value reads differently."""
        records: list[Record] = [*getattr(self, topic)]
        value = records[place].value or b""
        assert old in value, value
        records[place] = records[place]._replace(value=value.replace(old, new, 1))
        return self.changed(**{topic: records})

    @property
    def end(self) -> int:
        """Offset after the last record."""
        return self.inputs[-1].offset + 1 if self.inputs else 0

    def verdict(self) -> Verdict:
        """Of the audit."""
        policy = self.policy
        terms = Terms(
            topic=policy.topic,
            app=policy.app,
            inactivity_ms=policy.inactivity_ms,
            remember_ms=policy.remember_ms,
            window_ms=policy.window_ms,
            largest_item=policy.report_bytes - FRAME_BYTES,
            starts_late=self.starts_late,
            since_ms=self.since_ms,
            until_ms=self.until_ms,
        )
        known = {"clock_ms": self.clock_ms, "window": self.window}
        span = Span(**{"begin": 0, "end": self.end, **known, **self.span})
        audit = Audit(terms, self.cover, {0: span})
        for letter in self.dead_letters:
            audit.dead_letter(letter)
        for record in self.metrics:
            audit.metrics(record)
        audit.seal_windows()
        for taken in self.inputs:
            if span.begin <= taken.offset < span.end:
                audit.record(0, taken.offset, taken.key, taken.value)
        if (self.since_ms or self.starts_late) and span.end < self.end:
            audit.beyond(0, sum(taken.offset >= span.end for taken in self.inputs))
        audit.seal_records()
        for report in self.reports:
            audit.report(report)
        return audit.verdict({0: self.report_begin}, [0] if self.still else [])

    def problems(self) -> list[str]:
        """Differences, in lines."""
        return [f"{each.subject}: {each.problem}" for each in self.verdict().differences]


class Writer:
    """Makes a history record by record."""

    def __init__(self, policy: Policy = POLICY, *, first: int = 0, **changes: Any) -> None:
        """`first` is the offset of the first record."""
        self._feed = Feed(policy, **changes)
        self._feed.offset = first
        self._inputs: list[Input] = []

    def send(self, value: bytes | None, at: int, key: bytes | None = None) -> None:
        """One record."""
        self._inputs.append(Input(self._feed.offset, at, key, value))
        self._feed.send(value, at, key)

    def devices(self, txid: str, *imeis: str, at: int) -> None:
        """A callback with one usage item for each IMEI."""
        self.send(callback(txid, *(usage(imei) for imei in imeis)), at)

    def expect(self, txid: str, *imeis: str, at: int) -> None:
        """An expectation of these devices."""
        self.send(expectation(txid, *imeis), at)

    def tick(self, at: int) -> None:
        """An acknowledgement."""
        self.send(encode({"txid": "tick", "status": "QUEUED"}), at)

    def history(self) -> History:
        """All of it, as committed now."""
        aggregator, delta = self._feed.aggregator, self._feed.delta
        return History.of(
            aggregator.policy,
            self._inputs,
            reports=delta.reports,
            metrics=aggregator.windows.closed,
            dead_letters=[(one.offset, one.reason, one.message) for one in delta.dead_letters],
            clock_ms=aggregator.clock.now_ms,
            window=aggregator.windows.open,
        )


def busy(windows: int = 8, *, first: int = 0) -> History:
    """A txid every 10 ms, ten in each window, each of two records."""
    writer = Writer(window_ms=100, device_limit=2, remember_ms=100, first=first)
    for number in range(10 * windows):
        at = 1_000 + 10 * number
        writer.devices(f"t{number}", "1", at=at)
        writer.devices(f"t{number}", "2", at=at + 5)
    writer.tick(at=1_000 + 100 * windows)
    return writer.history()


def lines(problems: Sequence[str], *words: str) -> list[str]:
    """Those that hold all of these words."""
    return [line for line in problems if all(word in line for word in words)]
