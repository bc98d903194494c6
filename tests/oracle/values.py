"""What kind of input record some bytes are: the contract's table, read from top to bottom."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.oracle import jsontext

_MOST = 2**63 - 1
_LONGEST = 256
_DEEPEST = 500
_ITEM_STRINGS = {"usage": {"imei"}, "errors": {"imei", "errorMessage"}}
_ITEM_COUNTS = {"usage": {"numberOfSessions", "bytesTransferred"}, "errors": set[str]()}
_RESPONSE_STRINGS = {"errorCode", "errorMessage", "httpStatusCode", "detailErrorMessage"}
_LIMITED = {"imei", "errorCode"}


@dataclass(frozen=True)
class Item:
    """One element of `usage` or `errors`, verbatim, with the properties that are used."""

    text: str
    identity: tuple[str, str]
    imei: str | None
    sessions: int
    bytes_transferred: int
    error_code: str | None


@dataclass(frozen=True)
class Callback:
    txid: str
    usage: tuple[Item, ...]
    errors: tuple[Item, ...]

    @property
    def items(self) -> list[tuple[str, Item]]:
        """All items with the name of their array, in order."""
        return [("usage", item) for item in self.usage] + [("errors", item) for item in self.errors]


@dataclass(frozen=True)
class Expectation:
    txid: str
    imeis: tuple[str, ...]


@dataclass(frozen=True)
class Acknowledgement:
    txid: str


@dataclass(frozen=True)
class Bad:
    """A dead letter by its bytes alone."""

    reason: str


Value: TypeAlias = Callback | Expectation | Acknowledgement | Bad


class _RejectedError(Exception):
    """Carries the reason."""


def classify(value: bytes | None) -> Value:
    """The one kind that a record with this value counts in."""
    try:
        return _kind(_present(_object(value)))
    except _RejectedError as rejected:
        return Bad(str(rejected))


def _object(value: bytes | None) -> str:
    """The text of the JSON object that a value must be."""
    if not value:
        raise _RejectedError("empty_value")
    if value[0] == 0:
        raise _RejectedError("framed_value")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise _RejectedError("invalid_utf8") from None
    if jsontext.depth(text) > _DEEPEST:
        raise _RejectedError("too_deep")
    try:
        jsontext.check(text)
    except ValueError:
        raise _RejectedError("malformed_json") from None
    text = text.strip(" \t\n\r")
    if not text.startswith("{"):
        raise _RejectedError("schema")
    return text


def _kind(fields: dict[str, str]) -> Callback | Expectation | Acknowledgement:
    txid = _txid(fields)
    named = fields.keys() & {"usage", "errors", "imei", "status"}
    if named & {"usage", "errors"} or not named:
        return Callback(txid, _items(fields, "usage"), _items(fields, "errors"))
    if fields.get("imei", "").startswith("["):
        imeis = [_string("imei", element) for element in jsontext.elements(fields["imei"])]
        return Expectation(txid, tuple(imeis))
    if fields.get("status") in ('"QUEUED"', '"COMPLETED"'):
        return Acknowledgement(txid)
    raise _RejectedError("unknown_kind")


def _txid(fields: dict[str, str]) -> str:
    if "txid" not in fields:
        raise _RejectedError("missing_txid")
    if not fields["txid"].startswith('"'):
        raise _RejectedError("invalid_txid")
    txid: str = json.loads(fields["txid"])
    if not 1 <= len(txid) <= _LONGEST or any(
        unicodedata.category(character) == "Cc" for character in txid
    ):
        raise _RejectedError("invalid_txid")
    return txid


def _present(text: str) -> dict[str, str]:
    """Members of an object; the last of a repeated key wins, null counts as absent."""
    return {key: value for key, value in dict(jsontext.members(text)).items() if value != "null"}


def _items(fields: dict[str, str], array: str) -> tuple[Item, ...]:
    text = fields.get(array, "[]")
    if not text.startswith("["):
        raise _RejectedError("schema")
    return tuple(_item(element, array) for element in jsontext.elements(text))


def _item(text: str, array: str) -> Item:
    if not text.startswith("{"):
        raise _RejectedError("schema")
    for key, value in jsontext.members(text):  # each occurrence of a repeated key must be sound
        if value == "null":
            continue
        if key in _ITEM_STRINGS[array]:
            _string(key, value)
        elif key in _ITEM_COUNTS[array]:
            _count(value)
        elif array == "errors" and key == "errorResponse":
            _check_response(value)
    fields = _present(text)
    response = _present(fields["errorResponse"]) if _has_response(fields, array) else {}
    counts = fields if array == "usage" else {}
    return Item(
        text=text,
        identity=jsontext.identity(text),
        imei=_string("imei", fields["imei"]) if "imei" in fields else None,
        sessions=_count(counts.get("numberOfSessions", "0")),
        bytes_transferred=_count(counts.get("bytesTransferred", "0")),
        error_code=(
            _string("errorCode", response["errorCode"]) if "errorCode" in response else None
        ),
    )


def _has_response(fields: dict[str, str], array: str) -> bool:
    return array == "errors" and "errorResponse" in fields


def _check_response(text: str) -> None:
    if not text.startswith("{"):
        raise _RejectedError("schema")
    for key, value in jsontext.members(text):
        if key in _RESPONSE_STRINGS and value != "null":
            _string(key, value)


def _string(name: str, text: str) -> str:
    value = _parsed(text)
    if not isinstance(value, str) or (name in _LIMITED and len(value) > _LONGEST):
        raise _RejectedError("schema")
    return value


def _count(text: str) -> int:
    value = _parsed(text)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
        raise _RejectedError("schema")
    return value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # an integer of thousands of digits
        raise _RejectedError("schema") from None
