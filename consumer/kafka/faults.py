"""The one table from errors of librdkafka to what the daemon does about them.

A row is found by the error's code and the call in which it came up, then by the code
alone. Codes that no row names are judged by the flags that librdkafka puts on errors of
transactions; with no flag at all they count as fatal, as its manual demands (INTRODUCTION,
"Transactional Producer API": none set means fatal).

There is no row that retries: what is worth a retry, librdkafka has retried itself before
it gives up. Transport errors while consuming are not faults; it reconnects (`TRANSIENT`).
"""

# librdkafka's own codes, unlike the protocol's, begin with an underscore in its Python API.
# ruff: noqa: SLF001

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException

from consumer.errors import Action, Fault


class Call(enum.StrEnum):
    """What we were doing; the words stand in the message."""

    CONSUME = "reading callbacks"
    RESTORE = "reading the state log"
    INIT = "opening the transactional id"
    BEGIN = "beginning a transaction"
    PRODUCE = "queueing a record"
    DELIVER = "delivering a record"
    FLUSH = "waiting for deliveries"
    SEND_OFFSETS = "adding offsets to the transaction"
    COMMIT = "committing"
    ABORT = "aborting"
    OFFSETS = "asking for offsets"
    TOPICS = "asking for topics"


class Row(NamedTuple):
    """What is done about an error, its metric label, and a line that says what to do."""

    action: Action
    cause: str
    text: str


_RESEND, _TEAR_DOWN, _GIVE_UP = Action.RESEND, Action.TEAR_DOWN, Action.GIVE_UP

FENCED = Row(
    _TEAR_DOWN,
    "fenced",
    "another producer took over this transactional id, or the transaction outlived "
    "transaction.timeout.ms; every member needs an app.instance of its own",
)
FENCED_INSTANCE = Row(
    _TEAR_DOWN,
    "fenced_instance",
    "another static member has this group.instance.id; "
    "every member needs an app.instance of its own",
)
INSTANCE_IN_USE = Row(
    _TEAR_DOWN,
    "instance_in_use",
    "the group still counts on a static member of this app.instance: one that was killed leaves "
    "it behind until its session ends; one that runs needs an app.instance of its own",
)
GROUP_PROTOCOL = Row(
    _TEAR_DOWN,
    "group_protocol",
    "the group has members of the classic protocol, and Kafka lets no member with "
    "group.protocol=consumer in beside them; stop them all, then this one goes on",
)
NOT_A_MEMBER = Row(
    _TEAR_DOWN, "not_a_member", "this consumer is no member of the group, so it must not commit"
)
REBALANCE_RACE = Row(
    _RESEND, "rebalance_race", "the group was rebalanced while the transaction was under way"
)
COMMIT_FAILED = Row(_TEAR_DOWN, "commit_failed", "Kafka refused the transaction")
UNDELIVERED = Row(
    _RESEND,
    "commit_failed",
    "records were not delivered; sending them once more is to tell which, and why",
)
COMMIT_TIMEOUT = Row(
    _TEAR_DOWN, "commit_timeout", "Kafka did not say in time how the transaction ended"
)
PARTITION_LOST = Row(
    _TEAR_DOWN, "partition_lost", "partitions were given to another member without notice"
)
POLL_EXCEEDED = Row(
    _TEAR_DOWN, "poll_exceeded", "the group was not polled for max.poll.interval.ms"
)
OUTPUT_TOO_LARGE = Row(
    _GIVE_UP,
    "output_too_large",
    "a record is larger than the topic takes; raise the topic's max.message.bytes or lower "
    "limits.report_bytes",
)
OUTPUT_REFUSED = Row(
    _GIVE_UP, "output_refused", "the topic takes no such record; check the topic's configuration"
)
UNAUTHORIZED = Row(
    _GIVE_UP, "unauthorized", "Kafka does not permit it; check the credentials and the ACL"
)
INPUT_GONE = Row(
    # It may only be a member that was away, while another one went on and all that was read
    # could go. The committed offset decides whether anything is lost: `pipeline/start.py`.
    _TEAR_DOWN,
    "input_gone",
    "the next offset to read is not in the topic any more",
)
TOPIC_GONE = Row(
    _GIVE_UP, "topic_gone", "the topic is not there; `session-reports topics create` makes it"
)
STATE_DAMAGED = Row(
    _GIVE_UP, "state_damaged", "the state log does not hold what the committed offset names"
)
SETTING_REFUSED = Row(
    _GIVE_UP,
    "setting_refused",
    "Kafka does not accept a setting of this client; check the time-outs in [kafka]",
)
UNSUPPORTED = Row(
    _GIVE_UP,
    "setting_refused",
    "this Kafka does not know what the client asks for; "
    "group.protocol=consumer needs Kafka 4.0 or newer",
)
BROKER_UNREACHABLE = Row(_TEAR_DOWN, "broker_unreachable", "Kafka did not answer in time")
INTERNAL = Row(_TEAR_DOWN, "internal", "the Kafka client failed")

CAUSES: frozenset[str] = frozenset(
    value.cause for value in list(globals().values()) if isinstance(value, Row)
)
"""All labels of `restarts_total{cause}`."""

END_OF_PARTITION = KafkaError._PARTITION_EOF
BUSY: frozenset[int] = frozenset({KafkaError._STATE, KafkaError._PREV_IN_PROGRESS})
"""The fetcher of a partition is not up yet, or still being stopped: ask again."""

E_ = KafkaError
_EVERYWHERE: tuple[tuple[Row, tuple[int, ...]], ...] = (
    (FENCED, (E_._FENCED, E_.PRODUCER_FENCED, E_.INVALID_PRODUCER_EPOCH)),
    (FENCED_INSTANCE, (E_.FENCED_INSTANCE_ID,)),
    (INSTANCE_IN_USE, (E_.UNRELEASED_INSTANCE_ID,)),
    (NOT_A_MEMBER, (E_.UNKNOWN_MEMBER_ID, E_.FENCED_MEMBER_EPOCH)),
    (REBALANCE_RACE, (E_.ILLEGAL_GENERATION, E_.REBALANCE_IN_PROGRESS, E_.STALE_MEMBER_EPOCH)),
    (COMMIT_FAILED, (E_._INCONSISTENT, E_.TRANSACTION_ABORTABLE)),
    (PARTITION_LOST, (E_._ASSIGNMENT_LOST,)),
    (POLL_EXCEEDED, (E_._MAX_POLL_EXCEEDED,)),
    (OUTPUT_TOO_LARGE, (E_.MSG_SIZE_TOO_LARGE, E_.RECORD_LIST_TOO_LARGE)),
    (OUTPUT_REFUSED, (E_.INVALID_RECORD, E_.INVALID_MSG, E_.INVALID_TIMESTAMP)),
    (OUTPUT_REFUSED, (E_.POLICY_VIOLATION, E_.UNSUPPORTED_COMPRESSION_TYPE)),
    (UNAUTHORIZED, (E_.TOPIC_AUTHORIZATION_FAILED, E_.GROUP_AUTHORIZATION_FAILED)),
    (UNAUTHORIZED, (E_.CLUSTER_AUTHORIZATION_FAILED, E_.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)),
    (UNAUTHORIZED, (E_.SASL_AUTHENTICATION_FAILED, E_._AUTHENTICATION)),
    (INPUT_GONE, (E_.OFFSET_OUT_OF_RANGE, E_._AUTO_OFFSET_RESET, E_._NO_OFFSET)),
    (INPUT_GONE, (E_._LOG_TRUNCATION,)),
    (TOPIC_GONE, (E_.UNKNOWN_TOPIC_OR_PART, E_.UNKNOWN_TOPIC_ID, E_.TOPIC_EXCEPTION)),
    (TOPIC_GONE, (E_._UNKNOWN_TOPIC, E_._UNKNOWN_PARTITION)),
    (SETTING_REFUSED, (E_.INVALID_TRANSACTION_TIMEOUT, E_.INVALID_SESSION_TIMEOUT)),
    (SETTING_REFUSED, (E_.INCONSISTENT_GROUP_PROTOCOL, E_.UNSUPPORTED_ASSIGNOR)),
    (SETTING_REFUSED, (E_.GROUP_MAX_SIZE_REACHED, E_.INVALID_GROUP_ID)),
    (UNSUPPORTED, (E_.UNSUPPORTED_VERSION, E_._UNSUPPORTED_FEATURE)),
    (BROKER_UNREACHABLE, (E_._TIMED_OUT, E_._TIMED_OUT_QUEUE, E_._MSG_TIMED_OUT)),
    (BROKER_UNREACHABLE, (E_._TRANSPORT, E_._ALL_BROKERS_DOWN, E_._RESOLVE, E_._WAIT_COORD)),
    (BROKER_UNREACHABLE, (E_.REQUEST_TIMED_OUT, E_.BROKER_NOT_AVAILABLE, E_.NETWORK_EXCEPTION)),
    (BROKER_UNREACHABLE, (E_.COORDINATOR_NOT_AVAILABLE, E_.COORDINATOR_LOAD_IN_PROGRESS)),
    (BROKER_UNREACHABLE, (E_.NOT_COORDINATOR, E_.CONCURRENT_TRANSACTIONS)),
    (BROKER_UNREACHABLE, (E_.LEADER_NOT_AVAILABLE, E_.NOT_LEADER_FOR_PARTITION)),
    (BROKER_UNREACHABLE, (E_.NOT_ENOUGH_REPLICAS, E_.NOT_ENOUGH_REPLICAS_AFTER_APPEND)),
    (BROKER_UNREACHABLE, (E_.KAFKA_STORAGE_ERROR,)),
)
_IN_CALL: tuple[tuple[Row, tuple[Call, ...], tuple[int, ...]], ...] = (
    # How a Kafka calls a group that it cannot turn into one of the new protocol: librdkafka's
    # cooperative-sticky leaves data in it that no other assignor can take over.
    (GROUP_PROTOCOL, (Call.CONSUME,), (E_.GROUP_ID_NOT_FOUND,)),
    (UNDELIVERED, (Call.COMMIT,), (E_._INCONSISTENT,)),
    (COMMIT_TIMEOUT, (Call.COMMIT, Call.ABORT), (E_._TIMED_OUT,)),
    (STATE_DAMAGED, (Call.RESTORE,), (E_.OFFSET_OUT_OF_RANGE, E_._AUTO_OFFSET_RESET)),
    (STATE_DAMAGED, (Call.RESTORE,), (E_._NO_OFFSET, E_._LOG_TRUNCATION)),
    (BROKER_UNREACHABLE, (Call.OFFSETS,), (E_._NOENT,)),  # no partition has a leader
    # Purged by an abort of ours, or failed because an earlier record of the batch did.
    (COMMIT_FAILED, (Call.DELIVER,), (E_._PURGE_QUEUE, E_._PURGE_INFLIGHT)),
)
_ROWS: Mapping[tuple[int, Call | None], Row] = {
    **{(code, None): row for row, codes in _EVERYWHERE for code in codes},
    **{(code, call): row for row, calls, codes in _IN_CALL for call in calls for code in codes},
}

TRANSIENT: frozenset[int] = frozenset(
    {E_._TRANSPORT, E_._ALL_BROKERS_DOWN, E_._RESOLVE, E_._TIMED_OUT, E_._WAIT_COORD}
    | {E_.REQUEST_TIMED_OUT, E_.NETWORK_EXCEPTION, E_.BROKER_NOT_AVAILABLE}
    | {E_.COORDINATOR_NOT_AVAILABLE, E_.COORDINATOR_LOAD_IN_PROGRESS, E_.NOT_COORDINATOR}
    | {E_.LEADER_NOT_AVAILABLE, E_.NOT_LEADER_FOR_PARTITION, E_.FENCED_LEADER_EPOCH}
    | {E_.UNKNOWN_LEADER_EPOCH, E_.OFFSET_NOT_AVAILABLE, E_.KAFKA_STORAGE_ERROR}
    | {E_.REBALANCE_IN_PROGRESS, E_.REPLICA_NOT_AVAILABLE}
)
"""Errors among consumed messages that librdkafka mends by itself."""


def classify(error: KafkaError, call: Call) -> Row:
    """The row for an error that came up in a call."""
    code = _cause(error)
    row = _ROWS.get((code, call)) or _ROWS.get((code, None))
    if row is not None:
        return row
    if error.fatal():
        return INTERNAL
    if error.txn_requires_abort():
        return COMMIT_FAILED
    if error.retriable():
        return BROKER_UNREACHABLE
    return INTERNAL


def _cause(error: KafkaError) -> int:
    """The code of an error; of the wrapper of a consumer's fatal error, that of its cause.

    librdkafka tells a consumer's fatal error as a message with a code of its own, and what
    it was in the text alone.
    """
    if error.code() == KafkaError._FATAL:
        for code, call in _ROWS:
            if call in (None, Call.CONSUME) and KafkaError(code).str() in error.str():
                return code
    return error.code()


_REFUSED = re.compile(r"\bProduceRequest for (\S+) \[")


def fault(error: KafkaError, call: Call, subject: str = "") -> Fault:
    """The fault for an error of librdkafka; `subject` names the topic or id at stake.

    What the broker refuses of a transaction may show in the next call about it: then the topic
    stands in the text of the error.
    """
    if found := _REFUSED.search(error.str()):
        subject = f"topic {found[1]}, {subject}"
    about = f"{subject}, {call}" if subject else str(call)
    return raised(classify(error, call), f"{about}: {error.str()} ({error.name()})")


def raised(row: Row, detail: str) -> Fault:
    """A fault of a row of the table that we noticed ourselves."""
    line = " ".join(f"{row.text} ({detail})".split())
    return Fault(row.action, row.cause, line)


def reasons(error: BaseException) -> list[KafkaError]:
    """What Kafka said, if it can be told.

    With a fatal error on its way to us, `flush` goes on calling delivery callbacks. Python
    does not stand for that: what comes out then is a SystemError, with the fatal error as its
    cause or, where a callback has swept it away, with none.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KafkaException):
            reason: KafkaError = cause.args[0]
            return [reason]
        cause = cause.__cause__
    return []


def worst(found: Sequence[Fault]) -> Fault:
    """Of several faults of one cause, of which there is at least one, the one to act upon.

    What only a person can mend goes first, and a reason before what only follows from one.
    """
    vague = (COMMIT_FAILED.cause, INTERNAL.cause)
    return min(found, key=lambda each: (each.action is not Action.GIVE_UP, each.cause in vague))
