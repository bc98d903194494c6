"""Reads the output topics back.

Reading is read_committed, from the beginning, in no group: what any consumer downstream
would see.
"""

from __future__ import annotations

import time
from typing import Final, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from msgspec import json

from consumer.cli.demo_verdict import Seen
from consumer.errors import SessionReportsError
from consumer.kafka import properties
from consumer.kafka.properties import ClientOptions
from consumer.settings.model import Settings
from consumer.simulator.totals import Totals
from consumer.wire import report as report_wire
from consumer.wire.metrics import MetricsRecord
from consumer.wire.report import Report

METADATA_S = 10.0
POLL_RECORDS = 1_000
POLL_S = 0.2

_decode_metrics: Final = json.Decoder(MetricsRecord).decode


class Outputs:
    """The reports and metrics records that are visible so far."""

    def __init__(self, settings: Settings, options: ClientOptions) -> None:
        self.seen = Seen()
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

    def poll(self) -> list[Report]:
        """Wait a moment; reports that have become visible since the last call."""
        new = []
        for message in self._consumer.consume(POLL_RECORDS, POLL_S):
            value = message.value()
            if message.error() is not None or value is None:
                continue
            if message.topic() == self._topics.reports:
                new.append(report_wire.decode(value))
            else:
                self.seen.metrics.append(_decode_metrics(value))
        self.seen.reports += new
        return new

    def read_metrics(self, totals: Totals, patience_s: float) -> None:
        """Wait until the windows that hold the last records and reports have closed."""
        deadline_s = time.monotonic() + patience_s
        while not self.seen.is_counted(totals) and time.monotonic() < deadline_s:
            self.poll()
