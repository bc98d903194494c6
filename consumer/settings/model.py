"""Every setting, its default, its range and one line that explains it.

A struct is a table of the file, a field a setting. Durations are whole milliseconds in
fields that end in `_ms` and sizes are bytes; in a file, in the environment and with
`--set` they have a unit instead, and the `_ms` is not part of the name. `""` and `None`
mean "not set": what happens then is in the explanation. The ranges stop nonsense, not
odd choices: those are for `advice`. They are kept by `load`, not by the structs.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr, replace

from consumer.settings import librdkafka

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
LONGEST_MS = 3650 * DAY_MS


def about(text: str) -> Meta:
    """The one line that explains a setting."""
    return Meta(description=text)


def between(least: int, most: int) -> Meta:
    """The range of a number."""
    return Meta(ge=least, le=most)


MILLISECONDS = Meta(extra={"unit": "duration"})
BYTES = Meta(extra={"unit": "size"})
Duration = Annotated[int, MILLISECONDS, between(1, LONGEST_MS)]
Name = Annotated[str, Meta(min_length=1, max_length=249)]
OptionalName = Annotated[str, Meta(max_length=249)]


def _setting_name(field_name: str) -> str:
    return field_name.removesuffix("_ms")


class Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename=_setting_name):
    """Base of the tables: immutable, and closed to names it does not know."""


class App(Table, frozen=True):
    """Who this member is, and where a new group begins."""

    id: Annotated[
        Name,
        about("The consumer group, and the beginning of the names made for it."),
    ] = "session-reports"
    instance: Annotated[
        OptionalName,
        about(
            'This member\'s name, different in each; "" makes it <host name>-<HTTP port in use>.'
        ),
    ] = ""
    start_at: Annotated[
        Literal["earliest", "latest"] | None,
        about('Where to begin with no committed offset; "" is earliest if the state is empty too.'),
    ] = None
    static: Annotated[
        bool,
        about("A member that restarts at once keeps its partitions (static membership)."),
    ] = False


class Topics(Table, frozen=True):
    """The topics, and how `session-reports topics create` makes those that are missing."""

    callbacks: Annotated[
        Name,
        about("Input: the callbacks of ThingSpace."),
    ] = "thingspace.callbacks"
    reports: Annotated[
        Name,
        about("Output: one report for each txid."),
    ] = "thingspace.session-reports"
    metrics: Annotated[
        Name,
        about("Output: one record for each metrics window and input partition."),
    ] = "thingspace.session-metrics"
    dead_letters: Annotated[
        Name,
        about("Output: records that could not be used, each with the reason."),
    ] = "thingspace.callbacks.dead-letters"
    state: Annotated[
        OptionalName,
        about('Internal: the state log; "" makes it <app.id>.state.'),
    ] = ""
    partitions: Annotated[
        int,
        between(1, 100_000),
        about("Partitions of the input and of the outputs, when created."),
    ] = 4
    replication_factor: Annotated[
        int,
        between(-1, 32_767),
        about("Replicas of each partition, when created; -1 is the broker's default."),
    ] = -1
    retention_ms: Annotated[
        Duration | None,
        about('How long records are kept, when created; "" is the broker\'s default.'),
    ] = None


class Completion(Table, frozen=True):
    """When a txid counts as finished, and its report is emitted."""

    device_limit: Annotated[
        int,
        between(0, 1_000_000),
        about("Devices that complete a txid for which none were announced; 0 if they can be more."),
    ] = 10
    inactivity_ms: Annotated[
        Duration,
        about("A txid is emitted as it is when nothing was added to it for this long."),
    ] = MINUTE_MS
    max_age_ms: Annotated[
        Duration,
        about("A txid is emitted as it is this long after it opened, whatever still comes."),
    ] = DAY_MS
    idle_ms: Annotated[
        Duration,
        about("Silence after which the clock of a partition that is read to its end goes on."),
    ] = 5 * SECOND_MS


class Late(Table, frozen=True):
    """What happens to callbacks that come after the report of their txid."""

    policy: Annotated[
        Literal["revise", "dead-letter"],
        about(
            "revise: the report is emitted again, whole; dead-letter: the callback is set aside."
        ),
    ] = "revise"
    remember_ms: Annotated[
        Duration,
        about("How long an emitted txid is known; keep it above the longest redelivery."),
    ] = 30 * MINUTE_MS


class Limits(Table, frozen=True):
    """Bounds on what comes in and on what goes out."""

    clock_skew_ms: Annotated[
        int,
        MILLISECONDS,
        between(0, LONGEST_MS),
        about("How far a timestamp may be ahead of the wall clock; beyond, it counts as this far."),
    ] = 5 * SECOND_MS
    state_bytes: Annotated[
        int,
        BYTES,
        between(1_000_000, 2**50),
        about("Memory for the state of this member; when it is full, the oldest gives way."),
    ] = 1024**3
    txid_bytes: Annotated[
        int,
        BYTES,
        between(10_000, 2**50),
        about("A txid that takes this much memory is emitted as it is."),
    ] = 32 * 1024**2
    report_bytes: Annotated[
        int,
        BYTES,
        between(10_000, 1_000_000_000),
        about("A report larger than this is split into several records."),
    ] = 900_000


class Commit(Table, frozen=True):
    """One transaction holds all that was done since the last: reports, state, offsets."""

    interval_ms: Annotated[
        int,
        MILLISECONDS,
        between(1, MINUTE_MS),
        about("Time between two transactions; readers of the outputs wait about this long."),
    ] = 200
    max_reports: Annotated[
        int,
        between(1, 10_000_000),
        about("Most reports in one transaction; what falls due besides goes into the next."),
    ] = 20_000


class Metrics(Table, frozen=True):
    """The records of the metrics topic."""

    window_ms: Annotated[
        int,
        MILLISECONDS,
        between(SECOND_MS, DAY_MS),
        about("Length of a window; windows are aligned to the epoch."),
    ] = MINUTE_MS


class Shutdown(Table, frozen=True):
    """What SIGTERM and SIGINT begin: finish, commit, leave the group."""

    timeout_ms: Annotated[
        int,
        MILLISECONDS,
        between(SECOND_MS, HOUR_MS),
        about("Time for that; then the process ends in any case, and nothing is lost."),
    ] = 15 * SECOND_MS


class Http(Table, frozen=True):
    """The server of `/metrics`, `/livez`, `/readyz` and `/version`."""

    host: Annotated[
        Name,
        about("Address to listen on; 0.0.0.0 is all of them."),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        between(0, 65_535),
        about("Port to listen on; 0 takes any free one and logs it."),
    ] = 9108
    stalled_ms: Annotated[
        int,
        MILLISECONDS,
        between(SECOND_MS, DAY_MS),
        about("/livez answers 503 when the loop has not turned for this long."),
    ] = 30 * SECOND_MS


class Log(Table, frozen=True):
    """What the daemon tells while it runs."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        about("The least level shown: error, warning, info, or debug (librdkafka's too)."),
    ] = "info"
    format: Annotated[
        Literal["auto", "console", "json"],
        about("console (sentences), json, or auto: console on a terminal and json elsewhere."),
    ] = "auto"


class Kafka(Table, frozen=True):
    """The cluster, and librdkafka's properties under their own names.

    Our defaults for properties are filled in here, wherever the struct is made.
    """

    connect_timeout_ms: Annotated[
        int,
        MILLISECONDS,
        between(SECOND_MS, DAY_MS),
        about("How long Kafka may take to answer at the start before the process gives up."),
    ] = 30 * SECOND_MS
    common: dict[str, str] = field(default_factory=dict)
    """`[kafka]`: properties of every client."""
    consumer: dict[str, str] = field(default_factory=dict)
    """`[kafka.consumer]`: of consumers; they go over those of `common`."""
    producer: dict[str, str] = field(default_factory=dict)
    """`[kafka.producer]`: of producers; they go over those of `common`."""

    def __post_init__(self) -> None:
        tables = librdkafka.complete(
            {"common": self.common, "consumer": self.consumer, "producer": self.producer}
        )
        for client, properties in tables.items():
            force_setattr(self, client, properties)

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Names only: values may be secret, and this may end up in a traceback."""
        clients = ("common", "consumer", "producer")
        names = [(client, sorted(getattr(self, client))) for client in clients]
        return [("connect_timeout_ms", self.connect_timeout_ms), *names]

    def __repr__(self) -> str:
        return f"Kafka({', '.join(f'{name}={value}' for name, value in self.__rich_repr__())})"

    @property
    def group_protocol(self) -> str:
        """`classic` or `consumer` (KIP-848)."""
        return (self.common | self.consumer).get("group.protocol", "classic")

    @property
    def transaction_timeout_ms(self) -> int:
        """How long a transaction may stay open before the broker aborts it."""
        return int((self.common | self.producer)["transaction.timeout.ms"])


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All tables. `topics.state` is filled in here, so that no reader needs to know how."""

    app: App = App()
    topics: Topics = Topics()
    completion: Completion = Completion()
    late: Late = Late()
    limits: Limits = Limits()
    commit: Commit = Commit()
    metrics: Metrics = Metrics()
    shutdown: Shutdown = Shutdown()
    http: Http = Http()
    log: Log = Log()
    kafka: Kafka = field(default_factory=Kafka)

    def __post_init__(self) -> None:
        if not self.topics.state:
            force_setattr(self, "topics", replace(self.topics, state=f"{self.app.id}.state"))
