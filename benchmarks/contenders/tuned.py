"""The loop of somebody who knows how: batches, msgspec, tuned clients, no cycle collector.

Its state is a dictionary, so it is gone when the process ends, and records that were read
but not committed are read again: it guarantees nothing.
"""

from __future__ import annotations

import gc
from typing import Any

import msgspec
from confluent_kafka import Producer

from benchmarks.contenders.loops import Loop, Progress, consumer_of
from benchmarks.job import Job

TUNED = Loop("tuned", __name__)

BATCH = 1_000
WAIT_S = 0.05


class Record(msgspec.Struct, gc=False):
    """A callback or an expectation."""

    txid: str
    usage: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    imei: list[str] = []


class Session(msgspec.Struct):
    """One txid."""

    usage: dict[str, dict[str, Any]] = {}
    errors: dict[str, dict[str, Any]] = {}
    expected: list[str] = []

    def add(self, record: Record, device_limit: int) -> bool:
        """Add a record; whether the txid is complete."""
        for item in record.usage:
            self.usage[item["imei"]] = item
        for item in record.errors:
            self.errors[item["imei"]] = item
        if record.imei:
            self.expected = record.imei
        devices = len(self.usage) + len(self.errors)
        if self.expected:
            return devices >= len(self.expected) and all(
                imei in self.usage or imei in self.errors for imei in self.expected
            )
        return devices == device_limit > 0

    def report(self, txid: str) -> bytes:
        """As JSON."""
        usage = [*self.usage.values()]
        summary = {
            "numberOfSessions": sum(item["numberOfSessions"] for item in usage),
            "bytesTransferred": sum(item["bytesTransferred"] for item in usage),
        }
        errors = [*self.errors.values()]
        return msgspec.json.encode(
            {"txid": txid, "usage": usage, "errors": errors, "summary": summary}
        )


def main() -> None:
    """Work until killed."""
    job = Job.of_command_line()
    consumer = consumer_of(job, fetch_queue_backoff_ms=5)
    producer = Producer(
        {
            "bootstrap.servers": job.servers,
            "linger.ms": 5,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    progress = Progress(consumer, job.records)
    decode = msgspec.json.Decoder(Record).decode
    sessions: dict[str, Session] = {}
    gc.disable()
    while True:
        messages = consumer.consume(progress.most(BATCH), WAIT_S)
        for message in messages:
            record = decode(message.value() or b"")
            txid = record.txid
            session = sessions.get(txid)
            if session is None:
                session = sessions[txid] = Session()
            if session.add(record, job.device_limit):
                producer.produce(job.reports, session.report(txid), txid)
                del sessions[txid]
        producer.poll(0)
        if progress.pauses(len(messages)):
            producer.flush()
            progress.commit()


if __name__ == "__main__":
    main()
