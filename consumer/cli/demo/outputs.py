"""Reads the topics of an application as anyone downstream would.

That is read_committed, from the beginning, in no group.
"""

from __future__ import annotations

import time
from typing import Final, Self

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from msgspec import Struct, field, json

from consumer.errors import SessionReportsError
from consumer.kafka import properties
from consumer.kafka.properties import ClientOptions
from consumer.kafka.records import headers_of
from consumer.settings.model import Topics
from consumer.wire import callback, dead_letter
from consumer.wire import report as report_wire
from consumer.wire.callback import Callback, Expectation
from consumer.wire.metrics import MetricsRecord
from consumer.wire.report import Report

METADATA_S = 10.0
READ_S = 60.0
POLL_RECORDS = 5_000

_decode_metrics: Final = json.Decoder(MetricsRecord).decode
_REASON = dead_letter.PREFIX + "exception"


class Opening(Struct, frozen=True):
    """An input record that a report is owed for."""

    txid: str
    partition: int
    offset: int


class Seen(Struct):
    """What has been read."""

    openings: list[Opening] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    metrics: list[MetricsRecord] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)
    """Their reasons."""


class Outputs:
    """A reader of the output topics, and of the callbacks too if `with_input`."""

    def __init__(self, topics: Topics, options: ClientOptions, *, with_input: bool = False) -> None:
        self._topics = topics
        self._names = [topics.reports, topics.metrics, topics.dead_letters]
        if with_input:
            self._names.append(topics.callbacks)
        self._consumer = properties.create(Consumer, properties.onlooker(options))
        self._unread: set[tuple[str, int]] = set()

    def __enter__(self) -> Self:
        try:
            listing = self._consumer.list_topics(timeout=METADATA_S).topics
        except KafkaException as error:
            raise SessionReportsError(f"cannot read the outputs: {error.args[0].str()}") from None
        self._unread = {
            (name, number) for name in self._names for number in listing[name].partitions
        }
        self._consumer.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in self._unread])
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def poll(self, wait_s: float) -> Seen:
        """What has become visible since the last call; waits for it at most `wait_s`.

        Raises:
            SessionReportsError: something else than we write stands in an output topic.
        """
        seen = Seen()
        for message in self._consumer.consume(POLL_RECORDS, wait_s):
            error = message.error()
            if error is None:
                try:
                    self._take(message, seen)
                except ValueError as unreadable:
                    raise SessionReportsError(
                        f"topic {message.topic()}, partition {message.partition()}, offset "
                        f"{message.offset()}: not what belongs there: {unreadable}"
                    ) from None
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                self._unread.discard((message.topic() or "", message.partition() or 0))
        return seen

    def _take(self, message: Message, seen: Seen) -> None:
        topic, value = message.topic(), message.value() or b""
        if topic == self._topics.reports:
            seen.reports.append(report_wire.decode(value))
        elif topic == self._topics.metrics:
            seen.metrics.append(_decode_metrics(value))
        elif topic == self._topics.dead_letters:
            reason = dict(headers_of(message) or ()).get(_REASON)
            seen.dead_letters.append((reason or b"").decode())
        else:
            record = callback.decode(value)
            if isinstance(record, Callback | Expectation):
                place = (message.partition() or 0, message.offset() or 0)
                seen.openings.append(Opening(record.txid, *place))

    def read_to_the_end(self) -> Seen:
        """All that there is, nobody writing any more. Raises `SessionReportsError`."""
        whole = Seen()
        deadline_s = time.monotonic() + READ_S
        while self._unread:
            if time.monotonic() > deadline_s:
                raise SessionReportsError(f"the outputs could not be read within {READ_S:g} s")
            seen = self.poll(0.1)
            whole.reports += seen.reports
            whole.metrics += seen.metrics
            whole.dead_letters += seen.dead_letters
        return whole
