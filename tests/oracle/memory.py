"""How much memory a txid takes by the program's account, stated here a second time.

The contract wants a fixed formula over the content and leaves its figures open. These are the
figures as they were agreed, not read from the program: where they differ from what it counts,
another txid gives way, and that shows. Bytes, beside the characters of the content itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.oracle.txid import Txid
from tests.oracle.values import Item

_TXID = 650
_MARKED_TXID = 640
_SECOND_ARRAY = 330
_ERROR_CODE = 90
_EXPECTED_IMEI = 80
"""Of an expected IMEI, and of the name of an item that was too large for any report."""
_FIRST_ITEM = 130
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
    errors = entry.of("errors")
    codes = {item.error_code for item in errors if item.error_code is not None}
    return (
        _TXID
        + len(entry.txid)
        + _of_array(entry.of("usage"))
        + _of_array(errors)
        + (_SECOND_ARRAY if errors else 0)
        + sum(_ERROR_CODE + len(code) for code in codes)
        + sum(_EXPECTED_IMEI + len(imei) for imei in entry.expected or ())
        + sum(_EXPECTED_IMEI + len(imei) for imei in entry.oversized)
    )


def _of_array(array: Sequence[Item]) -> int:
    imeis = {item.imei for item in array}
    further = len(array) - len(imeis)
    return (
        sum(len(item.text.encode()) for item in array)
        + sum(_FIRST_ITEM + len(imei or "") for imei in imeis)
        + further * _FURTHER_ITEM
        + (len(array) * _DIGEST_OF_ITEM if further else 0)
    )
