"""The schemas and the code: they accept the same, and what comes out fits."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from consumer.aggregation.policy import Policy
from consumer.wire import dead_letter
from consumer.wire.callback import Rejection, decode
from consumer.wire.dead_letter import Reason
from consumer.wire.schema import KINDS, Kind, schema
from tests.property import streams
from tests.property.driver import STRAIGHT, live
from tests.property.streams import Event, Idle
from tests.property.wire_values import RECORDS, TREES

INPUTS: tuple[Kind, ...] = ("callback", "expectation", "acknowledgement")
VALIDATORS = {kind: Draft202012Validator(schema(kind)) for kind in KINDS}


@settings(deadline=None, max_examples=500)
@given(RECORDS | TREES)
def test_an_input_record_is_what_its_schema_says(record: Any) -> None:
    """The decoder makes of any value that kind whose schema accepts it, and there is only one."""
    assume(not has_whole_floats(record))
    decoded = decode(json.dumps(record).encode())
    kinds = [] if isinstance(decoded, Rejection) else [type(decoded).__name__.lower()]
    assert [kind for kind in INPUTS if VALIDATORS[kind].is_valid(record)] == kinds


def has_whole_floats(record: Any) -> bool:
    """A `1.0` where an integer is read: JSON Schema takes it for one, the decoder does not."""
    items = record.get("usage") if isinstance(record, dict) else None
    return isinstance(items, list) and any(
        isinstance(value, float) and value.is_integer()
        for item in items
        if isinstance(item, dict)
        for value in (item.get("numberOfSessions"), item.get("bytesTransferred"))
    )


@settings(deadline=None)
@given(policy=streams.policies, events=streams.events(), share_bytes=streams.shares)
def test_what_comes_out_fits_its_schema(
    policy: Policy, events: list[Event], share_bytes: int
) -> None:
    """Every report, metrics record and dead letter of a life, hostile records included."""
    outcome = live(policy, [*events, Idle(10**6)], [STRAIGHT], share_bytes=share_bytes)
    for _, value in outcome.reports:
        VALIDATORS["report"].validate(json.loads(value, parse_int=small))
    for _, value in outcome.metrics:
        VALIDATORS["metrics"].validate(json.loads(value))
    for offset, reason, message in outcome.dead_letters:
        check_headers(Reason(reason), message, offset)


def small(digits: str) -> int:
    """A number; one that is too long for Python, in a property of no schema, is cut."""
    return int(digits[:100])


@given(st.sampled_from(Reason), st.text(max_size=400), st.integers(0, 2**63 - 1))
def test_the_headers_of_any_dead_letter_fit_their_schema(
    reason: Reason, message: str, offset: int
) -> None:
    """Whatever the message is made of, and whatever headers were there before."""
    check_headers(reason, message, offset)


def check_headers(reason: Reason, message: str, offset: int) -> None:
    """Compare them, as text."""
    made = dead_letter.headers([("trace", b"1")], "t", 0, offset, reason, message)
    headers = {name: value.decode() for name, value in made if value is not None}
    VALIDATORS["dead-letter"].validate(headers)
