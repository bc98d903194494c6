"""The rules for input records once more, as plainly as they can be put.

Reads with Python's own `json` and shares nothing with `consumer/wire` but the names of the
reasons. Knows no limit of nesting.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from consumer.wire.dead_letter import Reason


def kind(value: bytes) -> Reason | str:
    """`callback`, `expectation`, `acknowledgement`, or the reason why it is none of them."""
    if not value:
        return Reason.EMPTY_VALUE
    if value[0] == 0:
        return Reason.FRAMED_VALUE
    try:
        record = json.loads(
            value.decode(), parse_constant=_refuse, object_pairs_hook=_object_of_text
        )
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        return Reason.INVALID_UTF8
    except ValueError:
        return Reason.MALFORMED_JSON
    if not isinstance(record, dict):
        return Reason.SCHEMA
    return _txid_reason(record.get("txid")) or _kind_of_object(record)


def is_usage(item: Any) -> bool:
    """Whether `item` may stand in `usage`."""
    return (
        isinstance(item, dict)
        and _is_string(item.get("imei"), 256)
        and _is_count(item.get("numberOfSessions"))
        and _is_count(item.get("bytesTransferred"))
    )


def is_error(item: Any) -> bool:
    """Whether `item` may stand in `errors`."""
    return (
        isinstance(item, dict)
        and _is_string(item.get("imei"), 256)
        and _is_string(item.get("errorMessage"))
        and (item.get("errorResponse") is None or _is_response(item["errorResponse"]))
    )


def _is_response(response: Any) -> bool:
    return (
        isinstance(response, dict)
        and _is_string(response.get("errorCode"), 256)
        and _is_string(response.get("errorMessage"))
        and _is_string(response.get("httpStatusCode"))
        and _is_string(response.get("detailErrorMessage"))
    )


def _txid_reason(txid: Any) -> Reason | None:
    if txid is None:
        return Reason.MISSING_TXID
    if not isinstance(txid, str) or not 1 <= len(txid) <= 256:
        return Reason.INVALID_TXID
    if any(ord(char) < 32 or 127 <= ord(char) < 160 for char in txid):
        return Reason.INVALID_TXID
    return None


def _kind_of_object(record: dict[str, Any]) -> Reason | str:
    usage, errors, imei, status = map(record.get, ("usage", "errors", "imei", "status"))
    if not (usage is errors is None) or imei is status is None:
        good = _are(usage, is_usage) and _are(errors, is_error)
        return "callback" if good else Reason.SCHEMA
    if isinstance(imei, list):
        good = all(isinstance(name, str) and len(name) <= 256 for name in imei)
        return "expectation" if good else Reason.SCHEMA
    return "acknowledgement" if status in ["QUEUED", "COMPLETED"] else Reason.UNKNOWN_KIND


def _are(array: Any, is_good: Callable[[Any], bool]) -> bool:
    return array is None or (isinstance(array, list) and all(map(is_good, array)))


def _is_string(value: Any, longest: float = float("inf")) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= longest)


def _is_count(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value < 2**63)


def _object_of_text(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Python's json lets lone surrogates pass, which are no text: here they raise."""
    json.dumps(pairs, ensure_ascii=False).encode()
    return dict(pairs)


def _refuse(constant: str) -> None:
    raise ValueError(constant)
