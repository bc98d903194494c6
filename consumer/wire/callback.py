"""Input records: any bytes become a value or a rejection, and nothing ever raises.

`decode` has two ways. The fast one serves what nearly every record is, a good callback:
one pass over the value with the items left raw, then a typed pass over each item, which
validates it and yields what the totals need; its bytes are copied out verbatim. Whatever
the fast way does not recognise goes to `_examine`, which starts again and asks one
question after the other, in the order in which the reasons take precedence.

Each value is decoded on its own: joined with its neighbours, a broken value could be
completed by them. A property that is `null` counts as absent, of a repeated key the last
wins, and nesting is limited to `MAX_DEPTH`.

Non-obvious: msgspec's raw values are checked for syntax but not for UTF-8, hence the check
up front; a raw value keeps its whole buffer alive, hence the copies.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import accumulate
from typing import Annotated, Final, Generic, Literal, TypeAlias, TypeVar

from msgspec import DecodeError, Meta, Raw, Struct, ValidationError, json

from consumer.wire.dead_letter import Reason

MAX_DEPTH: Final = 500
"""Nesting that is accepted. The decoder's own limit is the interpreter's recursion limit
less the depth of the call stack; ours lies well below, so that the same bytes get the same
answer wherever they are decoded (a restore must read what was once accepted)."""

_CONTROL: Final = r"[\x00-\x1f\x7f-\x9f]"
"""Control characters; the decoder looks for them apart, only where there may be some."""

Name: TypeAlias = Annotated[str, Meta(max_length=256)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Txid: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=256, extra_json_schema={"not": {"pattern": _CONTROL}})
]
Imeis: TypeAlias = list[Name]
Status: TypeAlias = Literal["QUEUED", "COMPLETED"]

_Item = TypeVar("_Item")
_Usage = TypeVar("_Usage")
_Error = TypeVar("_Error")


class UsageItem(Struct, gc=False, rename="camel"):
    """What one device used. Properties not named here are kept verbatim."""

    imei: Name | None = None
    """The device; need not be numeric. Items without one count in the totals only."""
    number_of_sessions: Count | None = None
    bytes_transferred: Count | None = None


class ErrorResponse(Struct, gc=False, rename="camel"):
    """What ThingSpace answered. Properties not named here are kept verbatim."""

    error_code: Name | None = None
    """What `errorCodes` of reports and metrics records count."""
    error_message: str | None = None
    http_status_code: str | None = None
    detail_error_message: str | None = None


class ErrorItem(Struct, gc=False, rename="camel"):
    """Why a device has no usage. Properties not named here are kept verbatim."""

    imei: Name | None = None
    error_message: str | None = None
    error_response: ErrorResponse | None = None


class Envelope(Struct, Generic[_Usage, _Error], gc=False):
    """ThingSpace's answer for one device of a request, or for several.

    Its items join those of the same txid. Properties not named here are ignored.
    """

    txid: Txid
    """The request that this answers: it is the same in all answers."""
    usage: list[_Usage] | None = None
    errors: list[_Error] | None = None


class Callback(Struct, gc=False):
    """Items for the report of `txid`, each with its bytes as they came. May hold none."""

    txid: str
    usage: list[tuple[bytes, UsageItem]]
    errors: list[tuple[bytes, ErrorItem]]


class Expectation(Struct, gc=False):
    """The devices that `txid` was asked for; none means the whole account."""

    txid: str
    imeis: list[str]


class Acknowledgement(Struct, gc=False):
    """ThingSpace's answer that it took the request."""

    txid: str


class Rejection(Struct, gc=False):
    """Why a value is none of these. `message` is one line and shows none of the value."""

    reason: Reason
    message: str


Decoded: TypeAlias = Callback | Expectation | Acknowledgement | Rejection


_ABSENT: Final = Raw(b"null")


class _Loose(Struct, gc=False):
    """Any object: each property may be anything."""

    txid: Raw = _ABSENT
    usage: Raw = _ABSENT
    errors: Raw = _ABSENT
    imei: Raw = _ABSENT
    status: Raw = _ABSENT


_decode_envelope: Final = json.Decoder(Envelope[Raw, Raw]).decode
_decode_loose: Final = json.Decoder(_Loose).decode
_decode_raw: Final = json.Decoder(Raw).decode
_decode_items: Final = json.Decoder(list[Raw]).decode
_decode_txid: Final = json.Decoder(Txid).decode
_decode_status: Final = json.Decoder(Status).decode
_decode_imeis: Final = json.Decoder(Imeis).decode

decode_usage_item: Final = json.Decoder(UsageItem).decode
"""One element of `usage` from the bytes that `decode` gave, for restores."""

decode_error_item: Final = json.Decoder(ErrorItem).decode
"""One element of `errors` from the bytes that `decode` gave, for restores."""

_find_control: Final = re.compile(_CONTROL).search
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def split_items(packed: bytes) -> list[bytes]:
    """The items of one array, taken apart; `packed` is them joined by commas, as in a report."""
    return [*map(bytes, _decode_items(b"[" + packed + b"]"))]


def decode(value: bytes | None) -> Decoded:
    """What one input value is. Never raises, whatever the bytes."""
    if not value:
        return Rejection(Reason.EMPTY_VALUE, "the record has no value")
    is_text = value.isascii() or _is_utf8(value)
    if not is_text or (len(value) > MAX_DEPTH and is_deep(value)):
        return _unreadable(value)
    try:
        envelope = _decode_envelope(value)
        txid = envelope.txid
        # Not printable are also some characters that a txid may hold: _examine decides.
        if not txid.isprintable():
            return _examine(value)
        if envelope.usage is None and envelope.errors is None:
            return _examine(value)
        usage: list[tuple[bytes, UsageItem]] = []
        errors: list[tuple[bytes, ErrorItem]] = []
        if envelope.usage:
            for raw in envelope.usage:
                item = bytes(raw)
                usage.append((item, decode_usage_item(item)))
        if envelope.errors:
            for raw in envelope.errors:
                item = bytes(raw)
                errors.append((item, decode_error_item(item)))
    except (DecodeError, RecursionError):
        return _examine(value)
    return Callback(txid, usage, errors)


def _examine(value: bytes) -> Decoded:
    """The slow way, for text that is not nested too deep: the object, then its txid."""
    try:
        loose = _decode_loose(value)
    except (DecodeError, RecursionError):
        return _unreadable(value)
    if loose.txid == _ABSENT:
        return Rejection(Reason.MISSING_TXID, "the value has no txid")
    try:
        txid = _decode_txid(loose.txid)
    except DecodeError as error:
        return Rejection(Reason.INVALID_TXID, _placed(error, "txid"))
    if _find_control(txid):
        return Rejection(Reason.INVALID_TXID, "the txid holds control characters")
    return _classify(txid, loose)


def _unreadable(value: bytes) -> Rejection:
    """Why a value is not even an object in JSON."""
    if value[0] == 0:
        return Rejection(
            Reason.FRAMED_VALUE, "the value begins with a zero byte, as Confluent's framing does"
        )
    if not _is_utf8(value):
        return Rejection(Reason.INVALID_UTF8, "the value is not UTF-8")
    if is_deep(value):
        return Rejection(Reason.TOO_DEEP, f"the value is nested more than {MAX_DEPTH} deep")
    try:
        _decode_raw(value)  # a wrong type may have been met before the syntax error
    except RecursionError:
        return Rejection(Reason.TOO_DEEP, "the value is nested too deep for the decoder")
    except DecodeError as error:
        return Rejection(Reason.MALFORMED_JSON, str(error))
    return Rejection(Reason.SCHEMA, "the value is not an object")


def _classify(txid: str, loose: _Loose) -> Decoded:
    """Which kind the other properties make of a value whose txid is good."""
    bare = loose.imei == _ABSENT and loose.status == _ABSENT
    if loose.usage != _ABSENT or loose.errors != _ABSENT or bare:
        try:
            usage = _items(loose.usage, "usage", decode_usage_item)
            errors = _items(loose.errors, "errors", decode_error_item)
        except DecodeError as error:
            return Rejection(Reason.SCHEMA, str(error))
        return Callback(txid, usage, errors)
    if bytes(loose.imei).startswith(b"["):
        try:
            return Expectation(txid, _decode_imeis(loose.imei))
        except DecodeError as error:
            return Rejection(Reason.SCHEMA, _placed(error, "imei"))
    try:
        _decode_status(loose.status)
    except DecodeError:
        return Rejection(
            Reason.UNKNOWN_KIND, "neither a callback nor an expectation nor an acknowledgement"
        )
    return Acknowledgement(txid)


def _items(
    array: Raw, name: str, decode_item: Callable[[bytes], _Item]
) -> list[tuple[bytes, _Item]]:
    """The items of one array; a DecodeError tells the place in the record."""
    if array == _ABSENT:
        return []
    place = name
    items = []
    try:
        for index, raw in enumerate(_decode_items(array)):
            place = f"{name}[{index}]"
            item = bytes(raw)
            items.append((item, decode_item(item)))
    except DecodeError as error:
        raise ValidationError(_placed(error, place)) from error
    return items


def _placed(error: DecodeError, place: str) -> str:
    """The decoder's message about a part of the value, with the path from the top."""
    message = str(error)
    if "`$" in message:
        return message.replace("`$", f"`$.{place}", 1)
    return f"{message} - at `$.{place}`"


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_deep(value: bytes) -> bool:
    """Whether brackets are nested more than `MAX_DEPTH` deep; exact where `value` is JSON.

    Linear, also for hostile input: with escapes out of the way, every second piece between
    quotes lies outside of strings.
    """
    if value.count(b"[") + value.count(b"{") <= MAX_DEPTH:
        return False
    pieces = value.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
    brackets = b"".join(pieces[::2]).translate(None, _NOT_BRACKETS)
    return any(depth > MAX_DEPTH for depth in accumulate(map(_STEPS.__getitem__, brackets)))
