"""Wire: any bytes give an answer, in any spelling the one of a plain model of the rules."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from consumer.wire import report
from consumer.wire.callback import (
    Acknowledgement,
    Callback,
    Expectation,
    Rejection,
    decode,
    decode_error_item,
    decode_usage_item,
)
from consumer.wire.canonical import canonical, digest
from consumer.wire.dead_letter import Reason
from consumer.wire.report import CompletedBy, Devices, Outcome, Part, Source, Summary
from consumer.wire.timestamps import iso
from tests.property import wire_model
from tests.property.wire_values import (
    ERRORS,
    MARK,
    RECORDS,
    STRINGS,
    TREES,
    USAGE,
    damaged,
    spelled,
    spellings,
)

relaxed = settings(deadline=None)


def _kind(value: bytes) -> Reason | str:
    decoded = decode(value)
    if isinstance(decoded, Rejection):
        assert len(decoded.message) <= 300
        assert decoded.message.isprintable()
        return decoded.reason
    return type(decoded).__name__.lower()


# ---------------------------------------------------------------------------- properties


@relaxed
@given(st.binary() | st.text().map(str.encode) | damaged(RECORDS) | spellings(TREES))
@example(b'{"txid":"a","x":"\\')
@example(b'{"txid":"a","usage":[{"x":"\xff"}]}')
def test_any_bytes(value: bytes) -> None:
    """Any bytes are something or are rejected, as the model says, and nothing raises."""
    decoded = decode(value)
    assert isinstance(decoded, Callback | Expectation | Acknowledgement | Rejection)
    assert _kind(value) == wire_model.kind(value)


@settings(relaxed, max_examples=300)
@given(RECORDS.flatmap(lambda record: st.tuples(st.just(record), spelled(record))))
def test_records(pair: tuple[dict[str, Any], bytes]) -> None:
    """A record is the same in every spelling, and what it holds is what Python reads."""
    record, value = pair
    assert _kind(value) == wire_model.kind(json.dumps(record).encode())
    decoded = decode(value)
    if isinstance(decoded, Rejection):
        assert MARK not in decoded.message
        return
    assert decoded.txid == record["txid"]
    if isinstance(decoded, Expectation):
        assert decoded.imeis == record["imei"]
    if isinstance(decoded, Callback):
        assert [json.loads(raw) for raw, _ in decoded.usage] == (record.get("usage") or [])
        assert [json.loads(raw) for raw, _ in decoded.errors] == (record.get("errors") or [])
        assert [item.imei for _, item in decoded.usage] == [
            item.get("imei") for item in record.get("usage") or []
        ]
        for raw, usage in decoded.usage:
            assert decode_usage_item(raw) == usage
        for raw, error in decoded.errors:
            assert decode_error_item(raw) == error


@relaxed
@given(
    st.lists(spellings(USAGE.filter(wire_model.is_usage)).map(bytes.strip), max_size=4),
    st.lists(spellings(ERRORS.filter(wire_model.is_error)).map(bytes.strip), max_size=4),
    st.sampled_from([b"", b" ", b"\n\t"]),
)
def test_items_are_verbatim(usage: list[bytes], errors: list[bytes], blank: bytes) -> None:
    """Items come out byte by byte as they stood, in their order."""
    value = b'{"errors":[%b%b],"txid":"t","usage":[%b%b]}' % (
        blank,
        (blank + b"," + blank).join(errors),
        (blank + b"," + blank).join(usage),
        blank,
    )
    decoded = decode(value)
    assert isinstance(decoded, Callback)
    assert [raw for raw, _ in decoded.usage] == usage
    assert [raw for raw, _ in decoded.errors] == errors


def _identity(tree: Any) -> Any:
    """What is equal exactly where two JSON values are the same value."""
    if isinstance(tree, dict):
        return {key: _identity(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_identity(value) for value in tree]
    return type(tree), repr(tree)


@relaxed
@given(TREES.flatmap(lambda tree: st.tuples(spelled(tree), spelled(tree))))
def test_canonical_of_spellings(pair: tuple[bytes, bytes]) -> None:
    """Spelling does not show, and what is canonical stays as it is."""
    first, second = pair
    form = canonical(first)
    assert canonical(second) == form
    assert canonical(form) is form
    assert digest(b"u", first) == digest(b"u", second)


_few = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 0.0, -0.0, 1.0, "", "1", 10**30, 1e30]),
    lambda children: (
        st.lists(children, max_size=2)
        | st.dictionaries(st.sampled_from(["", "a"]), children, max_size=2)
    ),
    max_leaves=3,
)


@settings(relaxed, max_examples=300)
@given(_few, _few)
def test_canonical_tells_values_apart(first: Any, second: Any) -> None:
    """Canonical encodings are equal exactly when the values are, types included."""
    forms = canonical(json.dumps(first).encode()), canonical(json.dumps(second).encode())
    assert (forms[0] == forms[1]) == (_identity(first) == _identity(second))


@relaxed
@given(st.binary())
def test_canonical_never_raises(raw: bytes) -> None:
    """Bytes that are no JSON stand for themselves."""
    assert canonical(raw) in {raw, canonical(canonical(raw))}


_sorted_names = st.lists(STRINGS, max_size=3).map(sorted)
_totals = st.integers(0, 2**80)
_times = st.integers(0, 4_000_000_000_000).map(iso)
_summaries = st.builds(
    Summary,
    outcome=st.sampled_from(Outcome),
    completed_by=st.sampled_from(CompletedBy),
    revision=_totals,
    part=st.builds(Part, index=_totals.map((1).__add__), count=_totals.map((1).__add__)),
    devices=st.builds(
        Devices,
        expected=st.none() | _totals,
        reported=_totals,
        failed=_totals,
        missing=_sorted_names,
        unexpected=_sorted_names,
        repeated=_sorted_names,
        conflicting=_sorted_names,
    ),
    number_of_sessions=_totals,
    bytes_transferred=_totals,
    error_codes=st.dictionaries(STRINGS, _totals, max_size=3),
    callbacks=_totals,
    duplicates=_totals,
    opened_at=_times,
    closed_at=_times,
    source=st.builds(
        Source, topic=STRINGS, partition=_totals, first_offset=_totals, last_offset=_totals
    ),
)


@relaxed
@given(
    st.text(min_size=1, max_size=8),
    st.lists(spellings(USAGE).map(bytes.strip), max_size=3),
    st.lists(spellings(ERRORS).map(bytes.strip), max_size=3),
    _summaries,
)
def test_report_round_trip(
    txid: str, usage: list[bytes], errors: list[bytes], summary: Summary
) -> None:
    """A report reads back as it was made, by us and as ThingSpace's model by anyone."""
    value = report.encode(txid, b",".join(usage), b",".join(errors), summary)
    decoded = report.decode(value)
    assert decoded.txid == txid
    assert [bytes(raw) for raw in decoded.usage] == usage
    assert [bytes(raw) for raw in decoded.errors] == errors
    assert decoded.summary == summary
    record = json.loads(value)
    assert list(record) == ["txid", "usage", "errors", "summary"]
    assert record["usage"] == [json.loads(item) for item in usage]
    again = decode(value)
    assert not isinstance(again, Expectation | Acknowledgement)


@relaxed
@given(st.integers(-62135596800000, 253402300799999))
def test_iso(ms: int) -> None:
    """The text is the one that `datetime` makes."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    assert iso(ms) == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
