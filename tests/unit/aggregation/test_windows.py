from __future__ import annotations

import json
from typing import Any

import pytest

from consumer.aggregation.txid import Txid
from consumer.aggregation.windows import Windows
from consumer.wire import metrics, state_entry
from consumer.wire.callback import decode_error_item, decode_usage_item
from consumer.wire.report import Outcome
from tests.unit.aggregation.feed import encode, error, usage


def closed(windows: Windows) -> list[dict[str, Any]]:
    """Decoded records of the windows that have closed."""
    return [json.loads(value) for _, value in windows.closed]


def txid(*items: dict[str, Any], opened_ms: int = 0) -> Txid:
    """An open txid with these items."""
    state = Txid("t", 0, opened_ms)
    for item in items:
        raw = encode(item)
        if "errorResponse" in item:
            state.add_error(raw, decode_error_item(raw))
        else:
            state.add_usage(raw, decode_usage_item(raw))
    return state


def test_windows_are_aligned_to_the_epoch() -> None:
    """Whenever their first record comes."""
    windows = Windows("app", 3, 60_000)
    windows.move(1_000_123)
    windows.open.callbacks += 1
    windows.move(1_020_000)
    ((key, _),) = windows.closed
    assert key == b"1970-01-01T00:16:00.000Z/3" == metrics.key(960_000, 3)
    assert closed(windows)[0]["window"] == {
        "start": "1970-01-01T00:16:00.000Z",
        "end": "1970-01-01T00:17:00.000Z",
    }


def test_a_window_closes_when_its_end_is_reached() -> None:
    """Its end does not belong to it."""
    windows = Windows("app", 0, 100)
    windows.open.callbacks += 1
    windows.move(99)
    assert windows.closed == []
    windows.move(100)
    assert len(windows.closed) == 1
    assert (windows.open.start_ms, windows.end_ms) == (100, 200)


def test_an_empty_window_says_nothing() -> None:
    """Neither one that was skipped nor one in which nothing happened."""
    windows = Windows("app", 0, 100)
    assert not windows.is_touched()
    windows.move(150)
    windows.open.dead_letters += 1
    assert windows.is_touched()
    windows.move(950)
    windows.move(1_050)
    assert [record["window"]["start"][-5:-1] for record in closed(windows)] == [".100"]


def test_the_record_shows_all_that_was_counted() -> None:
    """Field by field, in the order of the contract."""
    windows = Windows("app", 7, 100)
    window = windows.open
    window.callbacks, window.expectations, window.acknowledgements, window.dead_letters = 1, 2, 3, 4
    window.usage, window.errors, window.duplicates, window.late = 5, 6, 7, 8
    window.revised, window.missing = 9, 10
    windows.add_report(txid(usage("a", 2), error("b", "X")), Outcome.COMPLETE, 30)
    windows.add_report(txid(usage("c"), usage("d"), opened_ms=10), Outcome.UNCONFIRMED, 80)
    windows.add_report(txid(error("e", "X"), error("f", "Y")), Outcome.PARTIAL, 90)
    windows.move(100)
    ((_, value),) = windows.closed
    assert value == encode(
        {
            "window": {"start": "1970-01-01T00:00:00.000Z", "end": "1970-01-01T00:00:00.100Z"},
            "app": "app",
            "partition": 7,
            "records": {
                "callbacks": 1,
                "expectations": 2,
                "acknowledgements": 3,
                "deadLetters": 4,
            },
            "items": {"usage": 5, "errors": 6, "duplicates": 7, "late": 8},
            "reports": {"complete": 1, "partial": 1, "unconfirmed": 1, "revised": 9},
            "devices": {"reported": 3, "failed": 3, "missing": 10},
            "numberOfSessions": 4,
            "bytesTransferred": 40,
            "errorCodes": {"X": 2, "Y": 1},
            "timeToCompleteMs": {"count": 3, "sum": 190, "min": 30, "max": 90},
        }
    )


def test_a_revision_counts_as_the_difference_to_the_one_before() -> None:
    """What did not change adds nothing, not even an error code with a count of 0."""
    windows = Windows("app", 0, 100)
    state = txid(usage("a", 2), error("b", "X"))
    state.expect("abc")
    windows.add_report(state, Outcome.PARTIAL, 10)
    state.reopen(20, state.numbers())
    windows.move(100)
    raw = encode(error("c", "Y"))
    state.add_error(raw, decode_error_item(raw))
    windows.add_report(state, Outcome.COMPLETE, 110)
    windows.move(200)
    first, second = closed(windows)
    assert first["devices"] == {"reported": 1, "failed": 1, "missing": 1}
    assert second["devices"] == {"reported": 0, "failed": 1, "missing": -1}
    assert second["reports"] == {"complete": 1, "partial": 0, "unconfirmed": 0, "revised": 1}
    assert (second["numberOfSessions"], second["bytesTransferred"]) == (0, 0)
    assert second["errorCodes"] == {"Y": 1}
    assert second["timeToCompleteMs"]["count"] == 0


def test_without_emissions_there_is_no_shortest_time() -> None:
    """`min` and `max` of nothing are null."""
    windows = Windows("app", 0, 100)
    windows.open.callbacks += 1
    windows.move(100)
    times = closed(windows)[0]["timeToCompleteMs"]
    assert times == {"count": 0, "sum": 0, "min": None, "max": None}


def test_sums_beyond_64_bits_stay_exact() -> None:
    """In the record and in the state."""
    windows = Windows("app", 0, 100)
    for imei in "abcd":
        item = {"imei": imei, "numberOfSessions": 2**63 - 1, "bytesTransferred": 2**63 - 1}
        windows.add_report(txid(item), Outcome.COMPLETE, 5)
    restored = Windows("app", 0, 100)
    restored.load(state_entry.decode_window(state_entry.encode_window(windows.open)))
    restored.move(100)
    assert closed(restored)[0]["bytesTransferred"] == 4 * (2**63 - 1)
    assert closed(restored)[0]["numberOfSessions"] == 4 * (2**63 - 1)


def test_a_restored_window_goes_on() -> None:
    """It keeps its counts and its end."""
    windows = Windows("app", 0, 100)
    windows.move(250)
    windows.open.callbacks += 2
    restored = Windows("app", 0, 100)
    restored.load(state_entry.decode_window(state_entry.encode_window(windows.open)))
    assert (restored.open, restored.end_ms) == (windows.open, 300)
    restored.move(300)
    windows.move(300)
    assert restored.closed == windows.closed


def test_error_codes_are_sorted_in_the_record() -> None:
    """Equal windows are equal bytes, in whatever order the codes came."""
    one, other = Windows("app", 0, 100), Windows("app", 0, 100)
    one.add_report(txid(error("a", "X"), error("b", "Y")), Outcome.COMPLETE, 5)
    other.add_report(txid(error("b", "Y"), error("a", "X")), Outcome.COMPLETE, 5)
    one.move(100)
    other.move(100)
    assert one.closed == other.closed


@pytest.mark.parametrize("filler", ["x", "\U0001f4e6", "\x01"])
def test_hostile_error_codes_do_not_outgrow_a_record(filler: str) -> None:
    """Past a number of bytes, new codes are summed under one name, and none is lost."""
    windows = Windows("app", 0, 100)
    codes = [f"{number:06}".ljust(256, filler) for number in range(1_000)]
    for at in range(0, 1_000, 50):
        items = [error(code[:6], code) for code in codes[at : at + 50]]
        windows.add_report(txid(*items), Outcome.UNCONFIRMED, 5)
    windows.add_report(txid(error("a", codes[0]), error("b", "short")), Outcome.UNCONFIRMED, 5)
    assert len(state_entry.encode_window(windows.open)) < metrics.CODES_BYTES + 1_000
    windows.move(100)
    ((_, value),) = windows.closed
    assert len(value) < metrics.CODES_BYTES + 1_000
    found = json.loads(value)["errorCodes"]
    assert sum(found.values()) == 1_002
    assert found[codes[0]] == 2
    assert found[metrics.OTHER_CODES] > 700
    assert len(found) > 150


def test_ordinary_error_codes_are_never_summed() -> None:
    """There is room for two thousand codes of ordinary length, in every window."""
    windows = Windows("app", 0, 100)
    for now_ms in (0, 100):
        windows.move(now_ms)
        for number in range(2_000):
            windows.add_report(txid(error("a", f"ERROR_CODE_{number:08}")), Outcome.COMPLETE, 5)
        assert len(windows.open.error_codes) == 2_000


def test_a_restored_window_sums_the_same_error_codes() -> None:
    """The room for codes that is left follows from the codes that are in."""
    codes = [f"{number:06}".ljust(256, "x") for number in range(400)]
    straight, before, after = (Windows("app", 0, 100) for _ in range(3))
    for number, code in enumerate(codes):
        straight.add_report(txid(error("a", code)), Outcome.COMPLETE, 5)
        half = before if number < 300 else after
        if number == 300:
            window = state_entry.decode_window(state_entry.encode_window(before.open))
            after.load(window)
        half.add_report(txid(error("a", code)), Outcome.COMPLETE, 5)
    assert after.open == straight.open
    assert metrics.OTHER_CODES in after.open.error_codes


@pytest.mark.parametrize(
    ("length_ms", "following"),
    [
        (1_000, [(300, 1_000), (1_000, 2_000)]),
        (70, [(300, 350), (350, 420)]),
    ],
)
def test_a_changed_length_holds_from_the_next_window_on(
    length_ms: int, following: list[tuple[int, int]]
) -> None:
    """The restored window keeps its bounds, the next begins after it, later ones are aligned."""
    before = Windows("app", 0, 100)
    before.move(250)
    before.open.callbacks += 1
    windows = Windows("app", 0, length_ms)
    windows.load(state_entry.decode_window(state_entry.encode_window(before.open)))
    assert (windows.open.start_ms, windows.end_ms) == (200, 300)
    windows.move(299)
    assert windows.closed == []

    bounds = []
    for _ in following:
        windows.move(windows.end_ms)
        windows.open.callbacks += 1
        bounds.append((windows.open.start_ms, windows.end_ms))
    assert bounds == following
    assert closed(windows)[0]["window"] == {
        "start": "1970-01-01T00:00:00.200Z",
        "end": "1970-01-01T00:00:00.300Z",
    }
