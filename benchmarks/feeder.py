"""A process that plays ThingSpace at a constant rate, and remembers when it sent what.

A process, for in a thread it would share the interpreter with whoever measures.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from confluent_kafka import Producer

from consumer.simulator.options import Options
from consumer.simulator.plan import Plan

_TICK_S = 0.001
_FLUSH_S = 60.0

LastSent = dict[bytes, float]
"""By txid: when its last callback was produced, in seconds since the epoch."""


class Feeder:
    """What the process can be asked for."""

    def __init__(self, process: multiprocessing.process.BaseProcess, pipe: Connection) -> None:
        self._process, self._pipe = process, pipe

    def is_done(self) -> bool:
        """Whether all is sent."""
        return not self._process.is_alive() or self._pipe.poll()

    def last_sent(self) -> LastSent:
        """Wait until all is sent and Kafka has it."""
        found: LastSent = self._pipe.recv()
        return found


@contextmanager
def feeding(
    servers: str, topic: str, options: Options, *, remember: bool = True
) -> Iterator[Feeder]:
    """Send a simulation at its rate; when the block ends, it ends at once.

    Without `remember` nothing is told of it afterwards.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_feed, args=(servers, topic, options, theirs, remember))
    process.start()
    theirs.close()  # so that the end of the process is the end of the pipe
    try:
        yield Feeder(process, ours)
    finally:
        process.kill()
        process.join()


def _feed(servers: str, topic: str, options: Options, pipe: Connection, remember: bool) -> None:
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    last: LastSent = {}
    began_s = time.time()
    for key, value, at_ms in Plan(options).records():
        due_s = began_s + at_ms / 1_000
        while (now_s := time.time()) < due_s:
            producer.poll(0)
            time.sleep(min(_TICK_S, due_s - now_s))
        producer.produce(topic, value, key)
        if remember and key is not None:
            last[key] = now_s
    assert producer.flush(_FLUSH_S) == 0, "Kafka did not take all records"
    pipe.send(last)
