"""Metrics windows against reports and items."""

from __future__ import annotations

import pytest

from consumer.audit.emissions import Emission, Numbers
from consumer.audit.windows import Sums, Window, Windows, closed, decode, still_open
from consumer.wire import state_entry
from tests.unit.aggregation.feed import Feed, callback, error, usage

NOTHING = Numbers()


def emission(revision: int = 0, took_ms: int = 5, **numbers: object) -> Emission:
    """A report of which only the numbers matter."""
    return Emission(
        partition=0,
        txid="t",
        first=0,
        last=1,
        revision=revision,
        outcome="complete",
        by_part=True,
        opened_ms=1_000,
        closed_ms=1_000 + took_ms,
        callbacks=1,
        duplicates=0,
        numbers=Numbers(**numbers),  # type: ignore[arg-type]
        expected=None,
        missing=[],
        unexpected=[],
        usage=[],
        errors=[],
        seen=set(),
        at=(0, 0),
    )


def window(stated: Sums | None = None, **changes: int) -> Window:
    """A window that says this."""
    start, end = changes.get("start", 0), changes.get("end", 100)
    return Window(start, end, (1, 0, 0, 0), (3, 1, 1, 0), stated or Sums())


def test_a_revision_counts_as_the_difference() -> None:
    """Of everything, codes included; what takes back may be below zero."""
    sums = Sums()
    first = emission(took_ms=7, reported=3, missing=2, sessions=10, codes={"E1": 2})
    sums.add(first, NOTHING)
    again = emission(1, reported=4, missing=1, sessions=15, codes={"E2": 1})
    sums.add(again, first.numbers)
    sums.add(emission(took_ms=3), NOTHING)

    assert (sums.reports, sums.complete, sums.revised, sums.first_emissions) == (3, 3, 1, 2)
    assert (sums.reported, sums.missing, sums.sessions) == (4, 1, 15)
    assert sums.codes == {"E1": 0, "E2": 1}
    assert (sums.to_complete_sum_ms, sums.to_complete_min_ms, sums.to_complete_max_ms) == (10, 3, 7)


def test_codes_without_a_name_are_compared_in_sum() -> None:
    """A window has room for so many different ones only; those that are in it are exact."""
    feed = Feed(window_ms=1_000, device_limit=0)
    codes = [f"{number:06}".ljust(256, "x") for number in range(400)]
    feed.send(callback("t", *(error("1", code) for code in ["(other)", *codes])), at=1_000)
    feed.tick(at=3_000)
    value = feed.aggregator.windows.closed[0][1]
    assert b'"(other)":' in value
    found = closed(decode(value), 1_000, 2_000)
    for code in ["(other)", *codes]:
        found.sums.codes[code] = 1
    assert [line for line in found.wrong_sums() if line.startswith("codes")] == []

    for code in (codes[0], codes[-1], "(other)"):
        found.sums.codes[code] += 1
        assert any(line.startswith("codes") for line in found.wrong_sums())
        found.sums.codes[code] -= 1


def test_a_code_may_be_called_like_those_without_a_name() -> None:
    """Where there is room for all of them, none is summed up."""
    found = window(Sums(codes={"E1": 1, "(other)": 1}))
    found.sums.codes = {"E1": 1, "(other)": 1}
    assert found.wrong_sums() == []

    for wrong in ({"E7": 1, "(other)": 1}, {"(other)": 2}):
        found.stated.codes = wrong
        (problem,) = found.wrong_sums()
        assert problem.startswith("codes is {'(other)': ")


def test_of_a_window_that_is_unsure_only_counts_are_compared() -> None:
    """What a revision changed cannot be known without the report before it."""
    found = window(Sums(complete=1, revised=1, reported=1))
    found.sums.add(emission(1, reported=3), NOTHING)
    assert found.wrong_sums() == ["reported is 1, the reports make it 3"]

    found.unsure = True
    assert found.wrong_sums() == []
    found.sums.add(emission(2), NOTHING)
    assert len(found.wrong_sums()) == 2


def test_items_may_be_doubtful_but_not_more_than_there_are() -> None:
    """Each of them counted in one of four ways."""
    found = window()
    found.merged = [3, 1, 1, 0]
    assert found.wrong_items() == []
    found.merged, found.doubtful = [2, 1, 0, 0], 2
    assert found.wrong_items() == []
    found.doubtful = 3
    assert found.wrong_items() == ["it counts 5 items, its records have 6"]
    found.doubtful = 0
    assert found.wrong_items() == [
        "items.usage is 3, the records make it 2",
        "items.duplicates is 1, the records make it 0",
    ]
    found.doubtful = 1
    found.merged = [1, 1, 1, 0]
    assert found.wrong_items() == ["items.usage is 3, the records make it 1 to 2"]


def test_are_found_by_time() -> None:
    """Between them, before and after them there is none."""
    windows = Windows()
    for start, end in ((300, 400), (100, 200), (200, 250)):
        windows.add(window(start=start, end=end))
    windows.seal()
    times = (99, 100, 199, 200, 249, 250, 300, 399, 400)
    found = [None if (one := windows.at(at)) is None else one.start_ms for at in times]

    assert found == [None, 100, 100, 200, 200, None, 300, 300, None]


@pytest.mark.parametrize(
    ("bounds", "odd"),
    [
        ("0-100 100-200 300-400", {}),
        ("0-100 100-199 200-300", {100: "which does not fit in with its neighbours"}),
        ("0-100 103-200 200-300", {103: "which does not fit in with its neighbours"}),
        ("0-100 100-201 200-300", {100: "within the next one"}),
        ("0-100 100-100 200-300", {100: "before it begins"}),
        ("0-60 60-120 120-200 200-300", {0: None, 60: None, 120: None}),
        ("0-250 250-300 300-400", {0: None, 250: None}),
        ("0-100 100-200 200-250", {200: None}),
        ("0-100 100-150 300-400", {100: None}),
    ],
)
def test_are_as_long_as_the_setting_says_unless_it_was_another_one(
    bounds: str, odd: dict[int, str | None]
) -> None:
    """Nobody knows when it was changed; but windows never overlap."""
    windows = Windows()
    for each in bounds.split():
        start, end = map(int, each.split("-"))
        windows.add(window(start=start, end=end))
    windows.seal()
    found = {one.start_ms: problem for one, problem in windows.odd(100)}

    assert found.keys() == odd.keys()
    for start_ms, words in odd.items():
        problem = found[start_ms]
        assert problem is None if words is None else words in (problem or "")


def test_the_record_and_the_state_log_tell_the_same() -> None:
    """A window while it is open, and once it has closed."""
    feed = Feed(window_ms=1_000)
    feed.send(callback("t", usage("1", 2), error("2"), error("3", "E2")), at=1_000)
    feed.send(callback("u", usage("1"), usage("1")), at=1_010)
    feed.send(b"garbage", at=1_020)
    held = still_open(state_entry.decode_window(state_entry.encode_window(_open(feed))))
    feed.tick(at=1_050)
    before = still_open(state_entry.decode_window(state_entry.encode_window(_open(feed))))
    feed.tick(at=2_000)
    (_, value), *_ = feed.aggregator.windows.closed
    found = closed(decode(value), 1_000, 2_000)

    assert (held.is_open, found.is_open) == (True, False)
    assert (held.records, before.records) == ((2, 0, 0, 1), (2, 0, 1, 1))
    assert before.items == found.items == (2, 2, 1, 0)
    assert held.stated.codes == {"E1": 1, "E2": 1}
    assert found.records == before.records
    assert (found.stated.complete, found.stated.reported, found.stated.failed) == (1, 2, 2)


def _open(feed: Feed) -> state_entry.Window:
    return feed.aggregator.windows.open
