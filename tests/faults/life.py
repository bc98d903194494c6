"""A member in this process, with the real clients, of which one may be made to fail."""

from __future__ import annotations

import gc
import secrets
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from consumer.background import Background
from consumer.daemon import (
    CAUSES,
    SystemClock,
    build,
    client_options,
    pipeline_policy,
    prepare_topics,
)
from consumer.errors import Action, Fault
from consumer.kafka.offsets import Offsets
from consumer.kafka.source import Source
from consumer.kafka.state_reader import StateReader
from consumer.kafka.transactions import Transactions
from consumer.pipeline.loop import Pipeline, Ports
from consumer.settings.load import load
from consumer.telemetry.health import Health
from consumer.telemetry.metrics import Metrics
from tests.harness.stage import Stage

_STOP_S = 60.0


class Life:
    """Pipeline after pipeline in a thread, until the block ends or a fault is for good.

    What the daemon does, but for the pauses. `faults` are those that ended pipelines.
    """

    def __init__(
        self,
        stage: Stage,
        settings: Mapping[str, str],
        *,
        source: type[Source] = Source,
        transactions: type[Transactions] = Transactions,
        pipeline: type[Pipeline] = Pipeline,
        aside: type[Background] = Background,
    ) -> None:
        """Make the state topic, if need be."""
        texts = [f"{name}={value}" for name, value in stage.options(settings).items()]
        self.faults: list[Fault] = []
        self.pipelines = 0
        self._settings = load(None, texts)
        self._options = client_options(self._settings)
        self._facts = prepare_topics(self._settings, self._options)
        self._source, self._transactions, self._pipeline = source, transactions, pipeline
        self._aside = aside
        self._failure: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="life", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(_STOP_S)
        gc.unfreeze()  # a pipeline takes the collector over
        gc.enable()
        assert not self._thread.is_alive(), "the pipeline does not stop"
        if error is None and self._failure is not None:
            raise self._failure

    @property
    def alive(self) -> bool:
        """Whether no fault for good has ended it."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and self._one_pipeline():
                pass
        except BaseException as failure:  # noqa: BLE001 - raised where the block ends
            self._failure = failure

    def _one_pipeline(self) -> bool:
        """Whether another one may follow."""
        self.pipelines += 1
        pipeline = self._pipeline(pipeline_policy(self._settings, self._facts), self._ports())
        try:
            pipeline.run(self._stop.is_set)
        except Fault as fault:
            self.faults.append(fault)
            pipeline.abandon()
            return fault.action is not Action.GIVE_UP
        return False

    def _ports(self) -> Ports:
        topics = self._settings.topics
        return Ports(
            source=self._source(self._options, topics.callbacks),
            transactions=self._transactions(
                self._options,
                input_topic=topics.callbacks,
                state_topic=topics.state,
                message_max_bytes=self._facts.message_max_bytes,
                batch_max_bytes=self._facts.batch_max_bytes,
            ),
            reader=StateReader(self._options, topics.state),
            offsets=Offsets(self._options, input_topic=topics.callbacks, state_topic=topics.state),
            clock=SystemClock(),
            observer=Metrics(Health(30.0), topics.callbacks, CAUSES, build()),
            new_incarnation=lambda: secrets.token_hex(8),
            aside=self._aside,
        )
