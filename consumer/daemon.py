"""The only place that wires the rooms together, and the one that starts over after a fault.

A daemon lives as long as the process; a pipeline lives until the first fault. Then all of
it is thrown away, and after a pause a new one restores from Kafka. What only a person can
mend ends the process with a line that says what to do.
"""

from __future__ import annotations

import platform
import secrets
import socket
import time

import structlog

from consumer import __version__
from consumer.aggregation.policy import Policy
from consumer.errors import Action, Fault, SessionReportsError
from consumer.kafka import faults
from consumer.kafka.offsets import Offsets
from consumer.kafka.properties import ClientOptions, versions
from consumer.kafka.source import Source
from consumer.kafka.state_reader import StateReader
from consumer.kafka.topics import Facts, Plan, Topics
from consumer.kafka.transactions import Transactions
from consumer.pipeline.loop import Pipeline, Ports
from consumer.pipeline.policy import PipelinePolicy
from consumer.restarting import Restarting
from consumer.settings.advice import advice
from consumer.settings.model import Settings
from consumer.stopping import Stop, exit_on_signals
from consumer.telemetry.build import Build
from consumer.telemetry.health import Health
from consumer.telemetry.http import HttpServer, Router
from consumer.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

CAUSES = faults.CAUSES | {"restore_stalled", "offsets_expired"}
"""Rows of the fault table, with those that the pipeline itself finds."""


class SystemClock:
    """The real time."""

    def wall_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


class Daemon:
    """One member: HTTP server, and pipelines one after the other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = Stop(settings.shutdown.timeout_ms / 1000)
        self._build = build()
        self._health = Health(settings.http.stalled_ms / 1000)
        self._metrics = Metrics(self._health, settings.topics.callbacks, CAUSES, self._build)

    def run(self) -> None:
        """Work until a signal asks to stop. Raises `SessionReportsError`."""
        http = self._settings.http
        router = Router(self._metrics.registry, self._health, self._build)
        server = HttpServer(http.host, http.port, router)
        options = client_options(self._settings, server.port)
        log.info(
            "starting",
            version=__version__,
            app=self._settings.app.id,
            instance=_instance(options),
            bootstrap_servers=options.bootstrap_servers,
            http=server.url,
        )
        for warning in advice(self._settings):
            log.warning("advice", text=warning)
        with server:
            with exit_on_signals():
                facts = prepare_topics(self._settings, options)
            with self._stop.on_signals():
                self._live(options, facts)
        log.info("stopped")

    def _live(self, options: ClientOptions, facts: Facts) -> None:
        """Pipeline after pipeline until asked to stop."""
        restarting = Restarting(_instance(options), options.transaction_timeout_ms / 1000)
        while not self._stop.asked():
            began_s = time.monotonic()
            fault = self._one_life(options, facts)
            if fault is None:
                return
            if self._stop.asked():
                raise SessionReportsError(
                    f"stopped, but not in good order: {fault}; nothing is lost: what was not "
                    "committed is read again at the next start"
                )
            pause_s = restarting.pause_s(fault, began_s, time.monotonic())
            log.info("restarting", in_s=pause_s)
            self._stop.wait(pause_s)

    def _one_life(self, options: ClientOptions, facts: Facts) -> Fault | None:
        """Run one pipeline; `None` when it was stopped in good order."""
        pipeline = Pipeline(pipeline_policy(self._settings, facts), self._ports(options, facts))
        try:
            pipeline.run(self._stop.asked)
        except Fault as fault:
            found = fault
        except SessionReportsError:
            pipeline.abandon()
            raise
        except Exception as error:
            log.exception("internal_error")
            found = Fault(Action.TEAR_DOWN, "internal", f"{type(error).__name__}: {error}")
        else:
            return None
        log.warning("torn_down", cause=found.cause, reason=str(found))
        self._metrics.restarted(found.cause)
        pipeline.abandon()
        return found

    def _ports(self, options: ClientOptions, facts: Facts) -> Ports:
        topics_ = self._settings.topics
        return Ports(
            source=Source(options, topics_.callbacks),
            transactions=Transactions(
                options,
                input_topic=topics_.callbacks,
                state_topic=topics_.state,
                message_max_bytes=facts.message_max_bytes,
                batch_max_bytes=facts.batch_max_bytes,
            ),
            reader=StateReader(options, topics_.state),
            offsets=Offsets(options, input_topic=topics_.callbacks, state_topic=topics_.state),
            clock=SystemClock(),
            observer=self._metrics,
            new_incarnation=lambda: secrets.token_hex(8),
        )


def build() -> Build:
    """Versions of this program and what it stands on."""
    client, library = versions()
    return Build(
        version=__version__,
        python=platform.python_version(),
        librdkafka=library,
        confluent_kafka=client,
    )


def client_options(settings: Settings, port: int = 0) -> ClientOptions:
    """What the Kafka clients need; `port` is the HTTP port in use, part of the default name."""
    instance = settings.app.instance or f"{socket.gethostname()}-{port}"
    return ClientOptions(
        group=settings.app.id,
        transactional_id=f"{settings.app.id}-{instance}",
        instance=instance if settings.app.static else None,
        debug=settings.log.level == "debug",
        common=settings.kafka.common,
        consumer=settings.kafka.consumer,
        producer=settings.kafka.producer,
    )


def _instance(options: ClientOptions) -> str:
    """The name of this member, given or made up."""
    return options.transactional_id.removeprefix(f"{options.group}-")


def topics_of(settings: Settings, options: ClientOptions) -> Topics:
    """The topics of these settings, in the cluster."""
    names = settings.topics
    plan = Plan(
        callbacks=names.callbacks,
        reports=names.reports,
        metrics=names.metrics,
        dead_letters=names.dead_letters,
        state=names.state,
        report_bytes=settings.limits.report_bytes,
        partitions=names.partitions,
        replication_factor=names.replication_factor,
        retention_ms=names.retention_ms,
    )
    return Topics(options, plan, settings.kafka.connect_timeout_ms / 1000)


def prepare_topics(settings: Settings, options: ClientOptions) -> Facts:
    """Check all topics, making the state topic where it is missing. Raises `ConfigError`."""
    found = topics_of(settings, options)
    facts = found.check()
    if found.ensure_state():
        log.info("state_topic_made", topic=settings.topics.state)
    return facts


def pipeline_policy(settings: Settings, facts: Facts) -> PipelinePolicy:
    """The settings as the pipeline takes them."""
    return PipelinePolicy(
        aggregation=Policy(
            app=settings.app.id,
            topic=settings.topics.callbacks,
            device_limit=settings.completion.device_limit,
            inactivity_ms=settings.completion.inactivity_ms,
            max_age_ms=settings.completion.max_age_ms,
            revise=settings.late.policy == "revise",
            remember_ms=settings.late.remember_ms,
            clock_skew_ms=settings.limits.clock_skew_ms,
            window_ms=settings.metrics.window_ms,
            txid_bytes=settings.limits.txid_bytes,
            report_bytes=settings.limits.report_bytes,
        ),
        callbacks=settings.topics.callbacks,
        reports=settings.topics.reports,
        metrics=settings.topics.metrics,
        dead_letters=settings.topics.dead_letters,
        state=settings.topics.state,
        input_partitions=facts.partitions,
        report_partitions=facts.report_partitions,
        state_bytes=settings.limits.state_bytes,
        start_at=settings.app.start_at,
        keeps_place=settings.app.static and settings.kafka.group_protocol == "classic",
        commit_interval_s=settings.commit.interval_ms / 1000,
        max_reports=settings.commit.max_reports,
        idle_s=settings.completion.idle_ms / 1000,
    )
