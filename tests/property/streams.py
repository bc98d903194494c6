"""Random input of one partition, made so that things happen to each other.

There are few txids, few devices and few different items, in several spellings; timestamps
stand still, crawl, go back, and jump to and over deadlines; settings are small.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from consumer.aggregation.policy import Policy

WALL_MS = 1_000_000
SKEW_MS = 500
"""Where the wall clock stands all the while, so that batches do not show in its bound."""

TXIDS = ("a", "b", "ä b", "7b2a4c52-9a1e-4f51-8d43-1a2b3c4d5e6f")
IMEIS = ("1", "2", "3", "4", None)


class Input(NamedTuple):
    """A record. Offsets have gaps, as transactions of producers leave them."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


class Idle(NamedTuple):
    """The partition is consumed to its end, and time goes on until the clock stands here."""

    until_ms: int


Event = Input | Idle

# ------------------------------------------------------------------------------ spellings


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _spaced(value: Any) -> str:
    return json.dumps(value, indent=1, separators=(" ,", " :\t"))


def _reordered(value: Any) -> str:
    turned = dict(reversed(value.items())) if isinstance(value, dict) else value
    return _compact(turned)


def _repeated(value: Any) -> str:
    return "{" + ",".join(f'"{key}":{_compact(value[key])}' for key in [*value, *value]) + "}"


_SPELLINGS: tuple[Callable[[Any], str], ...] = (_compact, _compact, _spaced, _reordered, _repeated)


def _item(imei: str | None, **more: Any) -> dict[str, Any]:
    return {**({} if imei is None else {"imei": imei}), **more}


_USAGE = [
    _item(imei, **more)
    for imei in IMEIS
    for more in (
        {"numberOfSessions": 1, "bytesTransferred": 10},
        {"numberOfSessions": 2, "bytesTransferred": 2**63 - 1},
        {"x": 1},
        {"x": 1.0},
        {"x": True},
        {"x": None},
    )
]
_ERRORS = [
    _item(imei, **more)
    for imei in IMEIS
    for more in (
        {"errorMessage": "ä", "errorResponse": {"errorCode": "E1"}},
        {"errorResponse": {"errorCode": "E2", "x": [1, {"y": None}]}},
        {"x": 1},
    )
]
_HUGE = '{"imei":"1","x":%s}' % ("9" * 5_000)

_usage = st.builds(
    lambda item, spell: spell(item), st.sampled_from(_USAGE), st.sampled_from(_SPELLINGS)
) | st.sampled_from([_HUGE, _HUGE.replace(":", ": ")])
_errors = st.builds(
    lambda item, spell: spell(item), st.sampled_from(_ERRORS), st.sampled_from(_SPELLINGS)
)

HOSTILE = (
    None,
    b"",
    b"\x00\x00\x00\x00\x01{}",
    b'{"txid":"a","usage":[{"imei":"\xff"}]}',
    b'{"txid":"a","usage":[{"imei":"1"}',
    b"[" * 501 + b"]" * 501,
    b'{"txid":"a","usage":[{"imei":"1"},{"imei":"2","numberOfSessions":-1}]}',
    b'{"txid":"a","usage":{"imei":"1"}}',
    b'{"usage":[{"imei":"1"}]}',
    b'{"txid":"","usage":[]}',
    b'{"txid":"a","status":"DONE"}',
    b"[]",
)
_OTHERS = (
    b'{"txid":"a","imei":["1","2"]}',
    b'{"txid":"b","imei":[]}',
    b'{"txid":"a","status":"QUEUED"}',
    b'{"txid":"a"}',
    b'{"txid":"b","usage":null,"callbackCount":3}',
)

# -------------------------------------------------------------------------------- streams


def _callback(txid: str, usage: list[str], errors: list[str]) -> bytes:
    arrays = [("usage", usage), ("errors", errors)]
    fields = [f'"{name}":[{",".join(items)}]' for name, items in arrays if items]
    return (
        "{" + ",".join([f'"txid":{_compact(txid)}', *(fields or ['"usage":[]'])]) + "}"
    ).encode()


callbacks = st.builds(
    _callback,
    st.sampled_from(TXIDS),
    st.lists(_usage, max_size=3),
    st.lists(_errors, max_size=2),
)
values = st.one_of(
    callbacks, callbacks, callbacks, callbacks, callbacks, st.sampled_from(HOSTILE + _OTHERS)
)

policies = st.builds(
    Policy,
    app=st.just("app"),
    topic=st.just("callbacks"),
    device_limit=st.sampled_from([0, 1, 2, 3, 3, 3, 4]),
    inactivity_ms=st.sampled_from([1, 40, 100]),
    max_age_ms=st.sampled_from([30, 100, 250]),
    remember_ms=st.sampled_from([1, 60, 400]),
    clock_skew_ms=st.just(SKEW_MS),
    window_ms=st.sampled_from([7, 90, 100, 1_000]),
)

_STEPS = st.sampled_from([0, 0, 0, 0, 1, 1, 7, 29, 30, 40, 60, 100, 101, 250, 700, 3_000, -50])
_ODD_TIMES = st.sampled_from([0, -1, 4_102_444_800_000])


@st.composite
def events(draw: st.DrawFn, *, most: int = 60) -> list[Event]:
    """Records, and now and then a time of idleness, in order."""
    found: list[Event] = []
    clock_ms = 0
    at_ms = draw(st.sampled_from([1, 995, WALL_MS - 100]))
    for number in range(draw(st.integers(1, most))):
        step_ms = draw(_STEPS)
        chance = draw(st.integers(0, 40))
        if chance == 0:
            clock_ms += abs(step_ms)
            at_ms = max(at_ms, clock_ms)
            found.append(Idle(clock_ms))
            continue
        at_ms = max(at_ms + step_ms, 1)
        timestamp_ms = draw(_ODD_TIMES) if chance == 1 else at_ms
        clock_ms = max(clock_ms, bounded(timestamp_ms))
        key = draw(st.sampled_from([None, b"a", b"b"]))
        found.append(Input(10 + 3 * number, timestamp_ms, key, draw(values)))
    return found


def bounded(timestamp_ms: int) -> int:
    """A timestamp as the skew bound leaves it."""
    return min(timestamp_ms, WALL_MS + SKEW_MS)
