"""Notices when the input topic is filled by another partitioner than Kafka's own.

The records of one txid must share a partition, or each part of them becomes a report of its
own. A producer on librdkafka places keys by CRC32 unless told otherwise
(`partitioner=murmur2_random`); beside a Java client it splits txids. A sample of the keys,
one of each batch, is placed as a Java client would and compared.
"""

from __future__ import annotations

import structlog

from consumer.pipeline.ports import Batch, Observer
from consumer.wire.placement import partition_for

log = structlog.get_logger(__name__)


class KeySample:
    """Compares one key of each batch; explains itself once."""

    def __init__(self, topic: str, partitions: int, observer: Observer) -> None:
        self._topic = topic
        self._partitions = partitions
        self._observer = observer
        self._told = False

    def look(self, batch: Batch) -> None:
        """Look at the first key of `batch`."""
        key = batch.keys[0]
        if key is None or partition_for(key, self._partitions) == batch.partition:
            return
        self._observer.misplaced_key()
        if not self._told:
            self._told = True
            log.warning(
                "key_misplaced",
                topic=self._topic,
                partition=batch.partition,
                expected=partition_for(key, self._partitions),
            )
