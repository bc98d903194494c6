"""`session-reports simulate`: plays ThingSpace on the callbacks topic."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Annotated

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from consumer.cli.options import NOWHERE_ELSE, SettingsFrom
from consumer.daemon import client_options, topics_of
from consumer.errors import SessionReportsError
from consumer.kafka import properties
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan

STEP = 500
"""Records between two signs of progress, where nothing waits."""
SHORTEST_WAIT_S = 0.001
FLUSH_S = 30.0

USUAL = Options()


def simulate(
    *,
    source: SettingsFrom = NOWHERE_ELSE,
    simulated: Annotated[Options, Parameter(name="*")] = USUAL,
) -> None:
    """Play ThingSpace: one callback per device, interleaved and out of order.

    Sends to `topics.callbacks`, with the txid as the key. Some devices fail, some never
    answer, some callbacks are sent twice. Shares lie between 0 and 1.

    **Examples**
    ```
    session-reports simulate --requests 10000 --rate 2000
    session-reports simulate --rate 0 --devices-max 500 --hostile 0.01 --seed 7
    session-reports simulate --late 0.01 --retries 0.05 --retry-after-ms 300000
    ```
    """
    settings = source.load().settings
    options = client_options(settings)
    topics_of(settings, options).check_input()
    plan = Plan(simulated)
    console = Console(stderr=True)
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("sending", total=plan.totals().records)
        sent = send(
            plan.records(),
            properties.create(Producer, properties.simulator(options)),
            settings.topics.callbacks,
            paced=simulated.rate > 0,
            on_progress=lambda count: progress.update(task, completed=count),
        )
    console.print(f"sent {sent} records to {settings.topics.callbacks}")


def send(
    records: Iterator[tuple[bytes | None, bytes, int]],
    producer: Producer,
    topic: str,
    *,
    paced: bool,
    on_progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Send all records (key, value, milliseconds after the start); how many there were.

    `paced` sends each at its time, which is the point of late answers and of retries.

    Raises:
        SessionReportsError: Kafka took not all of them.
    """
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failures.append(error)

    began_s, sent = time.monotonic(), 0
    for key, value, at_ms in records:
        if paced and began_s + at_ms / 1000 > time.monotonic():
            on_progress(sent)
            _wait_until(began_s + at_ms / 1000, producer)
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


def _wait_until(due_s: float, producer: Producer) -> None:
    """Serve delivery reports meanwhile: `poll` returns with each, so it takes several."""
    while (left_s := due_s - time.monotonic()) > 0:
        producer.poll(max(left_s, SHORTEST_WAIT_S))


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
