"""What the daemon demands of its topics, and the making of those that are missing.

`check` asks the cluster once, collects everything that does not fit, and says it in one
error with a line for each. What Kafka does not let us see (an ACL without DescribeConfigs)
is not held against it: the fault table names it when it bites.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka.cimpl import NewTopic

from consumer.errors import ConfigError
from consumer.kafka import properties
from consumer.kafka.cluster import Cluster, Topic

MEND = "`session-reports topics create` makes it"
OVERHEAD_BYTES = 4096
"""Room for key, headers and the frame of a batch around the value of a record."""
STATE_BYTES = 900_000
"""Records of the state log are chunked below this, unless one item needs more."""
DEAD_LETTER_BYTES = 64 * 1024
"""What the headers of a dead letter may add to the input record."""

_DEFAULT_MAX_BYTES = 1_048_588  # Kafka's own default of max.message.bytes
_CLIENT_MAX_BYTES = 10_000_000  # see `Facts.message_max_bytes`
_CREATED_S = 10.0
_AGAIN_S = 0.1
_TIMES = ("message.timestamp.before.max.ms", "message.timestamp.after.max.ms")
_ANY_TIME = 2**63 - 1
_STATE_LOG = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The topics by role, and how to make them.

    `partitions` is for topics that are made, save that the state topic always has as many
    as the input; `replication_factor` -1 leaves it to the broker, `retention_ms` None too.
    """

    callbacks: str
    reports: str
    metrics: str
    dead_letters: str
    state: str
    report_bytes: int = 900_000
    partitions: int = 4
    replication_factor: int = -1
    retention_ms: int | None = None

    def names(self) -> tuple[str, ...]:
        """All five topics."""
        return (self.callbacks, self.reports, self.metrics, self.dead_letters, self.state)

    def most_bytes(self) -> str:
        """`max.message.bytes` for topics whose records obey `report_bytes`."""
        return str(max(_DEFAULT_MAX_BYTES, self.report_bytes + OVERHEAD_BYTES))


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What the clients need to know of topics that fit.

    `message_max_bytes` bounds a record before compression, `batch_max_bytes` is the
    smallest `max.message.bytes` of the topics written to. Kafka applies its limit after
    compression, so the first is generous: what is really too large, the broker refuses.
    """

    partitions: int
    report_partitions: int
    message_max_bytes: int
    batch_max_bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Created:
    """What `create` did, by topic name."""

    created: Sequence[str]
    existing: Sequence[str]


class Topics:
    """The topics of one member's settings in one cluster."""

    def __init__(
        self, options: properties.ClientOptions, plan: Plan, connect_timeout_s: float
    ) -> None:
        """Make the client; `connect_timeout_s` is `kafka.connect_timeout`.

        Raises:
            ConfigError: librdkafka does not take the properties.
        """
        self._options = options
        self._plan = plan
        self._cluster = Cluster(options, connect_timeout_s)

    def check(self) -> Facts:
        """Compare the topics with what the daemon needs; a missing state topic is fine.

        Raises:
            UnreachableError: Kafka did not answer within `kafka.connect_timeout`.
            ConfigError: all that does not fit, one line each.
        """
        self._cluster.connect()
        found = self._cluster.describe(self._plan.names())
        tools = f"--bootstrap-server {self._options.bootstrap_servers}"
        problems = [*_problems(self._plan, found, tools), *self._timeout_problems()]
        if problems:
            raise ConfigError("\n".join(problems))
        return self._facts(found)

    def check_input(self) -> None:
        """Only that there is an input topic: enough for who fills it.

        Raises:
            UnreachableError: Kafka did not answer within `kafka.connect_timeout`.
            ConfigError: there is none, or we may not see it.
        """
        self.look("callbacks")

    def look(self, *roles: str) -> Mapping[str, Topic]:
        """The topics of these roles, as they are: enough for who reads them.

        Raises:
            UnreachableError: Kafka did not answer within `kafka.connect_timeout`.
            ConfigError: one is not there, or we may not see it.
        """
        self._cluster.connect()
        names = {role: str(getattr(self._plan, role)) for role in roles}
        found = self._cluster.describe([*names.values()])
        problems = [
            _refused(role, name, found[name]) if found[name].refused else _missing(role, name)
            for role, name in names.items()
            if not found[name].exists
        ]
        if problems:
            raise ConfigError("\n".join(problems))
        return {role: found[name] for role, name in names.items()}

    def ensure_state(self) -> bool:
        """Make the state topic if it is missing; True if it was made just now.

        Raises:
            UnreachableError: Kafka did not answer within `kafka.connect_timeout`.
            ConfigError: there is no input topic, or Kafka refuses.
        """
        self._cluster.connect()
        found = self._cluster.describe((self._plan.callbacks, self._plan.state))
        if found[self._plan.state].exists:
            return False
        if not found[self._plan.callbacks].exists:
            raise ConfigError(_missing("callbacks", self._plan.callbacks))
        self._make([self._state(found[self._plan.callbacks].partitions)])
        return True

    def create(self) -> Created:
        """Make what is missing; what is there is left alone, whatever it looks like.

        Raises:
            UnreachableError: Kafka did not answer within `kafka.connect_timeout`.
            ConfigError: Kafka refuses; some topics may have been made already.
        """
        plan = self._plan
        self._cluster.connect()
        found = self._cluster.describe(plan.names())
        missing = [name for name in plan.names() if not found[name].exists]
        if plan.callbacks in missing:
            self._make([self._new(plan.callbacks, plan.partitions, {})])
            found = self._cluster.describe(plan.names())
        report_bytes = plan.most_bytes()
        letters = {"max.message.bytes": str(found[plan.callbacks].max_bytes + DEAD_LETTER_BYTES)}
        letters |= {name: str(_ANY_TIME) for name in _TIMES if name in found[plan.callbacks].config}
        wanted = [
            self._new(plan.reports, plan.partitions, {"max.message.bytes": report_bytes}),
            self._new(plan.metrics, plan.partitions, {"max.message.bytes": report_bytes}),
            self._new(plan.dead_letters, plan.partitions, letters),
            self._state(found[plan.callbacks].partitions),
        ]
        self._make([new for new in wanted if new.topic in missing])
        return Created(missing, [name for name in plan.names() if name not in missing])

    def _facts(self, found: Mapping[str, Topic]) -> Facts:
        plan = self._plan
        written = (plan.reports, plan.metrics, plan.dead_letters, plan.state)
        limits = [found[name].max_bytes for name in written if found[name].exists]
        return Facts(
            partitions=found[plan.callbacks].partitions,
            report_partitions=found[plan.reports].partitions,
            message_max_bytes=max(_CLIENT_MAX_BYTES, *limits),
            batch_max_bytes=min(limits),
        )

    def _timeout_problems(self) -> Iterator[str]:
        timeout_ms = self._options.transaction_timeout_ms
        most = self._cluster.broker_setting("transaction.max.timeout.ms")
        if most is not None and timeout_ms > int(most):
            yield (
                f"kafka.producer: transaction.timeout.ms is {timeout_ms}, but the broker's "
                f"transaction.max.timeout.ms is {most}; lower the former"
            )

    def _new(self, name: str, partitions: int, config: Mapping[str, str]) -> NewTopic:
        retention = self._plan.retention_ms
        kept = {} if retention is None else {"retention.ms": str(retention)}
        return NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=self._plan.replication_factor,
            config={**kept, **config},
        )

    def _state(self, partitions: int) -> NewTopic:
        size = {"max.message.bytes": self._plan.most_bytes()}
        return self._new(self._plan.state, partitions, {**_STATE_LOG, **size})

    def _make(self, wanted: Sequence[NewTopic]) -> None:
        self._cluster.create(wanted)
        names = [new.topic for new in wanted]
        deadline = time.monotonic() + _CREATED_S
        # A broker may answer for another one that has not heard of the topic yet.
        while not all(topic.exists for topic in self._cluster.describe(names).values()):
            if time.monotonic() > deadline:
                raise ConfigError(f"Kafka made {', '.join(names)} but does not show them")
            time.sleep(_AGAIN_S)


def _missing(role: str, name: str) -> str:
    return f"topics.{role}: there is no topic {name}; {MEND}"


def _refused(role: str, name: str, topic: Topic) -> str:
    return f"topics.{role}: Kafka does not let us see {name}: {topic.refused}"


def _problems(plan: Plan, found: Mapping[str, Topic], tools: str) -> Iterator[str]:
    """What is wrong with the topics, in the order of the settings.

    `tools` tells Kafka's own tools which cluster is meant, in the commands that mend it.
    """
    needs = {
        "callbacks": (plan.callbacks, ("READ",), 0),
        "reports": (plan.reports, ("WRITE",), plan.report_bytes + OVERHEAD_BYTES),
        "metrics": (plan.metrics, ("WRITE",), plan.report_bytes + OVERHEAD_BYTES),
        "dead_letters": (
            plan.dead_letters,
            ("WRITE",),
            found[plan.callbacks].max_bytes + DEAD_LETTER_BYTES,
        ),
        "state": (
            plan.state,
            ("READ", "WRITE"),
            max(STATE_BYTES, plan.report_bytes) + OVERHEAD_BYTES,
        ),
    }
    for role, (name, operations, least_bytes) in needs.items():
        topic = found[name]
        if topic.refused:
            yield _refused(role, name, topic)
        elif not topic.exists:
            if role != "state":
                yield _missing(role, name)
        else:
            yield from _unfit(role, name, topic, operations, least_bytes, tools)
    letters, state = found[plan.dead_letters], found[plan.state]
    if "compact" in found[plan.callbacks].config.get("cleanup.policy", ""):
        yield (
            f"topics.callbacks: {plan.callbacks} is compacted, but the callbacks of a txid share a "
            f"key; {_configure(tools, plan.callbacks, 'cleanup.policy=delete')}"
        )
    for name in _TIMES:
        taken, given = (int(one.config.get(name, "0")) for one in (letters, found[plan.callbacks]))
        if letters.exists and taken < given:
            yield (
                f"topics.dead_letters: {name} of {plan.dead_letters} is {taken}, but dead letters "
                f"keep the time of their record, and {plan.callbacks} takes {given}; "
                f"{_configure(tools, plan.dead_letters, f'{name}={given}')}"
            )
    if "compact" in letters.config.get("cleanup.policy", ""):
        yield (
            f"topics.dead_letters: {plan.dead_letters} is compacted, but dead letters may have "
            f"no key; {_configure(tools, plan.dead_letters, 'cleanup.policy=delete')}"
        )
    if state.exists:
        yield from _state_problems(plan, state, found[plan.callbacks], tools)


def _configure(tools: str, topic: str, setting: str) -> str:
    """The command that changes a setting of a topic."""
    return f"`kafka-configs.sh {tools} --alter --topic {topic} --add-config {setting}` mends it"


def _unfit(
    role: str, name: str, topic: Topic, operations: Sequence[str], least_bytes: int, tools: str
) -> Iterator[str]:
    lacking = [operation for operation in operations if not topic.permits(operation)]
    if lacking:
        yield f"topics.{role}: the ACL of {name} does not permit us {' and '.join(lacking)}"
    if topic.max_bytes < least_bytes:
        yield (
            f"topics.{role}: max.message.bytes of {name} is {topic.max_bytes}, "
            f"but records may need {least_bytes}; "
            f"{_configure(tools, name, f'max.message.bytes={least_bytes}')}"
        )


def _state_problems(plan: Plan, state: Topic, callbacks: Topic, tools: str) -> Iterator[str]:
    if callbacks.exists and state.partitions != callbacks.partitions:
        yield (
            f"topics.state: {plan.state} has {state.partitions} partitions, but {plan.callbacks} "
            f"has {callbacks.partitions}; with another count every txid would meet foreign "
            f"state: use another app.id, or begin with none: `kafka-topics.sh {tools} --delete "
            f"--topic {plan.state}`, then kafka-consumer-groups.sh --reset-offsets"
        )
    for setting, wanted in _STATE_LOG.items():
        value = state.config.get(setting, wanted)
        if value != wanted:
            yield (
                f"topics.state: {setting} of {plan.state} is {value}, but must be {wanted}, "
                "or Kafka deletes state that is still needed; "
                f"{_configure(tools, plan.state, f'{setting}={wanted}')}"
            )
