"""Puts all that a plan's requests send on one timeline, lazily.

Requests start at even intervals, so that `rate` records per second come out on average.
Each spreads its callbacks over the next moments at random: that interleaves the requests
and takes their callbacks out of order. Whatever lies in the future waits in a heap; its
size is bounded by the requests that run at once plus the repetitions still to come, never
by the length of the run.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

from consumer.simulator.contents import requests, stream
from consumer.simulator.options import MOST_RETRIES, Options
from consumer.simulator.request import Request
from consumer.simulator.totals import Totals

_UNPACED_RATE = 1_000.0
"""Records per second of a timeline that nobody keeps: it still makes the order."""
_IDENTICAL = 0.5
"""Share of the repetitions that are identical to the byte."""

_Draw = Callable[[], float]
_Sending = tuple[bytes | None, bytes, int]
"""Key, value, and when to send it in milliseconds after the start."""
_Waiting = tuple[int, int, bytes | None, bytes]
"""When to send it, a running number (which also settles ties), key, value."""


class Plan:
    """What ThingSpace does in one simulation; a pure function of its options."""

    def __init__(self, options: Options) -> None:
        self.options = options
        rate = options.rate or _UNPACED_RATE
        self._interval_ms = _mean_records(options) * 1_000 / rate
        self._spread_ms = min(options.spread_ms, options.interleaving * self._interval_ms)

    def requests(self) -> Iterator[Request]:
        """The truth: every request with all that is sent for it, in order of their starts."""
        return requests(self.options)

    def totals(self) -> Totals:
        """Sums over all requests. A pass over the plan: some seconds per million records."""
        return Totals.of(self.requests())

    def records(self) -> Iterator[_Sending]:
        """Everything to send: (key, value, milliseconds after the start), in sending order.

        The key is the txid (some hostile records have none).
        """
        draw = stream(self.options.seed, "times")
        waiting: list[_Waiting] = []
        number = 0
        for started, request in enumerate(self.requests()):
            start_ms = started * self._interval_ms
            while waiting and waiting[0][0] < start_ms:
                at_ms, _, key, value = heapq.heappop(waiting)
                yield key, value, at_ms
            for key, value, at_ms in self._timeline(request, start_ms, draw):
                heapq.heappush(waiting, (at_ms, number, key, value))
                number += 1
        while waiting:
            at_ms, _, key, value = heapq.heappop(waiting)
            yield key, value, at_ms

    def _timeline(self, request: Request, start_ms: float, draw: _Draw) -> Iterator[_Sending]:
        """What one request sends, in no order."""
        key = request.txid.encode()
        if request.acknowledgement is not None:
            status = request.acknowledgement.encode()
            yield key, b'{"txid":"%s","status":"%s"}' % (key, status), int(start_ms)
        if request.expected:
            imeis = '","'.join(request.imeis).encode()
            at_ms = start_ms + draw() * self._spread_ms
            yield key, b'{"txid":"%s","imei":["%s"]}' % (key, imeis), int(at_ms)
        for answer, value in request.callbacks():
            at_ms = start_ms + draw() * self._spread_ms
            if answer.late:
                at_ms += self.options.late_after_ms
            yield key, value, int(at_ms)
            for count in range(2, 2 + answer.retries):
                at_ms += self.options.retry_after_ms
                again = value if draw() < _IDENTICAL else _counted(value, count)
                yield key, again, int(at_ms)
        for hostile in request.hostile:
            yield hostile.key, hostile.value, int(start_ms + draw() * self._spread_ms)


def _counted(value: bytes, count: int) -> bytes:
    return b'%s,"callbackCount":%d}' % (value[:-1], count)


def _mean_records(options: Options) -> float:
    """Records that one request sends, on average."""
    devices = (options.devices_min + options.devices_max) / 2 * (1 - options.silent)
    sendings = sum(options.retries**times for times in range(MOST_RETRIES + 1))
    return (
        devices * (sendings + options.hostile) + options.acknowledgements + options.expectations
    ) or 1.0
