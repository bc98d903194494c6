"""The fault table, row by row."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from consumer.errors import Action, Fault
from consumer.kafka import faults
from consumer.kafka.faults import Call

ROWS = {
    ("tear down", "fenced"): ["_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH"],
    ("tear down", "instance_in_use"): ["UNRELEASED_INSTANCE_ID"],
    ("tear down", "fenced_instance"): ["FENCED_INSTANCE_ID"],
    ("tear down", "not_a_member"): ["UNKNOWN_MEMBER_ID", "FENCED_MEMBER_EPOCH"],
    ("resend", "rebalance_race"): [
        "ILLEGAL_GENERATION",
        "REBALANCE_IN_PROGRESS",
        "STALE_MEMBER_EPOCH",
    ],
    ("tear down", "commit_failed"): ["_INCONSISTENT", "TRANSACTION_ABORTABLE"],
    ("tear down", "partition_lost"): ["_ASSIGNMENT_LOST"],
    ("tear down", "poll_exceeded"): ["_MAX_POLL_EXCEEDED"],
    ("give up", "output_too_large"): ["MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"],
    ("give up", "output_refused"): [
        "INVALID_RECORD",
        "INVALID_MSG",
        "INVALID_TIMESTAMP",
        "POLICY_VIOLATION",
        "UNSUPPORTED_COMPRESSION_TYPE",
    ],
    ("give up", "unauthorized"): [
        "TOPIC_AUTHORIZATION_FAILED",
        "GROUP_AUTHORIZATION_FAILED",
        "CLUSTER_AUTHORIZATION_FAILED",
        "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        "SASL_AUTHENTICATION_FAILED",
        "_AUTHENTICATION",
    ],
    ("tear down", "input_gone"): [
        "OFFSET_OUT_OF_RANGE",
        "_AUTO_OFFSET_RESET",
        "_NO_OFFSET",
        "_LOG_TRUNCATION",
    ],
    ("give up", "topic_gone"): [
        "UNKNOWN_TOPIC_OR_PART",
        "UNKNOWN_TOPIC_ID",
        "TOPIC_EXCEPTION",
        "_UNKNOWN_TOPIC",
        "_UNKNOWN_PARTITION",
    ],
    ("give up", "setting_refused"): [
        "INVALID_TRANSACTION_TIMEOUT",
        "INVALID_SESSION_TIMEOUT",
        "INCONSISTENT_GROUP_PROTOCOL",
        "UNSUPPORTED_ASSIGNOR",
        "GROUP_MAX_SIZE_REACHED",
        "INVALID_GROUP_ID",
        "UNSUPPORTED_VERSION",
        "_UNSUPPORTED_FEATURE",
    ],
    ("tear down", "broker_unreachable"): [
        "_TIMED_OUT",
        "_TIMED_OUT_QUEUE",
        "_MSG_TIMED_OUT",
        "_TRANSPORT",
        "_ALL_BROKERS_DOWN",
        "_RESOLVE",
        "_WAIT_COORD",
        "REQUEST_TIMED_OUT",
        "BROKER_NOT_AVAILABLE",
        "NETWORK_EXCEPTION",
        "COORDINATOR_NOT_AVAILABLE",
        "COORDINATOR_LOAD_IN_PROGRESS",
        "NOT_COORDINATOR",
        "CONCURRENT_TRANSACTIONS",
        "LEADER_NOT_AVAILABLE",
        "NOT_LEADER_FOR_PARTITION",
        "NOT_ENOUGH_REPLICAS",
        "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
        "KAFKA_STORAGE_ERROR",
    ],
}
IN_CALLS = {
    ("tear down", "group_protocol"): [(Call.CONSUME, "GROUP_ID_NOT_FOUND")],
    ("resend", "commit_failed"): [(Call.COMMIT, "_INCONSISTENT")],
    ("tear down", "commit_timeout"): [
        (Call.COMMIT, "_TIMED_OUT"),
        (Call.ABORT, "_TIMED_OUT"),
    ],
    ("give up", "state_damaged"): [
        (Call.RESTORE, "OFFSET_OUT_OF_RANGE"),
        (Call.RESTORE, "_AUTO_OFFSET_RESET"),
        (Call.RESTORE, "_NO_OFFSET"),
        (Call.RESTORE, "_LOG_TRUNCATION"),
    ],
    ("tear down", "broker_unreachable"): [(Call.OFFSETS, "_NOENT")],
    ("tear down", "commit_failed"): [
        (Call.DELIVER, "_PURGE_QUEUE"),
        (Call.DELIVER, "_PURGE_INFLIGHT"),
    ],
}
EVERYWHERE = [(*row, name) for row, names in ROWS.items() for name in names]
IN_CALL = [(*row, *pair) for row, pairs in IN_CALLS.items() for pair in pairs]


def code(name: str) -> int:
    """The number of an error by its name."""
    number: int = getattr(KafkaError, name)
    return number


@pytest.mark.parametrize(("action", "cause", "name"), EVERYWHERE)
def test_a_code_has_its_row(action: str, cause: str, name: str) -> None:
    """The same action and label in every call that has no row of its own for it."""
    for call in (Call.CONSUME, Call.BEGIN, Call.SEND_OFFSETS):
        fault = faults.fault(KafkaError(code(name)), call)

        assert (fault.action.value, fault.cause) == (action, cause)


@pytest.mark.parametrize(("action", "cause", "call", "name"), IN_CALL)
def test_a_call_has_its_row(action: str, cause: str, call: Call, name: str) -> None:
    """What an error means can depend on what we were doing."""
    fault = faults.fault(KafkaError(code(name)), call)

    assert (fault.action.value, fault.cause) == (action, cause)


def test_no_row_is_without_a_test() -> None:
    """The table and the expectations above have the same entries."""
    expected: set[tuple[int, Call | None]] = {(code(name), None) for *_, name in EVERYWHERE}
    expected |= {(code(name), call) for *_, call, name in IN_CALL}

    assert set(faults._ROWS) == expected


@pytest.mark.parametrize(
    ("flags", "action", "cause"),
    [
        ({"fatal": True}, Action.TEAR_DOWN, "internal"),
        ({"fatal": True, "txn_requires_abort": True}, Action.TEAR_DOWN, "internal"),
        ({"txn_requires_abort": True}, Action.TEAR_DOWN, "commit_failed"),
        ({"retriable": True}, Action.TEAR_DOWN, "broker_unreachable"),
        ({}, Action.TEAR_DOWN, "internal"),
    ],
)
def test_an_unknown_code_is_judged_by_its_flags(
    flags: dict[str, bool], action: Action, cause: str
) -> None:
    """With none at all it counts as fatal. Whatever it is, it is not ignored."""
    fault = faults.fault(KafkaError(code("_STATE"), "odd", **flags), Call.COMMIT)

    assert (fault.action, fault.cause) == (action, cause)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("FENCED_INSTANCE_ID", "fenced_instance"),
        ("UNRELEASED_INSTANCE_ID", "instance_in_use"),
        ("GROUP_ID_NOT_FOUND", "group_protocol"),
        ("GROUP_AUTHORIZATION_FAILED", "unauthorized"),
        ("UNKNOWN", "internal"),
    ],
)
def test_a_consumers_fatal_error_is_unwrapped(name: str, cause: str) -> None:
    """The client wraps it into a code that says only that it is fatal."""
    text = f"Fatal error: {KafkaError(code(name)).str()}: Fatal consumer error: ..."

    fault = faults.fault(KafkaError(code("_FATAL"), text), Call.CONSUME)

    assert fault.cause == cause


def test_every_label_is_known_beforehand() -> None:
    """The labels of a counter are a closed set."""
    assert {cause for _, cause in ROWS | IN_CALLS} | {"internal"} == faults.CAUSES


def test_a_message_is_one_line_that_names_what_it_is_about() -> None:
    """What to do, the topic, what we were doing, and what Kafka said."""
    error = KafkaError(code("MSG_SIZE_TOO_LARGE"), "it is\n too large")

    fault = faults.fault(error, Call.DELIVER, "topic reports")

    assert str(fault) == (
        "a record is larger than the topic takes; raise the topic's max.message.bytes or "
        "lower limits.report_bytes (topic reports, delivering a record: it is too large "
        "(MSG_SIZE_TOO_LARGE))"
    )


def test_what_the_broker_refused_before_is_named() -> None:
    """A later call about the transaction tells it; the topic stands in its text alone."""
    text = "ProduceRequest for app.reports [0] with 3 message(s) failed: Broker: too large"
    error = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, text)
    found = str(faults.fault(error, Call.SEND_OFFSETS, "transactional.id app-m"))
    assert "topic app.reports, transactional.id app-m" in found


@pytest.mark.parametrize(
    ("causes", "worst"),
    [
        (["commit_failed", "output_too_large", "fenced"], "output_too_large"),
        (["internal", "commit_failed", "fenced"], "fenced"),
        (["commit_failed", "internal"], "commit_failed"),
    ],
)
def test_of_several_the_one_to_act_upon(causes: list[str], worst: str) -> None:
    """What a person must mend before the rest, a reason before its consequences."""
    rows = {row.cause: row for row in vars(faults).values() if isinstance(row, faults.Row)}
    found: list[Fault] = [faults.raised(rows[cause], "") for cause in causes]

    assert faults.worst(found).cause == worst


def test_what_mends_itself_is_no_part_of_giving_up() -> None:
    """Errors that a consumer lets pass are none that stop the daemon."""
    for number in faults.TRANSIENT:
        assert faults.classify(KafkaError(number), Call.CONSUME).action is not Action.GIVE_UP
