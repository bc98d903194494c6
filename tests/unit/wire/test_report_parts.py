"""Reports that are too large for one record (DESIGN 2.4)."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from msgspec import UNSET

from consumer.wire import report
from consumer.wire.report import (
    FRAME_BYTES,
    CompletedBy,
    Devices,
    Outcome,
    Part,
    Report,
    Source,
    Summary,
    divide,
    part_key,
)

LIMIT = 10_000
ROOM = LIMIT - FRAME_BYTES


def summary(**lists: list[str]) -> Summary:
    """The longest one that cannot be divided, with these lists of IMEIs."""
    names = ("missing", "unexpected", "repeated", "conflicting")
    devices = Devices(2**62, 2**62, 2**62, *(lists.get(name, []) for name in names))
    if "oversized" in lists:
        devices.oversized = lists["oversized"]
    return Summary(
        outcome=Outcome.UNCONFIRMED,
        completed_by=CompletedBy.EXPECTED_DEVICES,
        revision=2**62,
        part=Part(1, 1),
        devices=devices,
        number_of_sessions=10**40,
        bytes_transferred=10**40,
        error_codes={},
        callbacks=2**62,
        duplicates=2**62,
        opened_at="2026-11-24T02:31:52.123Z",
        closed_at="2026-11-24T02:31:58.001Z",
        source=Source("t" * 249, 2**31, 2**62, 2**62),
    )


TXID = "\U0001f4e6" * 256
"""The longest there is, in bytes."""


def parts_of(
    usage: list[bytes], errors: list[bytes], whole: Summary, txid: str = TXID
) -> list[Report]:
    """The parts, each within the limit and the same but for what is divided."""
    values = divide(txid, usage, errors, whole, LIMIT)
    assert max(map(len, values)) <= LIMIT
    parts = [report.decode(value) for value in values]
    assert [part.summary.part for part in parts] == [
        Part(index, len(parts)) for index in range(1, len(parts) + 1)
    ]
    assert len({constant(value) for value in values}) == 1
    return parts


def constant(value: bytes) -> str:
    """All that stands in each part."""
    found: dict[str, Any] = json.loads(value)
    assert list(found) == ["txid", "usage", "errors", "summary"]
    del found["usage"], found["errors"], found["summary"]["part"], found["summary"]["errorCodes"]
    devices = found["summary"]["devices"]
    for name in ("missing", "unexpected", "repeated", "conflicting"):
        del devices[name]
    devices.pop("oversized", None)
    return json.dumps(found)


def union(parts: list[Report], name: str) -> list[Any]:
    """What the parts have of a list, one after the other."""
    if name in {"usage", "errors"}:
        return [bytes(raw) for part in parts for raw in getattr(part, name)]
    lists = [getattr(part.summary.devices, name) for part in parts]
    return [imei for imeis in lists if imeis is not UNSET for imei in imeis]


def test_what_fits_into_one_part_is_the_report_itself() -> None:
    """The very one that it is undivided; with one byte less of room it is two."""
    usage = [b'"%0998d"' % number for number in range(7)]
    whole = report.encode("t", b",".join(usage), b"", summary())
    room = sum(len(item) + 1 for item in usage)
    assert divide("t", usage, [], summary(), room + FRAME_BYTES) == [whole]
    assert len(divide("t", usage, [], summary(), room + FRAME_BYTES - 1)) == 2


@pytest.mark.parametrize("seed", range(30))
def test_the_parts_together_are_the_report(seed: int) -> None:
    """Items, IMEIs and error codes in their order, none twice, none lost, whatever their sizes."""
    rng = random.Random(seed)  # noqa: S311 - the same sizes every time

    def sizes() -> list[int]:
        largest = rng.choice((10, 300, 2_000, ROOM))
        return [rng.randrange(4, largest) for _ in range(rng.choice((0, 1, 5, 60)))]

    items = [[b'"' + b"x" * (size - 2) + b'"' for size in sizes()] for _ in range(2)]
    names = ("missing", "unexpected", "repeated", "conflicting", "oversized")
    lists = {
        name: [
            f"{number}".rjust(rng.randrange(3, 256), rng.choice('x\x01"ä'))
            for number in range(count)
        ]
        for name in names
        if (count := rng.choice((0, 1, 40, 400)))
    }
    whole = summary(**lists)
    whole.error_codes = {
        f"{number}".rjust(rng.randrange(3, 256), rng.choice("x\x01")): 10**18
        for number in range(rng.choice((0, 3, 200)))
    }
    parts = parts_of(items[0], items[1], whole)
    assert union(parts, "usage") == items[0]
    assert union(parts, "errors") == items[1]
    for name in names:
        assert union(parts, name) == lists.get(name, [])
    codes = [code for part in parts for code in part.summary.error_codes]
    assert sorted(codes) == sorted(whole.error_codes)
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("before", [0, 1, ROOM // 2, ROOM - 1])
def test_an_item_near_the_limit_gets_a_part_to_itself(before: int) -> None:
    """It does not push its part over the limit, wherever it stands."""
    near = b'"' + b"x" * (ROOM - 2) + b'"'
    usage = [b'"' + b"y" * before + b'"', near, near, b"1"]
    parts = parts_of(usage[:2], usage[2:], summary())
    assert union(parts, "usage") + union(parts, "errors") == usage
    assert [len(part.usage) + len(part.errors) for part in parts] == [1, 1, 1, 1]


def test_a_report_of_lists_alone_is_divided_too() -> None:
    """Ten thousand devices that never answered."""
    missing = [f"{number:015}" for number in range(10_000)]
    parts = parts_of([], [], summary(missing=missing), "t")
    assert union(parts, "missing") == missing
    assert len(parts) == -(-10_000 // (ROOM // 18))


def test_a_part_without_oversized_devices_does_not_speak_of_them() -> None:
    """The list is there only where there is something in it."""
    usage = [b'"%01998d"' % number for number in range(10)]
    parts = parts_of(usage, [], summary(oversized=["1"]), "t")
    assert [part.summary.devices.oversized for part in parts[:-1]] == [UNSET] * (len(parts) - 1)
    assert parts[-1].summary.devices.oversized == ["1"]


def test_keys_of_parts() -> None:
    """The first has the txid's own; the others cannot be anybody else's."""
    assert [part_key("té", index) for index in (1, 2, 12)] == [
        "té".encode(),
        "té".encode() + b"\x002",
        "té".encode() + b"\x0012",
    ]
