"""How much memory a txid takes by the program's account, stated here a second time.

The contract wants a fixed formula over the content and leaves its figures open. An open txid
has its items one by one; a remembered one has them in one piece, however it got there. These
are the figures as they were agreed, not read from the program: where they differ from what it
counts, another txid gives way, and that shows. Bytes, beside the characters of the content.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.oracle.txid import Txid
from tests.oracle.values import Item

_TXID = 640
_MARKED_TXID = 640
_SECOND_ARRAY = 130
_ERROR_CODE = 90
_EXPECTED_IMEI = 80
"""Of an expected IMEI, and of the name of an item that was too large for any report."""
_FIRST_ITEM = 120
"""Of an IMEI and its first item in an array."""
_FURTHER_ITEM = 33
_DIGEST_OF_ITEM = 110
"""Of each item of an array in which any IMEI has more than one."""
_DIGEST_IN_MARK = 16


def memory(entry: Txid) -> int:
    """Of one txid, open, remembered, or only marked."""
    known = len(entry.items) + len(entry.expected or ())
    if entry.is_mark:
        return _MARKED_TXID + len(entry.txid) + known * _DIGEST_IN_MARK
    of_array = _spread if entry.closed_at is None else _packed
    usage, errors = entry.of("usage"), entry.of("errors")
    codes = {item.error_code for item in errors if item.error_code is not None}
    return (
        _TXID
        + len(entry.txid)
        + of_array(usage)
        + (_SECOND_ARRAY + of_array(errors) if errors else 0)
        + sum(_ERROR_CODE + len(code) for code in codes)
        + sum(_EXPECTED_IMEI + len(imei) for imei in entry.expected or ())
        + sum(_EXPECTED_IMEI + len(imei) for imei in entry.oversized)
    )


def _spread(array: Sequence[Item]) -> int:
    """Of the items of an open txid, which is still looking for equal ones."""
    imeis = {item.imei for item in array}
    further = len(array) - len(imeis)
    return (
        sum(_size(item) for item in array)
        + sum(_FIRST_ITEM + len(imei or "") for imei in imeis)
        + further * _FURTHER_ITEM
        + (len(array) * _DIGEST_OF_ITEM if further else 0)
    )


def _packed(array: Sequence[Item]) -> int:
    """Of the items of a remembered one: as they stand in its report, with their commas."""
    return sum(_size(item) for item in array) + max(len(array) - 1, 0)


def _size(item: Item) -> int:
    return len(item.text.encode())
