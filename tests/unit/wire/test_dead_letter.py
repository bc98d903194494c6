"""Headers of dead letters."""

from __future__ import annotations

from consumer.wire.dead_letter import PREFIX, Reason, headers


def test_reasons_are_closed() -> None:
    """The reasons are those of the contract: dashboards and other people's checks know them."""
    assert {str(reason) for reason in Reason} == {
        "empty_value",
        "framed_value",
        "invalid_utf8",
        "malformed_json",
        "too_deep",
        "schema",
        "missing_txid",
        "invalid_txid",
        "unknown_kind",
        "oversized_item",
        "late",
        "output_refused",
    }


def test_headers() -> None:
    """Five headers say where the record stood and why it could not be used."""
    assert headers(None, "thingspace.callbacks", 3, 2**40, Reason.LATE, "too late") == [
        ("__streams.errors.topic", b"thingspace.callbacks"),
        ("__streams.errors.partition", b"3"),
        ("__streams.errors.offset", b"1099511627776"),
        ("__streams.errors.exception", b"late"),
        ("__streams.errors.message", b"too late"),
    ]


def test_original_headers_stay() -> None:
    """The input's headers stay, in order, repeated ones and nulls too; ours are replaced."""
    original = [
        ("a", b"1"),
        (PREFIX + "exception", b"of an earlier journey"),
        ("b", None),
        ("a", b"2"),
        (PREFIX + "anything", None),
        ("x" + PREFIX, b""),
    ]
    made = headers(original, "t", 0, 0, Reason.SCHEMA, "m")
    assert made[:4] == [("a", b"1"), ("b", None), ("a", b"2"), ("x" + PREFIX, b"")]
    assert [name.removeprefix(PREFIX) for name, _ in made[4:]] == [
        "topic",
        "partition",
        "offset",
        "exception",
        "message",
    ]


def test_message_is_one_short_line() -> None:
    """Line breaks of any kind become spaces, and 300 characters are kept."""
    made = dict(headers([], "t", 0, 0, Reason.OUTPUT_REFUSED, "a\r\n b\x0b\u2028c\x85" + "é" * 999))
    message = made[PREFIX + "message"]
    assert message is not None
    assert message.decode() == "a b c " + "é" * 294
