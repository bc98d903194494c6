"""The naive loop: `poll`, `json`, a dictionary, `produce`. Its state is gone when it ends."""

from __future__ import annotations

import json

from confluent_kafka import Producer

from benchmarks.contenders.loops import Loop, Progress, consumer_of
from benchmarks.contenders.session import Session, is_complete, merged, report_of
from benchmarks.job import Job

NAIVE = Loop("naive", __name__)

WAIT_S = 0.1


def main() -> None:
    """Work until killed."""
    job = Job.of_command_line()
    consumer = consumer_of(job)
    producer = Producer({"bootstrap.servers": job.servers})
    progress = Progress(consumer, job.records)
    sessions: dict[str, Session] = {}
    while True:
        message = consumer.poll(WAIT_S)
        if message is not None:
            record = json.loads(message.value() or b"")
            txid = record["txid"]
            session = sessions[txid] = merged(sessions.get(txid), record)
            if is_complete(session, job.device_limit):
                del sessions[txid]
                report = json.dumps(report_of(txid, session)).encode()
                producer.produce(job.reports, report, txid)
            producer.poll(0)
        if progress.pauses(message is not None):
            producer.flush()
            progress.commit()


if __name__ == "__main__":
    main()
