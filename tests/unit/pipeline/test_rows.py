"""Plain txids in columns: which are, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from consumer.aggregation.lifecycle import OPEN, REMEMBERED
from consumer.errors import Action, Fault
from consumer.pipeline.restore import Restore
from consumer.pipeline.rows import RowReader
from consumer.wire import state_entry
from consumer.wire.state_entry import Named, OpenEntry, Rows, StateChunk, StateDelta, Window
from tests.unit.aggregation.feed import POLICY, callback, encode, error, known, usage
from tests.unit.pipeline.ledger import WRITER, Ledger, picture

LARGE_POLICY = msgspec.structs.replace(POLICY, report_bytes=10_000)
OVERSIZED = callback("a", usage("9", note="x" * 10_000))

Act = Callable[[Ledger], None]


def sends(*items: dict[str, Any]) -> Act:
    """One callback for `a`."""
    return lambda ledger: ledger.send(callback("a", *items), 1_010)


PLAIN: dict[str, Act] = {
    "nothing": sends(),
    "a device": sends(usage("7")),
    "a device that failed": sends(error("7", "E7")),
    "a device and one that failed": sends(usage("7"), error("8")),
    "many devices at once": lambda ledger: ledger.devices("b", "1", "2", at=1_010),
    "the last device": sends(usage("7"), usage("8")),
    "inactivity": lambda ledger: ledger.tick(1_100),
}
"""What leaves a txid with one device plain."""

MORE: dict[str, Act] = {
    "a duplicate": sends(usage("1")),
    "a second item of a device": sends(usage("1", 2)),
    "a device in the other array": sends(error("1")),
    "an item without a device": sends(usage(None)),
    "a failure without a device": sends(error(None)),
    "an expectation": lambda ledger: ledger.expect("a", "1", "4", at=1_010),
    "an expectation that is met": lambda ledger: ledger.expect("a", "1", at=1_010),
    "the whole account": lambda ledger: ledger.expect("a", at=1_010),
    "an item that is too large": lambda ledger: ledger.send(OVERSIZED, 1_010),
    "more devices than the limit": sends(usage("5"), usage("6"), usage("7")),
}
"""What makes it another one."""

REVISIONS: dict[str, Act] = {
    "a further device": lambda ledger: ledger.devices("a", "7", at=1_150),
    "a duplicate": lambda ledger: ledger.devices("a", "1", at=1_150),
    "an expectation": lambda ledger: ledger.expect("a", "1", "4", at=1_150),
    "the whole account": lambda ledger: ledger.expect("a", at=1_150),
    "an item that is too large": lambda ledger: ledger.send(OVERSIZED, 1_150),
}
"""The same once it is remembered."""


def begun() -> Ledger:
    """A txid `a` with one device, written as a row."""
    ledger = Ledger(LARGE_POLICY)
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    assert ledger.last_rows() == ["a"]
    return ledger


def entries(ledger: Ledger) -> list[str]:
    """The txids of the last commit that do not stand in rows."""
    return [entry.txid for delta in ledger.last() for entry in delta.content.entries]


def same_after_a_crash(ledger: Ledger) -> None:
    """All that shows is back, what it takes in memory, and what the log knows of it."""
    before = (picture(ledger.aggregator), logged(ledger))
    ledger.crash()
    assert (picture(ledger.aggregator), logged(ledger)) == before


def logged(ledger: Ledger) -> tuple[Any, ...]:
    """The log's bookkeeping: of its bytes, and of each txid."""
    states = ledger.aggregator.table.states()
    of_each = {
        one.txid: (
            one.home,
            one.logged_bytes,
            one.logged_usage,
            one.logged_errors,
            one.logged_expected,
        )
        for one in states
    }
    return (ledger.log.live_bytes, ledger.log.length_bytes, ledger.log.start, of_each)


# ---------------------------------------------------------------------- which are plain


def test_a_row_holds_all_that_a_plain_txid_has() -> None:
    """Column by column; its items joined as they will stand in the report."""
    ledger = Ledger()
    ledger.tick(1_000)
    ledger.send(callback("a", usage("1"), error("2", "E9")), 1_010)
    ledger.send(callback("a"), 1_020)
    ledger.devices("b", "1", "2", at=1_030)
    ledger.devices("b", "3", at=1_040)
    ledger.commit()
    assert ledger.last()[0].content.rows == Rows(
        txids=["a", "b"],
        whole=[True, True],
        remembered=[False, True],
        first_offsets=[1, 3],
        last_offsets=[2, 4],
        opened_ms=[1_010, 1_030],
        touched_ms=[1_010, 1_040],
        closed_ms=[0, 1_040],
        callbacks=[2, 2],
        usage_counts=[1, 3],
        error_counts=[1, 0],
        usage=[encode(usage("1")), b",".join(encode(usage(imei)) for imei in "123")],
        errors=[encode(error("2", "E9")), b""],
    )
    same_after_a_crash(ledger)


def test_a_row_may_be_an_addition() -> None:
    """With the items that are new; its scalars replace the old ones."""
    ledger = begun()
    sends(usage("2"))(ledger)
    ledger.commit()
    sends(error("9"))(ledger)
    ledger.commit()
    rows = ledger.last()[0].content.rows
    assert (rows.whole, rows.callbacks, rows.last_offsets) == ([False], [3], [2])
    assert (rows.usage_counts, rows.error_counts) == ([0], [1])
    assert (rows.usage, rows.errors) == ([b""], [encode(error("9"))])
    same_after_a_crash(ledger)
    sends()(ledger)
    ledger.commit()
    rows = ledger.last()[0].content.rows
    assert (rows.usage_counts, rows.error_counts, rows.usage, rows.errors) == (
        [0],
        [0],
        [b""],
        [b""],
    )


@pytest.mark.parametrize("what", PLAIN)
def test_what_leaves_a_txid_plain_is_written_as_a_row(what: str) -> None:
    """Also after a restart, which does not change what the log gets to hold."""
    written = []
    for crash in (False, True):
        ledger = begun()
        if crash:
            ledger.crash()
        PLAIN[what](ledger)
        ledger.commit()
        assert (len(ledger.last_rows()), entries(ledger)) == (1, [])
        same_after_a_crash(ledger)
        written.append(ledger.records)
    assert written[0] == written[1]


@pytest.mark.parametrize("what", MORE)
def test_what_makes_a_txid_another_one_is_an_entry(what: str) -> None:
    """Only what is new of it; and there is no way back, not by a restart either."""
    ledger = begun()
    MORE[what](ledger)
    ledger.commit()
    assert (ledger.last_rows(), entries(ledger)) == ([], ["a"])
    (entry,) = ledger.last_entries()
    assert not entry.whole
    for _ in range(2):
        same_after_a_crash(ledger)
        ledger.devices("a", "20", at=1_011)
        ledger.commit()
        assert (ledger.last_rows(), entries(ledger)) == ([], ["a"])


@pytest.mark.parametrize("what", MORE)
def test_so_is_one_that_was_never_plain(what: str) -> None:
    """Whole, in its first commit."""
    ledger = Ledger(LARGE_POLICY)
    ledger.devices("a", "1", at=1_000)
    MORE[what](ledger)
    ledger.commit()
    assert (ledger.last_rows(), entries(ledger)) == ([], ["a"])
    (entry,) = ledger.last_entries()
    assert isinstance(entry, OpenEntry)
    assert entry.whole
    assert encode(usage("1")) in entry.usage
    same_after_a_crash(ledger)


@pytest.mark.parametrize("what", REVISIONS)
def test_a_remembered_txid_is_plain_until_anything_comes_to_it(what: str) -> None:
    """It was emitted once then."""
    ledger = begun()
    ledger.tick(1_100)
    ledger.commit()
    assert ledger.last_rows() == ["a"]
    same_after_a_crash(ledger)
    REVISIONS[what](ledger)
    ledger.commit()
    assert (ledger.last_rows(), entries(ledger)) == ([], ["a"])
    same_after_a_crash(ledger)


def test_an_empty_callback_leaves_a_remembered_txid_plain() -> None:
    """It counts, and that is all."""
    ledger = begun()
    ledger.tick(1_100)
    ledger.commit()
    ledger.send(callback("a"), 1_110)
    ledger.commit()
    rows = ledger.last()[0].content.rows
    assert (rows.remembered, rows.callbacks, rows.whole) == ([True], [2], [False])
    same_after_a_crash(ledger)


def test_what_came_back_from_rows_is_what_it_was() -> None:
    """Sums, error codes and devices follow from the items."""
    ledger = Ledger()
    items = (usage("1", 5), error("2", "E1"), usage("3", 7), error("4", "E1"), error("5"))
    ledger.policy = msgspec.structs.replace(POLICY, device_limit=0)
    ledger.crash()
    ledger.send(callback("a", *items), 1_000)
    ledger.commit()
    same_after_a_crash(ledger)
    state = known(ledger.aggregator.table, "a")
    assert (state.devices, state.sessions, state.transferred) == (5, 12, 120)
    assert state.error_codes == {"E1": 3}
    ledger.devices("a", "1", at=1_010)
    ledger.devices("a", "4", at=1_010)
    ledger.tick(1_200)
    (report,) = ledger.reports
    assert report.summary.devices.conflicting == ["4"]
    assert report.summary.devices.repeated == ["1"]
    assert report.summary.duplicates == 0


def test_items_of_many_rows_stay_with_their_txids() -> None:
    """However many each has, of either kind, and whether a row is passed over or not."""
    ledger = Ledger(msgspec.structs.replace(POLICY, device_limit=0, max_age_ms=10**6))
    for number in range(30):
        items = [
            maker(f"{number}-{maker.__name__}-{n}")
            for maker in (usage, error)
            for n in range(number % 4)
        ]
        ledger.send(callback(f"t{number}", *items[number % 2 :]), 1_000 + number)
        if number % 7 == 0:
            ledger.commit()
    ledger.commit()
    assert ledger.last_rows()
    same_after_a_crash(ledger)
    for number in range(30):
        ledger.send(callback(f"t{number}", usage(f"{number}-x"), error(f"{number}-y")), 1_050)
    ledger.commit()
    assert len(ledger.last_rows()) == 30
    same_after_a_crash(ledger)


# ------------------------------------------------------------------------------- damage


def rows(**columns: list[Any]) -> Rows:
    """Two whole rows with three items, but for these columns."""
    good: dict[str, list[Any]] = {
        "txids": ["a", "b"],
        "whole": [True, True],
        "remembered": [False, True],
        "first_offsets": [1, 2],
        "last_offsets": [1, 3],
        "opened_ms": [1, 1],
        "touched_ms": [1, 2],
        "closed_ms": [0, 2],
        "callbacks": [1, 2],
        "usage_counts": [1, 1],
        "error_counts": [0, 1],
        "usage": [b'{"imei":"1"}', b'{"imei":"2"}'],
        "errors": [b"", b'{"imei":"3"}'],
    }
    return Rows(**{**good, **columns})


def record(content: Rows) -> bytes:
    """A commit of such rows."""
    window = state_entry.encode_window(Window(0))
    chunk = StateChunk(rows=content)
    return msgspec.msgpack.encode(
        StateDelta(state_entry.VERSION, "life", 1, 0, 1, 1, 2, window, chunk)
    )


def restore() -> Restore:
    """One that looks for that commit."""
    return Restore(4, "app.state", Named(state_entry.VERSION, "life", 1, 0, WRITER), 100)


def test_good_rows_are_read() -> None:
    """Those that the damage below is done to."""
    reading = restore()
    reading.read(record(rows()), 0)
    aggregator, _ = reading.finish(POLICY)
    assert {one.txid: one.phase for one in aggregator.table.states()} == {
        "a": OPEN,
        "b": REMEMBERED,
    }


def test_additions_to_what_is_not_known_are_passed_over() -> None:
    """Their txid was forgotten, or written whole since; the rows behind them are not touched."""
    reading = restore()
    items = [encode(usage(imei, sessions)) for imei, sessions in (("1", 5), ("2", 7))]
    failures = [encode(error(imei, code)) for imei, code in (("3", "E3"), ("4", "E4"))]
    content = rows(whole=[False, True], error_counts=[1, 1], usage=items, errors=failures)
    reading.read(record(content), 0)
    aggregator, _ = reading.finish(POLICY)
    state = known(aggregator.table, "b")
    assert len(aggregator.table) == 1
    assert (state.usage.items, state.sessions) == (items[1:], 7)
    assert state.errors is not None
    assert (state.errors.items, state.error_codes) == (failures[1:], {"E4": 1})


COLUMNS = Rows.__struct_fields__


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("change", [-1, 1])
def test_columns_of_different_lengths_mean_damage(name: str, change: int) -> None:
    """Whichever is too short or too long."""
    column = getattr(rows(), name)
    assert len(column) == 2
    column = column[:1] if change < 0 else [*column, column[0]]
    with pytest.raises(Fault, match=r"app\.state\[4\] is damaged: offset 17: ") as raised:
        restore().read(record(rows(**{name: column})), 17)
    assert (raised.value.action, raised.value.cause) == (Action.GIVE_UP, "state_damaged")


@pytest.mark.parametrize(
    "columns",
    [
        {"usage_counts": [1, 2]},
        {"usage_counts": [0, 1]},
        {"error_counts": [0, 0]},
        {"error_counts": [1, 1]},
        {"usage_counts": [2, 0], "error_counts": [0, 0]},
        {"usage": [b'{"imei":"1"}', b""]},
        {"usage": [b'{"imei":"1"}', b'{"imei":"2"},']},
        {"usage": [b'{"imei":"1"}', b'{"imei":"2"}x']},
        {"usage": [b'{"imei":"1"}', b'{"imei":2}']},
        {"usage": [b'{"imei":"1"}', b'{"imei":"\xff"}']},
        {"usage": [b'{"imei":"1"}', b'{"numberOfSessions":"x"}']},
        {"errors": [b"", b"7"]},
        {"errors": [b"", b'{"errorResponse":7}']},
        {"errors": [b"{}", b'{"imei":"3"}']},
        {"whole": [True, 1]},
        {"usage": [b'{"imei":"1"}', "text"]},
        {"txids": ["a", None]},
    ],
)
def test_rows_that_contradict_themselves_mean_damage(columns: dict[str, list[Any]]) -> None:
    """In our words, and never a wrong report."""
    with pytest.raises(Fault, match=r"app\.state\[4\] is damaged: offset 17: .+") as raised:
        restore().read(record(rows(**columns)), 17)
    assert raised.value.cause == "state_damaged"


def test_an_addition_whose_items_are_not_as_many_as_it_says_means_damage() -> None:
    """Although all of a record's counts add up."""
    ledger = begun()
    reading = ledger.read()
    assert reading.done
    bad = rows(txids=["a", "a"], whole=[True, False], usage_counts=[0, 2])
    with pytest.raises(Fault, match="damaged"):
        restore().read(record(bad), 0)


@pytest.mark.parametrize("columns", [{"usage_counts": [1, 0]}, {"txids": ["a"]}, {"errors": []}])
def test_the_reader_says_what_is_wrong(columns: dict[str, list[Any]]) -> None:
    """Before any row is applied, as a `ValueError`: its caller knows the place of it."""
    with pytest.raises(ValueError, match="columns of its rows do not fit together"):
        RowReader(rows(**columns))
