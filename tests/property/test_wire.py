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

MARK = "payload-payload"
"""Stands where it should not in generated records; must not show in a message."""

relaxed = settings(deadline=None)

# ---------------------------------------------------------------------------- strategies

_coins = st.booleans()
_strings = st.text(max_size=8)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _strings
)
_trees = st.recursive(
    _scalars,
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(_strings, children, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def _object(
    draw: st.DrawFn, often: dict[str, st.SearchStrategy[Any]], other: st.SearchStrategy[Any]
) -> dict[str, Any]:
    """Objects with most of these properties, mostly good ones, and unknown ones among them."""
    found = draw(st.dictionaries(_strings, other, max_size=1))
    for name in draw(st.permutations(list(often))):
        luck = draw(st.integers(0, 19))
        if luck == 0:
            found[name] = draw(other)
        elif luck == 1:
            found[name] = None
        elif luck > 4:
            found[name] = draw(often[name])
    return found


_junk: st.SearchStrategy[Any] = _scalars | st.sampled_from(
    [MARK, [], {}, [MARK], {MARK: MARK}, [[{}], None]]
)
_names = st.sampled_from(["", "1", "2", "é", "x" * 256, "x" * 256, "x" * 257])
_counts = st.sampled_from([0, 1, 2, 17, 2**53, 2**63 - 1, 2**63 - 1, 2**63, -1])
_usage = _object({"imei": _names, "numberOfSessions": _counts, "bytesTransferred": _counts}, _junk)
_response = _object(
    {
        "errorCode": _names,
        "errorMessage": _strings,
        "httpStatusCode": _strings,
        "detailErrorMessage": _strings,
    },
    _junk,
)
_errors = _object({"imei": _names, "errorMessage": _strings, "errorResponse": _response}, _junk)
_txids = st.sampled_from(["t", "t", "t", "ü", "\u200d", "x" * 256, "x" * 257, "", "\x7f", "a\0"])
_statuses = st.sampled_from(["QUEUED", "COMPLETED", "FAILED", ""])
_records = _object(
    {
        "txid": _txids,
        "usage": st.lists(_usage, max_size=2),
        "errors": st.lists(_errors, max_size=2),
    },
    _junk,
) | _object({"txid": _txids, "imei": st.lists(_names, max_size=2), "status": _statuses}, _junk)


@st.composite
def _spelled(draw: st.DrawFn, tree: Any) -> bytes:
    """One of the many ways to write `tree` as JSON."""
    blank = draw(st.sampled_from(["", "", " ", "\t\r\n "]))

    def text(value: str) -> str:
        escape = draw(st.sampled_from(("no", "ascii", "all")))
        if escape == "all":
            units = value.encode("utf-16-be").hex()
            return '"' + "".join(rf"\u{units[i : i + 4]}" for i in range(0, len(units), 4)) + '"'
        return json.dumps(value, ensure_ascii=escape == "ascii")

    def spell(value: Any) -> str:
        if isinstance(value, dict):
            keys = draw(st.permutations(list(value)))
            again = draw(_coins)
            if keys and again:
                keys = [draw(st.sampled_from(keys)), *keys]  # the last of a repeated key wins
            fields = [text(key) + blank + ":" + blank + spell(value[key]) for key in keys]
            return "{" + blank + ("," + blank).join(fields) + blank + "}"
        if isinstance(value, list):
            return "[" + blank + ("," + blank).join(map(spell, value)) + blank + "]"
        if isinstance(value, str):
            return text(value)
        if isinstance(value, float) and draw(_coins):
            return f"{value:.17E}"
        return json.dumps(value)

    return (blank + spell(tree) + blank).encode()


def _spellings(trees: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return trees.flatmap(_spelled)


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """A record that something happened to on its way."""
    value = draw(_spellings(_records))
    at = draw(st.integers(0, len(value)))
    harm = draw(st.sampled_from(["cut", "flip", "double", "insert", "begin"]))
    if harm == "cut":
        return value[:at]
    if harm == "double":
        return value + value[at:]
    if harm == "begin":
        return value[at:]
    byte = bytes([draw(st.integers(0, 255) | st.sampled_from(b'"\\{}[],:0'))])
    return value[:at] + byte + value[at + (harm == "flip") :]


def _kind(value: bytes) -> Reason | str:
    decoded = decode(value)
    if isinstance(decoded, Rejection):
        assert len(decoded.message) <= 300
        assert decoded.message.isprintable()
        return decoded.reason
    return type(decoded).__name__.lower()


# ---------------------------------------------------------------------------- properties


@relaxed
@given(st.binary() | st.text().map(str.encode) | _damaged() | _spellings(_trees))
@example(b'{"txid":"a","x":"\\')
@example(b'{"txid":"a","usage":[{"x":"\xff"}]}')
def test_any_bytes(value: bytes) -> None:
    """Any bytes are something or are rejected, as the model says, and nothing raises."""
    decoded = decode(value)
    assert isinstance(decoded, Callback | Expectation | Acknowledgement | Rejection)
    assert _kind(value) == wire_model.kind(value)


@settings(relaxed, max_examples=300)
@given(_records.flatmap(lambda record: st.tuples(st.just(record), _spelled(record))))
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
    st.lists(_spellings(_usage.filter(wire_model.is_usage)).map(bytes.strip), max_size=4),
    st.lists(_spellings(_errors.filter(wire_model.is_error)).map(bytes.strip), max_size=4),
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
@given(_trees.flatmap(lambda tree: st.tuples(_spelled(tree), _spelled(tree))))
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


_sorted_names = st.lists(_strings, max_size=3).map(sorted)
_totals = st.integers(0, 2**80)
_times = st.integers(0, 4_000_000_000_000).map(iso)
_summaries = st.builds(
    Summary,
    outcome=st.sampled_from(Outcome),
    completed_by=st.sampled_from(CompletedBy),
    revision=_totals,
    part=st.builds(Part, index=_totals, count=_totals),
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
    error_codes=st.dictionaries(_strings, _totals, max_size=3),
    callbacks=_totals,
    duplicates=_totals,
    opened_at=_times,
    closed_at=_times,
    source=st.builds(
        Source, topic=_strings, partition=_totals, first_offset=_totals, last_offset=_totals
    ),
)


@relaxed
@given(
    st.text(min_size=1, max_size=8),
    st.lists(_spellings(_usage).map(bytes.strip), max_size=3),
    st.lists(_spellings(_errors).map(bytes.strip), max_size=3),
    _summaries,
)
def test_report_round_trip(
    txid: str, usage: list[bytes], errors: list[bytes], summary: Summary
) -> None:
    """A report reads back as it was made, by us and as ThingSpace's model by anyone."""
    value = report.encode(txid, usage, errors, summary)
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
