"""`session-reports simulate`: plays ThingSpace on the callbacks topic."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from consumer.cli.options import NOWHERE_ELSE, SettingsFrom
from consumer.daemon import client_options
from consumer.errors import SessionReportsError
from consumer.kafka import properties
from consumer.simulator import pacing
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan

STEP = 500
"""Records between two looks at the clock."""
FLUSH_S = 30.0


@Parameter(name="*")
@dataclass(frozen=True)
class Simulated:
    """What to simulate. Shares lie between 0 and 1."""

    requests: int = 1_000
    """Requests to answer."""
    rate: float = 1_000.0
    """Records per second; 0 sends as fast as Kafka takes them."""
    seed: int = 0
    """Same options and seed, same bytes."""
    devices_min: int = 1
    """Devices per request, at least."""
    devices_max: int = 10
    """Devices per request, at most."""
    errors: float = 0.03
    """Share of answers that are errors."""
    unknown: float = 0.1
    """Share of items with properties that the specification does not know."""
    silent: float = 0.02
    """Share of devices that never answer."""
    retries: float = 0.02
    """Share of callbacks that are sent again, after a while."""
    hostile: float = 0.0
    """Records that cannot be used, per callback."""
    interleaving: int = 100
    """Requests that are answered at the same time."""

    def options(self) -> Options:
        """Raises `ConfigError` for what is out of range."""
        return Options(
            requests=self.requests,
            rate=self.rate or Options().rate,
            seed=self.seed,
            devices_min=self.devices_min,
            devices_max=self.devices_max,
            errors=self.errors,
            unknown=self.unknown,
            silent=self.silent,
            retries=self.retries,
            hostile=self.hostile,
            interleaving=self.interleaving,
        )


USUAL = Simulated()


def simulate(
    *,
    source: SettingsFrom = NOWHERE_ELSE,
    simulated: Simulated = USUAL,
) -> None:
    """Play ThingSpace: one callback per device, interleaved and out of order.

    Sends to `topics.callbacks`, with the txid as the key. Some devices fail, some never
    answer, some callbacks are sent twice.

    **Examples**
    ```
    session-reports simulate --requests 10000 --rate 2000
    session-reports simulate --devices-max 500 --hostile 0.01 --seed 7
    ```
    """
    settings = source.load().settings
    plan = Plan(simulated.options())
    console = Console(stderr=True)
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("sending", total=plan.totals().records)
        producer = properties.create(Producer, properties.simulator(client_options(settings)))
        sent = send(
            plan.records(),
            producer,
            settings.topics.callbacks,
            simulated.rate,
            lambda count: progress.update(task, completed=count),
        )
    console.print(f"sent {sent} records to {settings.topics.callbacks}")


def send(
    records: Iterator[tuple[bytes | None, bytes, int]],
    producer: Producer,
    topic: str,
    rate: float,
    on_progress: Callable[[int], None],
) -> int:
    """Send all records at `rate` per second (0: no limit); how many there were.

    Raises:
        SessionReportsError: Kafka took not all of them.
    """
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failures.append(error)

    began_s, sent = time.monotonic(), 0
    for key, value, _ in records:
        if rate and sent >= pacing.due(rate, time.monotonic() - began_s):
            producer.poll(pacing.wait_s(rate, sent, time.monotonic() - began_s))
        _produce(producer, topic, key, value, delivered)
        sent += 1
        if sent % STEP == 0:
            producer.poll(0)
            on_progress(sent)
    left = producer.flush(FLUSH_S)
    on_progress(sent)
    if failures or left:
        reason = failures[0].str() if failures else "Kafka did not answer in time"
        raise SessionReportsError(
            f"topic {topic}: {len(failures) + left} of {sent} records were not delivered: {reason}"
        )
    return sent


def _produce(
    producer: Producer,
    topic: str,
    key: bytes | None,
    value: bytes,
    delivered: Callable[[KafkaError | None, Message], None],
) -> None:
    while True:
        try:
            producer.produce(topic, value, key, on_delivery=delivered)
        except BufferError:
            producer.poll(0.1)
        except KafkaException as error:
            raise SessionReportsError(f"topic {topic}: {error.args[0].str()}") from None
        else:
            return
