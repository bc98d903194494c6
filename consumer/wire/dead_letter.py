"""Why a record could not be used, and the headers that say so on the dead-letter topic.

The original key, value, timestamp and headers travel on unchanged; the reason is added as
headers named after Kafka Streams' own (`__streams.errors.*`, KIP-1034), so that tools
made for those find them.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "__streams.errors."
"""Headers of this prefix are ours: on the input they are stripped."""

MAX_MESSAGE: Final = 300
"""Characters of `message` that are kept."""


class Reason(enum.StrEnum):
    """The closed set of reasons; a value of the metric label `reason`."""

    EMPTY_VALUE = "empty_value"
    FRAMED_VALUE = "framed_value"
    INVALID_UTF8 = "invalid_utf8"
    MALFORMED_JSON = "malformed_json"
    TOO_DEEP = "too_deep"
    SCHEMA = "schema"
    MISSING_TXID = "missing_txid"
    INVALID_TXID = "invalid_txid"
    UNKNOWN_KIND = "unknown_kind"
    OVERSIZED_ITEM = "oversized_item"
    LATE = "late"
    OUTPUT_REFUSED = "output_refused"


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
    return [
        *kept,
        (PREFIX + "topic", topic.encode()),
        (PREFIX + "partition", b"%d" % partition),
        (PREFIX + "offset", b"%d" % offset),
        (PREFIX + "exception", reason.encode()),
        (PREFIX + "message", line.encode()),
    ]
