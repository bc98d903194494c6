"""Random input of one partition, made so that things happen to each other.

There are few txids, few devices and few different items, in several spellings; timestamps
stand still, crawl, go back, and jump to and over deadlines; settings are small.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

from consumer.aggregation.partition import UNBOUNDED
from consumer.aggregation.policy import Policy

WALL_MS = 1_000_000
SKEW_MS = 500
"""Where the wall clock stands all the while, so that batches do not show in its bound."""

UNLIMITED = 1_000_000
"""Records of a batch, or reports of a transaction."""

TXIDS = ("a", "b", "ä b", '"' * 256)
IMEIS = ("1", "2", "3", "4", None)
LONG_IMEIS = tuple(digit * 256 for digit in "äbcdefghijklmnop")
"""Enough to split a report whose `missing` names them."""

REPORT_BYTES = 6_596
"""A small limit: two fat items fill a report."""


class Input(NamedTuple):
    """A record. Offsets have gaps, as transactions of producers leave them."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None

    def __repr__(self) -> str:
        fields = (self.offset, self.timestamp_ms, self.key, reprlib.repr(self.value))
        return f"Input({', '.join(map(str, fields))})"


class Payload(NamedTuple):
    """Key and value of a record."""

    key: bytes | None
    value: bytes | None

    def __repr__(self) -> str:
        return f"Payload({self.key!r}, {reprlib.repr(self.value)})"


class Idle(NamedTuple):
    """The partition is consumed to its end, and time goes on until the clock stands here."""

    until_ms: int


Event = Input | Idle


_Drawn = TypeVar("_Drawn")


def weighted(*choices: tuple[int, st.SearchStrategy[_Drawn]]) -> st.SearchStrategy[_Drawn]:
    """One of several strategies, each so many times (`one_of` drops what is repeated)."""
    indices = [index for index, (weight, _) in enumerate(choices) for _ in range(weight)]
    return st.sampled_from(indices).flatmap(lambda index: choices[index][1])


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
_SIZES = (2_000, REPORT_BYTES - 4_096)
_TOO_LARGE = REPORT_BYTES - 4_095


def _fat(imei: str | None, size: int) -> str:
    """An item of this many bytes."""
    text = _compact(_item(imei, bytesTransferred=1, x=""))
    return text[:-2] + "y" * (size - len(text)) + text[-2:]


def _huge(blank: str) -> str:
    """An item that cannot be made canonical."""
    return f'{{"imei":{blank}"1","x":{"9" * 5_000}}}'


def _one_of(texts: Sequence[str]) -> st.SearchStrategy[str]:
    """Drawn by its number: hypothesis spells out, and keeps, what it draws."""
    return st.integers(0, len(texts) - 1).map(lambda index: texts[index])


def _spelled(items: Sequence[Any]) -> list[str]:
    return [spell(item) for item in items for spell in _SPELLINGS]


_FATS = [_fat(imei, size) for size in _SIZES for imei in ("1", "2", "", None)]
_LARGE = [*_FATS, _fat("1", _TOO_LARGE), _fat(None, _TOO_LARGE)]
_usage = _one_of([*_spelled(_USAGE), _huge(""), _huge(" "), *_LARGE])
_errors = _one_of([*_spelled(_ERRORS), *_LARGE])

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
OTHERS = (
    b'{"txid":"a","status":"QUEUED"}',
    b'{"txid":"b","status":"COMPLETED"}',
    b'{"txid":"a"}',
    b'{"txid":"b","usage":null,"callbackCount":3}',
)

# -------------------------------------------------------------------------------- streams


_txids = st.sampled_from(["a", *TXIDS])


def _callback(txid: str, usage: list[str], errors: list[str]) -> bytes:
    arrays = [("usage", usage), ("errors", errors)]
    fields = [f'"{name}":[{",".join(items)}]' for name, items in arrays if items]
    return (
        "{" + ",".join([f'"txid":{_compact(txid)}', *(fields or ['"usage":[]'])]) + "}"
    ).encode()


callbacks = st.builds(
    _callback,
    _txids,
    st.lists(_usage, max_size=3),
    st.lists(_errors, max_size=2),
)
fat_callbacks = st.builds(
    _callback,
    _txids,
    st.lists(_one_of(_FATS), min_size=2, max_size=4),
    st.lists(_one_of(_FATS), max_size=1),
)


def _expectation(txid: str, imeis: Sequence[str]) -> bytes:
    return f'{{"txid":{_compact(txid)},"imei":{_compact(imeis)}}}'.encode()


_devices = st.sampled_from(["1", "2", "1", "2", "3", "4", "5", ""])
expectations = st.builds(
    _expectation,
    _txids,
    st.lists(_devices, max_size=2),
)
long_expectations = st.builds(
    _expectation,
    _txids,
    st.integers(1, len(LONG_IMEIS)).map(lambda count: LONG_IMEIS[-count:]),
)
others = st.integers(0, len(HOSTILE + OTHERS) - 1).map(lambda index: (OTHERS + HOSTILE)[index])
values = weighted(
    (9, callbacks), (1, fat_callbacks), (3, expectations), (1, long_expectations), (1, others)
)


def payloads(values: st.SearchStrategy[bytes | None]) -> st.SearchStrategy[Payload]:
    """These values with keys, most of them wrong."""
    return st.builds(Payload, st.sampled_from([None, b"a", b"b"]), values)


policies = st.builds(
    Policy,
    app=st.just("app"),
    topic=st.just("callbacks"),
    device_limit=st.sampled_from([0, 0, 1, 2, 3, 3, 4]),
    inactivity_ms=st.sampled_from([1, 40, 100, 100]),
    max_age_ms=st.sampled_from([30, 100, 250, 250]),
    remember_ms=st.sampled_from([1, 60, 400, 400, 400]),
    clock_skew_ms=st.just(SKEW_MS),
    window_ms=st.sampled_from([7, 90, 100, 1_000]),
    revise=st.sampled_from([True, True, False]),
    report_bytes=st.sampled_from([REPORT_BYTES, REPORT_BYTES, 900_000]),
    txid_bytes=st.sampled_from([1_500, 4_000, 2**25, 2**25]),
)
small_shares = st.sampled_from([2_000, 4_000, 8_000])
"""Memory of a partition, for a few txids."""
shares = small_shares | st.just(UNBOUNDED)

most_reports = st.sampled_from([1, 1, 2, 3, UNLIMITED])
steps_ms = st.sampled_from(
    [*9 * [0], 1, 1, 1, 7, 7, 7, 29, 30, 30, 40, 60, 100, 101, 250, 700, 3_000, -50]
)
odd_times_ms = st.sampled_from([0, -1, 4_102_444_800_000])


class Move(NamedTuple):
    """Time goes on, or back, by so much; then comes a record, or idleness where there is none."""

    step_ms: int
    odd_ms: int | None
    """A timestamp to replace the right one."""
    payload: Payload | None


_moves = st.builds(
    Move,
    steps_ms,
    weighted((30, st.none()), (1, odd_times_ms)),
    weighted((30, payloads(values)), (1, st.none())),
)


def events(*, most: int = 60) -> st.SearchStrategy[list[Event]]:
    """Records, and now and then a time of idleness, in order."""
    return st.tuples(
        st.sampled_from([1, 995, WALL_MS - 100]), st.lists(_moves, min_size=10, max_size=most)
    ).map(lambda drawn: _events(*drawn))


def _events(at_ms: int, moves: Sequence[Move]) -> list[Event]:
    found: list[Event] = []
    clock_ms = 0
    for number, (step_ms, odd_ms, payload) in enumerate(moves):
        if payload is None:
            clock_ms += abs(step_ms)
            at_ms = max(at_ms, clock_ms)
            found.append(Idle(clock_ms))
            continue
        at_ms = max(at_ms + step_ms, 1)
        timestamp_ms = at_ms if odd_ms is None else odd_ms
        clock_ms = max(clock_ms, bounded(timestamp_ms))
        found.append(Input(10 + 3 * number, timestamp_ms, payload.key, payload.value))
    return found


def bounded(timestamp_ms: int) -> int:
    """A timestamp as the skew bound leaves it."""
    return min(timestamp_ms, WALL_MS + SKEW_MS)
