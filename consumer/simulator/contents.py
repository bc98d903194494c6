"""Draws what requests ask for and what their devices answer.

Only `random()` is used of Python's generator, and integer arithmetic on it: that is the
one method whose sequence Python promises not to change. Everything is drawn in one fixed
order, so a request's contents depend on the options that shape contents alone, never on
rates and delays.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator

from consumer.simulator.hostile import hostile
from consumer.simulator.options import MOST_DEVICES, MOST_RETRIES, Options
from consumer.simulator.request import Answer, Request

_MOST_SESSIONS = 50
_MOST_SESSION_BYTES = 100_000

_QUEUED = 0.8
"""Share of acknowledgements that say QUEUED rather than COMPLETED."""

_SERIALS = 1_000_000
_STRIDE = 7_919
"""Coprime to `_SERIALS`: serial numbers look scattered and are all different."""
_TYPE_CODES = ("35209900", "86472803", "99001234", "01438700")

_ERRORS = tuple(
    (
        code,
        b',"errorMessage":"%s","errorResponse":{"errorCode":"%s","errorMessage":"%s",'
        b'"httpStatusCode":"%s","detailErrorMessage":"%s"}}'
        % (text.encode(), code.encode(), text.encode(), status.encode(), detail.encode()),
    )
    for code, text, status, detail in (
        ("UNAUTHORIZED", "Access denied", "401 UNAUTHORIZED", "The session token has expired"),
        ("INVALID_ACCESS", "Not your device", "403 FORBIDDEN", "Device of another account"),
        ("INVALID_PARAMETER", "Unknown device", "404 NOT_FOUND", "No device with this IMEI"),
        ("INTERNAL_ERROR", "Try again later", "500 INTERNAL_SERVER_ERROR", "Usage unavailable"),
        ("SUCCESS", "Nothing to report", "304 NOT_MODIFIED", "No sessions in this period"),
    )
)

_UNKNOWN = (
    b',"example":{"key1":"val1","key2":"val2"}',
    b', "servicePlan": "M2M 5MB", "roaming": false',
    b',"aggregatedOn":"2026-11-23","ratio":1.0,"quota":null',
    b',"label":"caf\\u00e9 \xe2\x98\x95","tags":[ "a", "b" ]',
    b',"iccid":89148000000012345678901234567890',
)
"""Spelled in several ways on purpose: items must come out of the daemon verbatim."""


def stream(seed: int, purpose: str) -> Callable[[], float]:
    """An endless sequence of numbers in [0, 1), one of its own per seed and purpose."""
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest()
    return random.Random(int.from_bytes(digest)).random  # noqa: S311  (nothing to guess here)


def requests(options: Options) -> Iterator[Request]:
    """The requests of a plan, in the order in which they are made; the same every time."""
    draw = stream(options.seed, "contents")
    account = _account(draw)
    ring = account + account
    spread = options.devices_max - options.devices_min + 1
    hostiles = 0
    for number in range(options.requests):
        first = int(draw() * len(account))
        imeis = ring[first : first + options.devices_min + int(draw() * spread)]
        txid = _txid(options.seed, number)
        answers = _answers(imeis, options, draw)
        spoilt = sum(draw() < options.hostile for _ in answers)
        acknowledged = draw() < options.acknowledgements
        yield Request(
            txid,
            imeis,
            answers,
            ("QUEUED" if draw() < _QUEUED else "COMPLETED") if acknowledged else None,
            draw() < options.expectations,
            tuple(
                hostile(hostiles + turn, txid, options.oversized_bytes) for turn in range(spoilt)
            ),
        )
        hostiles += spoilt


def _answers(
    imeis: tuple[str, ...], options: Options, draw: Callable[[], float]
) -> tuple[Answer, ...]:
    answers = []
    for imei in imeis:
        fate = draw()
        if fate < options.silent:
            continue
        late = fate < options.silent + options.late
        retries = 0
        while retries < MOST_RETRIES and draw() < options.retries:
            retries += 1
        if draw() < options.errors:
            code, rest = _ERRORS[int(draw() * len(_ERRORS))]
            item = b'{"imei":"%s"%s' % (imei.encode(), rest)
            answers.append(Answer(imei, item, code, 0, 0, late, retries))
            continue
        sessions = int(draw() * _MOST_SESSIONS)  # 0 is an answer too
        transferred = sessions * int(draw() * _MOST_SESSION_BYTES)
        known = draw() >= options.unknown
        item = b'{"imei":"%s","numberOfSessions":%d,"bytesTransferred":%d%s}' % (
            imei.encode(),
            sessions,
            transferred,
            b"" if known else _UNKNOWN[int(draw() * len(_UNKNOWN))],
        )
        answers.append(Answer(imei, item, None, sessions, transferred, late, retries))
    return tuple(answers)


def _txid(seed: int, number: int) -> str:
    """Shaped like a random (version 4) UUID, but made of seed and number."""
    digits = hashlib.blake2b(f"{seed}/{number}".encode(), digest_size=16).hexdigest()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _account(draw: Callable[[], float]) -> tuple[str, ...]:
    """The IMEIs of an account: different ones, 15 digits, the last a Luhn check digit."""
    offset = int(draw() * _SERIALS)
    return tuple(
        _with_check_digit(
            f"{_TYPE_CODES[number % len(_TYPE_CODES)]}{(offset + number * _STRIDE) % _SERIALS:06d}"
        )
        for number in range(MOST_DEVICES)
    )


def _with_check_digit(digits: str) -> str:
    """Append the Luhn digit (3GPP TS 23.003, annex B) to 14 digits."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[1::2])
    return f"{digits}{-(doubled + sum(map(int, digits[::2]))) % 10}"
