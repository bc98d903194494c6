"""The schemas: what they accept, what they explain, and what they cannot say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from consumer.wire.callback import Callback, Expectation, decode
from consumer.wire.dead_letter import PREFIX, Reason
from consumer.wire.report import CompletedBy, Outcome
from consumer.wire.schema import DIALECT, KINDS, Kind, schema
from tests.unit.wire.records import CALLBACKS, HOSTILE, OTHERS

INPUTS: tuple[Kind, ...] = ("callback", "expectation", "acknowledgement")

BEYOND_A_SCHEMA = {
    "sessions a float",  # 1.0 is an integer there
    "sessions with exponent",
    "imei bad, then good",  # the last of a repeated key is all that it sees
    "framed, deep",  # what is no JSON is never compared
}
"""Hostile records that a schema does not tell from good ones."""


def kinds_of(value: Any) -> list[str]:
    """Kinds of input records whose schema accepts `value`."""
    return [kind for kind in INPUTS if Draft202012Validator(schema(kind)).is_valid(value)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one(kind: Kind) -> None:
    """By the rules of its dialect."""
    made = schema(kind)
    assert made["$schema"] == DIALECT
    Draft202012Validator.check_schema(made)


@pytest.mark.parametrize("case", CALLBACKS.values(), ids=CALLBACKS.keys())
def test_callbacks(case: tuple[dict[str, Any], Any, Any]) -> None:
    """All that the decoder takes for one, and they are nothing else."""
    assert kinds_of(case[0]) == ["callback"]


@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS.keys())
def test_expectations_and_acknowledgements(case: tuple[dict[str, Any], Any]) -> None:
    """Likewise."""
    record, decoded = case
    assert kinds_of(record) == [
        "expectation" if isinstance(decoded, Expectation) else "acknowledgement"
    ]


def test_hostile_records() -> None:
    """None is accepted, save by what a schema cannot express."""
    accepted = set()
    for name, (value, reason) in HOSTILE.items():
        if reason in (Reason.SCHEMA, Reason.MISSING_TXID, Reason.INVALID_TXID, Reason.UNKNOWN_KIND):
            try:
                parsed = json.loads(value or b"")
            except ValueError:  # a number of too many digits for Python
                continue
            if kinds_of(parsed):
                accepted.add(name)
    assert accepted <= BEYOND_A_SCHEMA
    assert {"sessions a float", "sessions with exponent"} <= accepted


def test_the_closed_sets_are_those_of_the_code() -> None:
    """Outcomes, rules and reasons: whoever generates code from a schema gets all of them."""
    report, letter = schema("report")["$defs"], schema("dead-letter")["$defs"]
    assert set(report["Outcome"]["enum"]) == {one.value for one in Outcome}
    assert set(report["CompletedBy"]["enum"]) == {one.value for one in CompletedBy}
    assert set(letter["Reason"]["enum"]) == {one.value for one in Reason}
    assert PREFIX + "exception" in schema("dead-letter")["required"]


def test_everything_on_the_wire_is_required_but_what_may_lack() -> None:
    """A reader may rely on each field of a report and of a metrics record."""
    optional = set()
    for kind in ("report", "metrics", "dead-letter"):
        for name, one in structs(schema(kind)):
            optional |= {f"{name}.{field}" for field in one["properties"].keys() - one["required"]}
    of_thingspace = {"UsageItem", "ErrorItem", "ErrorResponse"}
    assert {one for one in optional if one.split(".")[0] not in of_thingspace} == {
        "Devices.oversized"
    }


def structs(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema's objects, with their names."""
    yield made["title"], made
    for name, one in made.get("$defs", {}).items():
        if "properties" in one:
            yield name, one


def test_docstrings_explain() -> None:
    """Of structs, of their fields, and of the members of an enum, in one line each."""
    definitions = schema("report")["$defs"]
    assert definitions["Devices"]["properties"]["conflicting"]["description"] == (
        "IMEIs in both arrays."
    )
    assert "`partial`: Expected devices are missing." in definitions["Outcome"]["description"]
    assert all(one["description"] for one in definitions.values())
    assert "\n" not in schema("report")["description"]


def test_properties_that_are_not_named_are_allowed() -> None:
    """ThingSpace may add some to any object, and so may we."""
    value = {"txid": "a", "new": 1, "usage": [{"imei": "1", "new": {"er": []}}]}
    assert kinds_of(value) == ["callback"]
    assert isinstance(decode(json.dumps(value).encode()), Callback)
    for kind in KINDS:
        assert "additionalProperties" not in schema(kind)
