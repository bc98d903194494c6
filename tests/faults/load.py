"""Callbacks while the members run: made from a seed, sent at a pace by a thread of their own.

Every txid gets the same number of callbacks. Most have one device for each, so the device
limit completes them; a share has fewer devices and sends some callbacks again, so that it is
inactivity that closes them, by a timer. The timestamps are a timeline of their own, long ago:
the wall clock has no part in what must come out, however long the members were dead.
"""

from __future__ import annotations

import itertools
import random
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import NamedTuple, Self

from confluent_kafka import Producer

from tests.harness.cluster import Sending, queue
from tests.harness.records import OLD_MS, tick
from tests.harness.stage import Stage

_AT_ONCE = 50
"""Txids whose callbacks are mixed with each other."""
_JITTER_MS = 20
_ERRORS = 0.03
_STEP_S = 0.02
_TRICKLE = 0.1
_FLUSH_S = 60.0
_FULL_SPEED = 1e9

RULES = {"inactivity_ms": 2_000, "window_ms": 5_000, "remember_ms": 20_000}
"""Rules of a stage that fit a timeline of one millisecond per callback: a txid's callbacks
lie within about a second, and it is forgotten long before the end."""


class Requests(NamedTuple):
    """What is sent: a pure function of these. `short` is the share with fewer devices."""

    callbacks: int
    txids: int
    seed: int
    short: float = 0.1

    @property
    def each(self) -> int:
        """Callbacks of one txid, which is also the device limit."""
        return self.callbacks // self.txids

    @property
    def end_ms(self) -> int:
        """Of the timeline."""
        return OLD_MS + self.callbacks + _JITTER_MS

    def sendings(self) -> Iterator[Sending]:
        """All callbacks, mixed, in the order of the timeline but for some jitter."""
        draw = random.Random(self.seed)  # noqa: S311 - nothing to guess here
        waiting = iter(range(self.txids))
        running = [self._request(number, draw) for number in itertools.islice(waiting, _AT_ONCE)]
        at_ms = OLD_MS
        while running:
            index = draw.randrange(len(running))
            txid, values = running[index]
            at_ms += 1
            jitter_ms = draw.randint(-_JITTER_MS, _JITTER_MS)
            yield Sending(values.pop(), txid, timestamp_ms=at_ms + jitter_ms)
            if not values:
                number = next(waiting, None)
                if number is None:
                    del running[index]
                else:
                    running[index] = self._request(number, draw)

    def ticks(self, partitions: int) -> Iterator[Sending]:
        """Records that move every clock so far on that all is due."""
        return (tick(partition, self.end_ms + 60_000) for partition in range(partitions))

    def _request(self, number: int, draw: random.Random) -> tuple[bytes, list[bytes]]:
        """A txid and the values of its callbacks."""
        txid = b"%d-%d" % (self.seed, number)
        devices = self.each
        if devices > 1 and draw.random() < self.short:
            devices = draw.randrange(1, devices)
        values = [_value(txid, number * 100 + device, draw) for device in range(devices)]
        values += [draw.choice(values) for _ in range(self.each - devices)]
        draw.shuffle(values)
        return txid, values


class Load:
    """Sends records to the input topic of a stage, `rate` per second, while the block runs.

    Past `enough` records it only trickles, so that whoever waits for something to happen
    under load does not find everything done; raise it to go on. Leaving the block in good
    order waits for the rest at full speed.
    """

    def __init__(self, stage: Stage, sendings: Iterable[Sending], rate: float) -> None:
        self.rate = rate
        self.enough = sys.maxsize
        self.sent = 0
        self._stage = stage
        self._sendings = iter(sendings)
        self._failure: BaseException | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.finish()
        self._stopped.set()
        self._thread.join()
        if error is not None and self._failure is not None:
            error.add_note(f"the load had ended before: {self._failure!r}")

    @property
    def running(self) -> bool:
        """Whether there is more to come."""
        return self._thread.is_alive()

    def finish(self) -> None:
        """Send the rest at full speed, and wait until Kafka has it."""
        self.enough, self.rate = sys.maxsize, _FULL_SPEED
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._send()
        except BaseException as failure:  # noqa: BLE001 - shown by who waits for the end
            self._failure = failure

    def _send(self) -> None:
        producer = Producer(
            {
                "bootstrap.servers": self._stage.cluster.bootstrap_servers,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 5,
                "queue.buffering.max.messages": 2_000_000,
            }
        )
        credit, seen_s = 0.0, time.monotonic()
        while not self._stopped.is_set():
            now_s = time.monotonic()
            rate = self.rate if self.sent < self.enough else self.rate * _TRICKLE
            credit = min(credit + rate * (now_s - seen_s), 10_000)
            seen_s = now_s
            step = list(itertools.islice(self._sendings, int(credit)))
            queue(producer, self._stage.callbacks, step)
            self.sent += len(step)
            if len(step) < int(credit):
                break
            credit -= len(step)
            producer.poll(_STEP_S)
        assert producer.flush(_FLUSH_S) == 0


def _value(txid: bytes, device: int, draw: random.Random) -> bytes:
    """A callback of one device."""
    if draw.random() < _ERRORS:
        error = b'"errorMessage":"no","errorResponse":{"errorCode":"INVALID_PARAMETER"}'
        return b'{"txid":"%s","errors":[{"imei":"%015d",%s}]}' % (txid, device, error)
    sessions, transferred = draw.randrange(50), draw.randrange(100_000)
    return (
        b'{"txid":"%s","usage":[{"imei":"%015d","numberOfSessions":%d,"bytesTransferred":%d}]}'
        % (txid, device, sessions, transferred)
    )
