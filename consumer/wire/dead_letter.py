"""Why a record could not be used, and the headers that say so on the dead-letter topic.

The original key, value, timestamp and headers travel on unchanged; the reason is added as
headers named after Kafka Streams' own (`__streams.errors.*`, KIP-1034), so that tools
made for those find them.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct, structs

PREFIX: Final = "__streams.errors."
"""Headers of this prefix are ours: on the input they are stripped."""

MAX_MESSAGE: Final = 300
"""Characters of `message` that are kept."""


class Reason(enum.StrEnum):
    """The closed set of reasons; a value of the metric label `reason`."""

    EMPTY_VALUE = "empty_value"
    """There is no value, or one of no bytes."""
    FRAMED_VALUE = "framed_value"
    """The value begins with a zero byte, as Confluent's serializers write it."""
    INVALID_UTF8 = "invalid_utf8"
    MALFORMED_JSON = "malformed_json"
    TOO_DEEP = "too_deep"
    """Nested more than 500 deep."""
    SCHEMA = "schema"
    """An item, or the list of devices, is not as it should be."""
    MISSING_TXID = "missing_txid"
    INVALID_TXID = "invalid_txid"
    """Not a string of 1 to 256 characters without control characters."""
    UNKNOWN_KIND = "unknown_kind"
    """No callback, no expectation and no acknowledgement."""
    OVERSIZED_ITEM = "oversized_item"
    """An item that does not fit into a report of `limits.report_bytes`."""
    LATE = "late"
    """New, but no report can take it any more."""
    OUTPUT_REFUSED = "output_refused"
    """Kafka does not take the report."""


_Digits: TypeAlias = Annotated[str, Meta(extra_json_schema={"pattern": "^[0-9]+$"})]


class Headers(Struct, rename=PREFIX.__add__):
    """What is added to the headers of the input record, whose key and value stay as they are.

    Headers of the input record stay too, but for those of this prefix.
    """

    topic: str
    """Of the input record, like partition and offset."""
    partition: _Digits
    offset: _Digits
    exception: Reason
    """Why the record could not be used."""
    message: Annotated[str, Meta(max_length=MAX_MESSAGE)]
    """The same in a line that shows nothing of the record."""


_FIELDS: Final = [(field.name, field.encode_name) for field in structs.fields(Headers)]


def headers(
    original: Sequence[tuple[str, bytes | None]] | None,
    topic: str,
    partition: int,
    offset: int,
    reason: Reason,
    message: str,
) -> list[tuple[str, bytes | None]]:
    """The headers of a dead letter: those of the input record, then our five.

    Headers of our prefix that the input already carried are dropped (a dead letter that
    was sent again must not show two reasons). `message` becomes one line of at most
    `MAX_MESSAGE` characters; it must hold no payload.
    """
    kept = [header for header in original or () if not header[0].startswith(PREFIX)]
    line = " ".join(message.split())[:MAX_MESSAGE]
    ours = Headers(topic, str(partition), str(offset), reason, line)
    return [*kept, *((name, getattr(ours, field).encode()) for field, name in _FIELDS)]
