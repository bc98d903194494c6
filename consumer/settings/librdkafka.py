"""What the settings know about librdkafka's own properties.

Properties pass verbatim, with three exceptions that are tables here: `DEFAULTS` are the
few that start from a value of ours, `OWNED` are those on which exactly-once rests and
that nobody may set, and `PRINTABLE` are those whose values hold no secret. Names that
librdkafka does not know are found by librdkafka itself when a client is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Client = Literal["common", "consumer", "producer"]


class Default(Struct, frozen=True):
    """A property with a default of ours, and one line on why."""

    client: Client
    name: str
    value: str
    description: str


DEFAULTS = (
    Default(
        "common",
        "bootstrap.servers",
        "localhost:9092",
        "Brokers to ask first, host:port with commas between.",
    ),
    Default(
        "consumer",
        "session.timeout.ms",
        "10000",
        "Silence after which a member is dead. Not with group.protocol=consumer.",
    ),
    Default(
        "producer",
        "transaction.timeout.ms",
        "10000",
        "Time after which the broker aborts what a dead member left open.",
    ),
)


def complete(given: Mapping[Client, Mapping[str, str]]) -> dict[Client, dict[str, str]]:
    """The three property tables with our defaults where nothing was given.

    A property given as "" counts as not given.
    """
    tables = {client: {k: v for k, v in table.items() if v} for client, table in given.items()}
    is_kip_848 = (tables["common"] | tables["consumer"]).get("group.protocol") == "consumer"
    for each in DEFAULTS:
        is_refused = is_kip_848 and each.name in KIP_848_REFUSED
        if each.name not in tables["common"] and not is_refused:
            tables[each.client].setdefault(each.name, each.value)
    return tables


_OFFSETS = "offsets are committed by the transaction that holds the reports (commit.interval)"
_IDEMPOTENCE = "a transactional producer needs the value that it has"
_CALLBACK = "this is for programs, not for configuration files"

OWNED = {
    # Identity: made of our own settings.
    "group.id": "set app.id instead",
    "group.instance.id": "set app.static = true; the id is then app.instance",
    "transactional.id": "it is made of app.id and app.instance; set those",
    "metadata.broker.list": "set bootstrap.servers, its other name",
    # Reading: positions come from the transactions and nowhere else.
    "isolation.level": "only committed records may be read, or reports of aborted ones appear",
    "enable.auto.commit": _OFFSETS,
    "auto.commit.enable": _OFFSETS,
    "auto.commit.interval.ms": _OFFSETS,
    "enable.auto.offset.store": _OFFSETS,
    "offset.store.method": _OFFSETS,
    "offset.store.path": _OFFSETS,
    "offset.store.sync.interval.ms": _OFFSETS,
    "auto.offset.reset": "records would be skipped or repeated in silence; set app.start_at",
    "enable.partition.eof": "the end of a partition is what lets its clock go on when idle",
    "partition.assignment.strategy": "rebalances rely on cooperative-sticky",
    "group.protocol.type": "the group is one of consumers; choose group.protocol instead",
    # Writing: nothing lost, nothing doubled, nothing out of order.
    "enable.idempotence": _IDEMPOTENCE,
    "acks": _IDEMPOTENCE,
    "request.required.acks": _IDEMPOTENCE,
    "max.in.flight": _IDEMPOTENCE,
    "max.in.flight.requests.per.connection": _IDEMPOTENCE,
    "retries": "set transaction.timeout.ms: records are retried until then",
    "message.send.max.retries": "set transaction.timeout.ms: records are retried until then",
    "queuing.strategy": "the state log is read back in the order of writing",
    "delivery.report.only.error": "the state log learns its offsets from delivery reports",
    "partitioner": "murmur2_random places a txid where Java clients look for it",
    "message.max.bytes": "it follows from max.message.bytes of the topics; set that of the topic",
    "allow.auto.create.topics": "topics are made by: session-reports topics create",
    # Logs, and what a text cannot express.
    "log_level": "set log.level instead",
    "log.queue": "librdkafka's lines are part of our log; set log.level",
    "logger": _CALLBACK,
    "interceptors": _CALLBACK,
    "opaque": _CALLBACK,
}
"""Property -> why it is refused, and what to set instead."""

_BROKER_OWNED = (
    "with group.protocol=consumer the broker decides it (group.consumer.{}); leave it out"
)
KIP_848_REFUSED = {
    "session.timeout.ms": _BROKER_OWNED.format("session.timeout.ms"),
    "heartbeat.interval.ms": _BROKER_OWNED.format("heartbeat.interval.ms"),
}
"""Refused besides when `group.protocol` is `consumer`: librdkafka makes no such client."""

PRINTABLE = frozenset(
    """
    bootstrap.servers client.id client.rack client.dns.lookup broker.address.family
    broker.address.ttl security.protocol sasl.mechanism sasl.mechanisms sasl.username
    sasl.kerberos.service.name sasl.kerberos.principal sasl.oauthbearer.method
    sasl.oauthbearer.client.id sasl.oauthbearer.scope sasl.oauthbearer.grant.type
    sasl.oauthbearer.metadata.authentication.type enable.sasl.oauthbearer.unsecure.jwt
    ssl.ca.location https.ca.location ssl.crl.location ssl.certificate.location
    ssl.keystore.location ssl.cipher.suites ssl.curves.list ssl.sigalgs.list ssl.providers
    ssl.endpoint.identification.algorithm enable.ssl.certificate.verification
    message.copy.max.bytes receive.message.max.bytes
    metadata.recovery.strategy metadata.recovery.rebootstrap.trigger.ms metadata.max.age.ms
    topic.metadata.refresh.interval.ms topic.metadata.refresh.fast.interval.ms
    topic.metadata.refresh.sparse topic.metadata.propagation.max.ms debug
    socket.timeout.ms socket.send.buffer.bytes socket.receive.buffer.bytes
    socket.keepalive.enable socket.nagle.disable socket.max.fails
    socket.connection.setup.timeout.ms connections.max.idle.ms reconnect.backoff.ms
    reconnect.backoff.max.ms retry.backoff.ms retry.backoff.max.ms statistics.interval.ms
    log.connection.close log.thread.name enable.metrics.push api.version.request.timeout.ms
    group.protocol group.remote.assignor session.timeout.ms heartbeat.interval.ms
    max.poll.interval.ms coordinator.query.interval.ms queued.min.messages
    queued.max.messages.kbytes fetch.wait.max.ms fetch.queue.backoff.ms
    fetch.message.max.bytes max.partition.fetch.bytes fetch.max.bytes fetch.min.bytes
    fetch.error.backoff.ms check.crcs transaction.timeout.ms queue.buffering.max.messages
    queue.buffering.max.kbytes queue.buffering.max.ms linger.ms
    queue.buffering.backpressure.threshold compression.codec compression.type
    compression.level batch.num.messages batch.size sticky.partitioning.linger.ms
    request.timeout.ms message.timeout.ms delivery.timeout.ms
    sasl.kerberos.keytab sasl.kerberos.min.time.before.relogin
    sasl.oauthbearer.client.credentials.client.id sasl.oauthbearer.sub.claim.name
    sasl.oauthbearer.assertion.algorithm sasl.oauthbearer.assertion.claim.exp.seconds
    sasl.oauthbearer.assertion.claim.jti.include sasl.oauthbearer.assertion.claim.nbf.seconds
    ssl.ca.certificate.stores ssl.engine.id ssl.engine.location plugin.library.paths
    topic.blacklist topic.metadata.refresh.fast.cnt enable.gapless.guarantee
    enable.random.seed internal.termination.signal builtin.features max.poll.records
    share.acknowledgement.mode consume.callback.max.messages produce.offset.report
    api.version.request api.version.fallback.ms broker.version.fallback
    reconnect.backoff.jitter.ms socket.blocking.max.ms
    """.split()  # noqa: SIM905  # a hundred names are easier read as a paragraph
)
"""Properties that may appear in output. Any other may hold a secret, unknown ones too."""

_NAME = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")


def refusal(name: str) -> str | None:
    """Why a property may not be set, whatever its value; None where it may."""
    if name in OWNED:
        return f"cannot be set: {OWNED[name]}"
    if name.endswith("_cb"):
        return f"cannot be set: {_CALLBACK}"
    if not _NAME.fullmatch(name):
        dotted = re.sub(r"[^a-z0-9]+", ".", name.lower()).strip(".")
        return f'is no name of a librdkafka property; did you mean "{dotted}"?'
    return None
