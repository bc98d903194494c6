"""A scenario's settings as the pipeline takes them, and the small scale at which it plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest import mock

import structlog

from consumer.aggregation import capacity, timers
from consumer.aggregation.policy import Policy
from consumer.pipeline import garbage, state_log
from consumer.pipeline.policy import PipelinePolicy
from consumer.wire import state_chunks
from tests.simulation.checker import APP
from tests.simulation.member import WHO
from tests.simulation.scenario import Setup


def policy_of(setup: Setup) -> PipelinePolicy:
    """As the daemon would make it of the settings."""
    return PipelinePolicy(
        aggregation=Policy(
            app=APP,
            topic="callbacks",
            device_limit=setup.device_limit,
            inactivity_ms=setup.inactivity_ms,
            max_age_ms=setup.max_age_ms,
            revise=setup.revise,
            remember_ms=setup.remember_ms,
            window_ms=setup.window_ms,
            txid_bytes=setup.txid_bytes,
            report_bytes=setup.report_bytes,
        ),
        callbacks="callbacks",
        reports="reports",
        metrics="metrics",
        dead_letters="dead-letters",
        state="state",
        input_partitions=setup.partitions,
        keeps_place=setup.static,
        report_partitions=2,
        state_bytes=setup.state_bytes,
        start_at=setup.start_at,  # type: ignore[arg-type] # one of its literals
        commit_interval_s=setup.commit_interval_s,
        max_reports=setup.max_reports,
        idle_s=setup.idle_s,
        batch_records=setup.batch_records,
        poll_s=setup.poll_s,
        delete_s=setup.delete_s,
    )


@contextmanager
def surroundings(setup: Setup, note: Callable[..., None]) -> Iterator[None]:
    """Small things count as large ones do, and the pipeline's log goes to the trace."""

    def to_trace(_: object, __: str, event: structlog.typing.EventDict) -> str:
        note(WHO.get(), "log:", event.pop("event"), *sorted(f"{k}={v}" for k, v in event.items()))
        raise structlog.DropEvent

    encode = partial(state_chunks.encode, chunk_bytes=setup.chunk_bytes)
    structlog.configure(processors=[to_trace])
    with ExitStack() as stack:
        for module, name, value in (
            (timers, "LEAST_SWEEP", 0),
            (capacity, "LEAST_LOOK", 2),
            (state_log, "FLOOR_BYTES", setup.floor_bytes),
            (state_log, "LEAST_REWRITE_BYTES", 100),
            (state_chunks, "encode", encode),
            (garbage, "gc", mock.Mock()),  # collecting would take longer than all else
        ):
            stack.enter_context(mock.patch.object(module, name, value))
        try:
            yield
        finally:
            structlog.reset_defaults()
