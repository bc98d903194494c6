"""The report: one txid's items put back together, and a summary of how that went.

`txid`, `usage` and `errors` are exactly ThingSpace's `AggregateSessionReport`, so that its
SDKs parse a report; everything that we add lies in `summary`. Items are never decoded
and encoded again: a report is joined from the bytes in which they arrived.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final

from msgspec import Raw, Struct, json


class Outcome(enum.StrEnum):
    """What is known about a report's completeness."""

    COMPLETE = "complete"
    """Proven: every expected device is in."""
    PARTIAL = "partial"
    """Expected devices are missing."""
    UNCONFIRMED = "unconfirmed"
    """Closed with nothing to compare it against."""


class CompletedBy(enum.StrEnum):
    """The rule that closed a report."""

    EXPECTED_DEVICES = "expected_devices"
    DEVICE_LIMIT = "device_limit"
    INACTIVITY = "inactivity"
    MAX_AGE = "max_age"
    CAPACITY = "capacity"


class Part(Struct, gc=False, rename="camel"):
    """Which part of a split report this record is: `index` runs from 1 to `count`."""

    index: int = 1
    count: int = 1


class Devices(Struct, gc=False, rename="camel"):
    """Devices of the txid, counted by distinct IMEI; the lists of IMEIs are sorted."""

    expected: int | None
    """`None` without an expectation; `missing` and `unexpected` are empty then."""
    reported: int
    """IMEIs in `usage`."""
    failed: int
    """IMEIs in `errors`."""
    missing: list[str]
    unexpected: list[str]
    repeated: list[str]
    """IMEIs with more than one different usage item."""
    conflicting: list[str]
    """IMEIs in both arrays."""


class Source(Struct, gc=False, rename="camel"):
    """The input records behind a report: all lie within these offsets of one partition."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int


class Summary(Struct, gc=False, rename="camel"):
    """What we add to ThingSpace's model. The order of fields is the order on the wire."""

    outcome: Outcome
    completed_by: CompletedBy
    revision: int
    """0 for the first emission of a txid."""
    part: Part
    devices: Devices
    number_of_sessions: int
    bytes_transferred: int
    error_codes: dict[str, int]
    callbacks: int
    """Callback records of this txid up to this emission."""
    duplicates: int
    """Items among them that were there already."""
    opened_at: str
    """This and `closed_at` are times of the partition's clock (`timestamps.iso`)."""
    closed_at: str
    source: Source


class Report(Struct, gc=False):
    """A decoded report; the items are left as they are."""

    txid: str
    usage: list[Raw]
    errors: list[Raw]
    summary: Summary


# Sorting dictionaries makes `errorCodes` independent of the order in which codes arrived;
# structs keep their order of fields.
_encode: Final = json.Encoder(order="deterministic").encode
_decode: Final = json.Decoder(Report).decode


def encode(txid: str, usage: Sequence[bytes], errors: Sequence[bytes], summary: Summary) -> bytes:
    """One report record. The items go in byte by byte as `callback.decode` gave them."""
    return b'{"txid":%b,"usage":[%b],"errors":[%b],"summary":%b}' % (
        _encode(txid),
        b",".join(usage),
        b",".join(errors),
        _encode(summary),
    )


def decode(value: bytes) -> Report:
    """A report read back.

    Raises:
        msgspec.DecodeError: `value` is not a report (invalid UTF-8 in a string we read
            shows as `UnicodeDecodeError`; both are a `ValueError`).
    """
    return _decode(value)
