"""Records that no report can be made of: every reason that input alone can cause, in turn.

`late` and `output_refused` are not here: the first depends on the daemon's settings
(`Options.late` provokes it), the second on the topics'.
"""

from __future__ import annotations

from collections.abc import Callable

from consumer.simulator.request import Hostile

_DEPTH = 100_000
"""Deeper than any decoder's recursion limit, yet only 200 kB."""
_LONGEST_TXID = 256

_Maker = Callable[[str, int], bytes]
"""Of a txid that has proper callbacks too, and the turn of this maker."""


def _framed(txid: str, _turn: int) -> bytes:
    return b"\x00\x00\x00\x00\x07" + _record(txid, b'{"imei":"990000000000006"}')


def _invalid_utf8(txid: str, _turn: int) -> bytes:
    return _record(txid, b'{"imei":"990000000000006","example":"\xc3\x28"}')


def _malformed(txid: str, turn: int) -> bytes:
    whole = _record(txid, b'{"imei":"990000000000006","numberOfSessions":1}')
    return whole[: len(whole) - 1 - turn % (len(whole) - 1)]


def _too_deep(txid: str, _turn: int) -> bytes:
    return _record(txid, b'{"example":' + b"[" * _DEPTH + b"]" * _DEPTH + b"}")


def _schema(txid: str, turn: int) -> bytes:
    items = (
        b'{"imei":990000000000006}',
        b'{"imei":"990000000000006","numberOfSessions":"1"}',
        b'{"imei":"990000000000006","bytesTransferred":-1}',
        b'{"imei":"990000000000006","bytesTransferred":9223372036854775808}',
        b'"990000000000006"',
        b'{"imei":"990000000000006"},[]',
    )
    return _record(txid, items[turn % len(items)])


def _missing_txid(_txid: str, turn: int) -> bytes:
    values = (
        b'{"usage":[{"imei":"990000000000006","numberOfSessions":1,"bytesTransferred":1}]}',
        b'{"requestId":"17","deviceResponse":{"usageResponse":{}},"callbackCount":1}',
        b'{"txid":null,"errors":[]}',
    )
    return values[turn % len(values)]


def _invalid_txid(txid: str, turn: int) -> bytes:
    txids = ("", txid + "\\u0007", txid.ljust(_LONGEST_TXID + 1, "x"))
    return _record(txids[turn % len(txids)], b'{"imei":"990000000000006"}')


def _unknown_kind(txid: str, _turn: int) -> bytes:
    return b'{"txid":"%s","status":"CANCELLED"}' % txid.encode()


_MAKERS: tuple[tuple[str, _Maker], ...] = (
    ("empty_value", lambda _txid, _turn: b""),
    ("framed_value", _framed),
    ("invalid_utf8", _invalid_utf8),
    ("malformed_json", _malformed),
    ("too_deep", _too_deep),
    ("schema", _schema),
    ("missing_txid", _missing_txid),
    ("invalid_txid", _invalid_txid),
    ("unknown_kind", _unknown_kind),
)


def hostile(number: int, txid: str, oversized_bytes: int) -> Hostile:
    """The `number`-th hostile record of a run, filed under `txid` (every fourth has no key).

    `oversized_bytes` > 0 adds records with one item of that size to the turns.
    """
    turn, kind = divmod(number, len(_MAKERS) + (oversized_bytes > 0))
    key = txid.encode() if number % 4 else None
    if kind == len(_MAKERS):
        padding = b"x" * max(oversized_bytes - len(b'{"example":""}'), 0)
        return Hostile("oversized_item", key, _record(txid, b'{"example":"%s"}' % padding))
    reason, make = _MAKERS[kind]
    return Hostile(reason, key, make(txid, turn))


def _record(txid: str, items: bytes) -> bytes:
    return b'{"txid":"%s","usage":[%s]}' % (txid.encode(), items)
