"""The bare loop: records are fetched, and nothing is done with them.

With tuned fetching it is the ceiling of any consumer in Python: what all are measured by.
"""

from __future__ import annotations

from benchmarks.contenders.loops import Loop, Progress, consumer_of
from benchmarks.job import Job

BARE = Loop("bare", __name__, reports=False)

BATCH = 10_000
WAIT_S = 0.05


def main() -> None:
    """Read until killed."""
    job = Job.of_command_line()
    consumer = consumer_of(job, fetch_queue_backoff_ms=5)
    progress = Progress(consumer, job.records)
    while True:
        messages = consumer.consume(progress.most(BATCH), WAIT_S)
        if progress.pauses(len(messages)):
            progress.commit()


if __name__ == "__main__":
    main()
