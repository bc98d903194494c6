"""The report: one txid's items put back together, and a summary of how that went.

`txid`, `usage` and `errors` are exactly ThingSpace's `AggregateSessionReport`, so that its
SDKs parse a report; everything that we add lies in `summary`. Items are never decoded
and encoded again: a report is joined from the bytes in which they arrived.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Annotated, Final, Generic, TypeAlias, TypeVar

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, json, structs

from consumer.wire.callback import Imeis, Name, Txid
from consumer.wire.timestamps import Time

Total: TypeAlias = Annotated[int, Meta(ge=0)]
"""Exact, without an upper end: a sum may exceed the 64 bits of what it sums up."""
_Ordinal: TypeAlias = Annotated[int, Meta(ge=1)]

_Usage = TypeVar("_Usage")
_Error = TypeVar("_Error")


class Outcome(enum.StrEnum):
    """What is known about a report's completeness."""

    COMPLETE = "complete"
    """Every expected device is in or, none being expected, as many as `completion.device_limit`."""
    PARTIAL = "partial"
    """Expected devices are missing."""
    UNCONFIRMED = "unconfirmed"
    """Closed with nothing to compare it against."""


class CompletedBy(enum.StrEnum):
    """The rule that closed a report."""

    EXPECTED_DEVICES = "expected_devices"
    """Every device of the expectation is in."""
    DEVICE_LIMIT = "device_limit"
    """Exactly `completion.device_limit` devices are in, and none were expected."""
    INACTIVITY = "inactivity"
    """Nothing was added for `completion.inactivity`."""
    MAX_AGE = "max_age"
    """`completion.max_age` since it opened or reopened."""
    CAPACITY = "capacity"
    """The member's memory is full, or the txid reached `limits.txid_bytes`."""


class Part(Struct, gc=False, rename="camel"):
    """Which part of a split report this record is: `index` runs from 1 to `count`."""

    index: _Ordinal
    count: _Ordinal


class Devices(Struct, gc=False, rename="camel"):
    """Devices of the txid, counted by distinct IMEI; the lists of IMEIs are sorted."""

    expected: Total | None
    """Null without an expectation; `missing` and `unexpected` are empty then."""
    reported: Total
    """IMEIs in `usage`."""
    failed: Total
    """IMEIs in `errors`."""
    missing: Imeis
    """IMEIs that are expected and in neither array."""
    unexpected: Imeis
    """IMEIs that are in one of the arrays and not expected."""
    repeated: Imeis
    """IMEIs with more than one different usage item."""
    conflicting: Imeis
    """IMEIs in both arrays."""
    oversized: Imeis | UnsetType = UNSET
    """IMEIs of items that no report can take (dead letters with reason `oversized_item`);
    there only when there are any."""


class Source(Struct, gc=False, rename="camel"):
    """The input records behind a report: all lie within these offsets of one partition."""

    topic: str
    partition: Total
    first_offset: Total
    last_offset: Total


class Summary(Struct, gc=False, rename="camel"):
    """What we add to ThingSpace's model. The order of fields is the order on the wire."""

    outcome: Outcome
    completed_by: CompletedBy
    revision: Total
    """0 for the first emission of a txid."""
    part: Part
    devices: Devices
    number_of_sessions: Total
    bytes_transferred: Total
    error_codes: dict[Name, Total]
    """Error code -> how many items of `errors` have it."""
    callbacks: Total
    """Callback records of this txid up to this emission."""
    duplicates: Total
    """Items among them that were there already."""
    opened_at: Time
    """This and `closedAt` are times of the partition's clock."""
    closed_at: Time
    source: Source


class ReportOf(Struct, Generic[_Usage, _Error], gc=False):
    """All answers to one request: ThingSpace's `AggregateSessionReport`, and a `summary`.

    The last record of a key is the truth. A report too large for one record is split: the
    parts share a revision, items, lists of IMEIs and `errorCodes` are divided among them, and
    everything else stands in each.
    """

    txid: Txid
    usage: list[_Usage]
    """Verbatim, in the order of their offsets."""
    errors: list[_Error]
    """Likewise."""
    summary: Summary


class Report(ReportOf[Raw, Raw], gc=False):
    """A decoded report; the items are left as they are."""


# Sorting dictionaries makes `errorCodes` independent of the order in which codes arrived;
# structs keep their order of fields.
_encode: Final = json.Encoder(order="deterministic").encode
_decode: Final = json.Decoder(Report).decode


def encode(txid: str, usage: bytes, errors: bytes, summary: Summary) -> bytes:
    """One report record. The items, joined by commas, go in byte by byte."""
    pieces = (
        b'{"txid":',
        _encode(txid),
        b',"usage":[',
        usage,
        b'],"errors":[',
        errors,
        b'],"summary":',
        _encode(summary),
        b"}",
    )
    return b"".join(pieces)


def decode(value: bytes) -> Report:
    """A report read back.

    Raises:
        msgspec.DecodeError: `value` is not a report (invalid UTF-8 in a string we read
            shows as `UnicodeDecodeError`; both are a `ValueError`).
    """
    return _decode(value)


PART_MARK: Final = b"\0"
"""Between txid and number in the key of a part; no txid has it."""

FRAME_BYTES: Final = 4_096
"""Room for everything in a report that cannot be divided: txid, topic, names, numbers."""

_IMEI_LISTS: Final = ("missing", "unexpected", "repeated", "conflicting", "oversized")


def divide(
    txid: str, usage: Sequence[bytes], errors: Sequence[bytes], summary: Summary, limit: int
) -> list[bytes]:
    """The parts of a report that exceeds `limit` bytes, in order; each is a record within them.

    Items, lists of IMEIs and error codes are divided among the parts, in this order; all
    else stands in each. No single one of them may exceed `limit - FRAME_BYTES`.
    """
    shares = _shares(usage, errors, summary, limit - FRAME_BYTES)
    return [
        encode(
            txid,
            b",".join(share.usage),
            b",".join(share.errors),
            _share_of(summary, share, index, len(shares)),
        )
        for index, share in enumerate(shares, 1)
    ]


def part_key(txid: str, index: int) -> bytes:
    """Key of a part: the first has the txid's own, so that compaction keeps all of them."""
    return txid.encode() if index == 1 else txid.encode() + PART_MARK + str(index).encode()


class _Share:
    """What one part gets of what is divided."""

    def __init__(self) -> None:
        self.usage: list[bytes] = []
        self.errors: list[bytes] = []
        self.imeis: dict[str, list[str]] = {name: [] for name in _IMEI_LISTS}
        self.error_codes: dict[str, int] = {}


def _shares(
    usage: Sequence[bytes], errors: Sequence[bytes], summary: Summary, room: int
) -> list[_Share]:
    """Fill one share after the other."""
    shares = [_Share()]
    left = room

    def share_for(size: int) -> _Share:
        nonlocal left
        if size > left and left < room:
            shares.append(_Share())
            left = room
        left -= size
        return shares[-1]

    for item in usage:
        share_for(len(item) + 1).usage.append(item)
    for item in errors:
        share_for(len(item) + 1).errors.append(item)
    for name in _IMEI_LISTS:
        for imei in getattr(summary.devices, name, UNSET) or ():
            share_for(len(_encode(imei)) + 1).imeis[name].append(imei)
    for code, count in sorted(summary.error_codes.items()):
        share_for(len(_encode(code)) + 24).error_codes[code] = count
    return shares


def _share_of(summary: Summary, share: _Share, index: int, count: int) -> Summary:
    imeis: dict[str, list[str] | UnsetType] = {**share.imeis}
    if not share.imeis["oversized"]:
        imeis["oversized"] = UNSET
    return structs.replace(
        summary,
        part=Part(index, count),
        devices=structs.replace(summary.devices, **imeis),
        error_codes=share.error_codes,
    )
