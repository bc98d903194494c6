"""ThingSpace, played in the background while the demo looks on."""

from __future__ import annotations

import threading
from typing import Self

from confluent_kafka import Producer

from consumer.cli.simulate import send
from consumer.errors import SessionReportsError
from consumer.kafka import properties
from consumer.kafka.properties import ClientOptions
from consumer.simulator.plan import Plan

LEAVE_S = 2.0


class _LeftError(Exception):
    """The demo has ended before the traffic."""


class Traffic:
    """Sends the records of a plan from a thread of its own; `sent` tells how many so far."""

    def __init__(self, plan: Plan, topic: str, options: ClientOptions) -> None:
        self.sent = 0
        self.is_over = False
        """Kafka has taken all of it."""
        self._plan = plan
        self._topic = topic
        self._producer = properties.create(Producer, properties.simulator(options))
        self._failure: SessionReportsError | None = None
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._work, name="simulator", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join(LEAVE_S)

    def check(self) -> None:
        """Raises `SessionReportsError` if Kafka did not take what was sent."""
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        paced = self._plan.options.rate > 0
        records = self._plan.records()
        try:
            send(records, self._producer, self._topic, paced=paced, on_progress=self._note)
            self.is_over = True
        except SessionReportsError as error:
            self._failure = error
        except _LeftError:
            self._producer.purge()

    def _note(self, sent: int) -> None:
        self.sent = sent
        if self._left.is_set():
            raise _LeftError
