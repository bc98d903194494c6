"""What the log writes of txids that were emitted, expected or crowded, and what comes back."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from consumer.aggregation.lifecycle import MARKED, OPEN, REMEMBERED
from consumer.aggregation.partition import UNBOUNDED
from consumer.pipeline import state_log
from consumer.wire.state_entry import MarkerEntry, OpenEntry
from tests.unit.aggregation.feed import (
    DEAD_LETTER,
    POLICY,
    callback,
    encode,
    error,
    expectation,
    known,
    usage,
)
from tests.unit.pipeline.ledger import Ledger, picture


def restored(ledger: Ledger) -> None:
    """Commit, crash, and have all back that shows in outputs."""
    ledger.commit()
    before = picture(ledger.aggregator)
    ledger.delete_unneeded()
    ledger.crash()
    assert picture(ledger.aggregator) == before


def entry(ledger: Ledger) -> OpenEntry:
    """The only one of the last commit."""
    (found,) = ledger.last_entries()
    assert isinstance(found, OpenEntry)
    return found


def phase(ledger: Ledger, txid: str = "a") -> str:
    """Where it stands."""
    return known(ledger.aggregator.table, txid).phase


# --------------------------------------------------------------------------- expectations


def test_an_addition_names_only_devices_that_are_newly_expected() -> None:
    """Like items; and one without any still carries the scalars."""
    ledger = Ledger()
    ledger.expect("a", "1", "2", at=1_000)
    ledger.commit()
    assert (entry(ledger).whole, entry(ledger).expected) == (True, ["1", "2"])
    ledger.expect("a", "2", "3", at=1_010)
    ledger.commit()
    assert (entry(ledger).whole, entry(ledger).expected) == (False, ["3"])
    ledger.expect("a", "1", at=1_020)
    ledger.commit()
    assert (entry(ledger).expected, entry(ledger).last_offset) == ([], 2)
    ledger.expect("a", at=1_020)
    ledger.commit()
    assert entry(ledger).unlimited


def test_expectations_come_back() -> None:
    """With what is missing of them, and void limits, at any point of their txid's life."""
    ledger = Ledger()
    ledger.expect("a", "1", "2", "3", at=1_000)
    ledger.expect("whole", at=1_000)
    restored(ledger)
    ledger.devices("a", "1", "9", at=1_010)
    restored(ledger)
    ledger.devices("whole", "1", "2", "3", at=1_020)
    restored(ledger)
    ledger.expect("a", "9", "8", at=1_030)
    restored(ledger)
    ledger.devices("a", "2", "3", "8", at=1_040)
    assert ledger.closed == [("a", "expected_devices", "01.040")]
    ledger.tick(1_120)
    assert ledger.closed[1:] == [("whole", "inactivity", "01.120")]


# ------------------------------------------------------------------------------- revisions


def test_an_emission_is_an_addition() -> None:
    """The items stay where they are in the log; only the scalars are new."""
    ledger = Ledger()
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    ledger.tick(1_100)
    ledger.commit()
    found = entry(ledger)
    assert (found.whole, found.remembered, found.closed_ms) == (False, True, 1_100)
    assert (found.usage, found.emitted) == ([], None)


def test_a_reopened_txid_names_what_it_had_at_the_emission() -> None:
    """By number: items and devices keep their order, so the first ones are those."""
    ledger = Ledger()
    ledger.send(callback("a", usage("1"), usage("1", 2), error("2")), 1_000)
    ledger.expect("a", "1", "2", "3", "4", at=1_000)
    ledger.tick(1_100)
    ledger.commit()
    ledger.send(callback("a", usage("3"), error("2", "E2")), 1_110)
    ledger.commit()
    for _ in range(2):
        assert (entry(ledger).remembered, entry(ledger).revision) == (False, 1)
        assert entry(ledger).emitted == (2, 1, 4)
        ledger.send(callback("a", usage("1", 7)), 1_120)
        ledger.commit()
    ledger.tick(1_220)
    ledger.commit()
    assert (entry(ledger).remembered, entry(ledger).emitted) == (True, None)


@pytest.mark.parametrize("stop", range(1, 9))
def test_a_life_with_revisions_is_the_same_with_a_restart_anywhere(stop: int) -> None:
    """Reports and metrics byte by byte, differences to the revision before included."""
    records = [
        (1_000, callback("a", usage("1"), usage("1", 2), error("2"))),
        (1_010, expectation("a", "1", "2", "3", "4")),
        (1_110, callback("a", usage("1"))),
        (1_150, callback("a", usage("3"), error("2", "E2"))),
        (1_160, expectation("a", "5")),
        (1_300, callback("a", error("4", "E2"))),
        (1_310, callback("a", usage("5"))),
        (1_320, expectation("a", "1", "2")),
        (1_400, callback("a", error("4", "E7"))),
    ]
    outputs = []
    for crash in (False, True):
        ledger = Ledger(msgspec.structs.replace(POLICY, window_ms=100))
        found: list[Any] = []
        for number, (at, value) in enumerate(records):
            ledger.send(value, at)
            if number == stop:
                delta = ledger.commit()
                found += [*delta.reports, *delta.metrics]
                if crash:
                    before = picture(ledger.aggregator)
                    ledger.crash()
                    assert picture(ledger.aggregator) == before
        ledger.tick(1_600)
        outputs.append([*found, *ledger.delta.reports, *ledger.aggregator.windows.closed])
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 6


def test_a_remembered_txid_comes_back_with_its_items() -> None:
    """A part that comes after the restart makes the next report whole again."""
    ledger = Ledger()
    ledger.devices("a", "1", "2", "3", at=1_000)
    restored(ledger)
    assert phase(ledger) is REMEMBERED
    ledger.devices("a", "1", at=1_010)
    restored(ledger)
    ledger.devices("a", "4", at=1_020)
    restored(ledger)
    assert phase(ledger) is OPEN
    ledger.tick(1_120)
    (report,) = ledger.reports
    assert report.summary.revision == 1
    assert [bytes(raw) for raw in report.usage] == [encode(usage(imei)) for imei in "1234"]
    assert (report.summary.callbacks, report.summary.duplicates) == (3, 1)


def test_memory_ends_at_its_time_through_restarts() -> None:
    """It counts from the last emission."""
    ledger = Ledger()
    ledger.devices("a", "1", "2", "3", at=1_000)
    restored(ledger)
    ledger.tick(1_499)
    restored(ledger)
    assert phase(ledger) is REMEMBERED
    ledger.tick(1_500)
    ledger.commit()
    assert ledger.last_forgotten() == ["a"]
    ledger.crash()
    assert len(ledger.aggregator.table) == 0


def test_a_change_of_the_policy_marks_what_is_remembered() -> None:
    """What was emitted is only marked under the new one; what is open is as before."""
    ledger = Ledger()
    ledger.devices("a", "1", "2", "3", at=1_000)
    ledger.devices("b", "1", at=1_000)
    ledger.commit()
    ledger.policy = DEAD_LETTER
    ledger.crash()
    assert (phase(ledger, "a"), phase(ledger, "b")) == (MARKED, OPEN)
    ledger.devices("a", "4", at=1_010)
    assert ledger.reasons == [(2, "late")]
    ledger.policy = POLICY
    ledger.commit()
    ledger.crash()
    ledger.devices("a", "4", at=1_020)
    assert phase(ledger, "a") is OPEN


# ------------------------------------------------------------------------------- oversized


def test_devices_with_oversized_items_come_back() -> None:
    """They are part of the next report, whichever process makes it."""
    ledger = Ledger(msgspec.structs.replace(POLICY, report_bytes=10_000))
    ledger.devices("a", "1", at=1_000)
    restored(ledger)
    for imei in "98":
        ledger.send(callback("a", usage(imei, note="x" * 10_000)), 1_010)
        restored(ledger)
    ledger.tick(1_100)
    assert ledger.reports[0].summary.devices.oversized == ["8", "9"]


def test_many_oversized_devices_do_not_outgrow_a_record() -> None:
    """Even where there is nothing else of their txid."""
    ledger = Ledger(msgspec.structs.replace(POLICY, report_bytes=10_000))
    ledger.send(callback("a"), 1_000)
    (state,) = ledger.aggregator.table.states()
    memory = state.memory
    state.name_oversized([f"{number:0256}" for number in range(4_000)])
    ledger.aggregator.table.memory_bytes += state.memory - memory
    restored(ledger)
    assert len(ledger.last()) == 2
    assert all(len(value) < 900_000 for _, value in ledger.records)


# -------------------------------------------------------------------------------- capacity


def squeeze(ledger: Ledger, at: int) -> None:
    """No room for anything but marks."""
    ledger.aggregator.share_bytes = ledger.aggregator.table.memory_bytes - 1
    ledger.tick(at)
    ledger.aggregator.share_bytes = UNBOUNDED


def test_a_crowded_body_is_written_as_a_mark() -> None:
    """Whole: nothing that the log holds of it is needed any more."""
    ledger = Ledger()
    ledger.devices("a", "1", "2", "3", at=1_000)
    ledger.commit()
    squeeze(ledger, 1_010)
    ledger.commit()
    (found,) = ledger.last_entries()
    assert isinstance(found, MarkerEntry)
    assert (found.whole, len(found.digests), found.revision) == (True, 3 * 16, 0)
    restored(ledger)
    ledger.devices("a", "3", at=1_020)
    ledger.devices("a", "4", at=1_020)
    assert ledger.reasons == [(3, "late")]


def test_a_mark_of_very_many_items_comes_back() -> None:
    """In several chunks, its digests sorted as before."""
    ledger = Ledger(msgspec.structs.replace(DEAD_LETTER, device_limit=0))
    for start in range(0, 60_000, 20_000):
        ledger.devices("a", *(str(number) for number in range(start, start + 20_000)), at=1_000)
    ledger.tick(1_100)
    restored(ledger)
    assert len(ledger.last()) == 2
    ledger.devices("a", "0", "59999", "x", at=1_110)
    assert ledger.delta.tallies.late == 1
    assert ledger.delta.tallies.duplicates == 2


def crowd(ledger: Ledger, commits: random.Random | None) -> list[bytes]:
    """A life short of room; `commits` crashes at random. The reports, and who is left."""
    rng = random.Random(2)  # noqa: S311 - the same life every time
    values: list[bytes] = []
    now_ms = 1_000
    for number in range(1_500):
        ledger.aggregator.share_bytes = 12_000
        now_ms += rng.choice((0, 0, 0, 1, 40))
        txid = f"t{rng.randrange(number // 10, number // 10 + 20)}"
        imeis = [rng.choice("123456") for _ in range(rng.randrange(1, 4))]
        value = expectation(txid, *imeis) if rng.random() < 0.2 else None
        ledger.send(value or callback(txid, *map(usage, imeis)), now_ms)
        if commits is not None and commits.random() < 0.05:
            values += [value for _, value in ledger.commit().reports]
            ledger.delete_unneeded()
            ledger.crash()
    values += [value for _, value in ledger.commit().reports]
    return [*values, *sorted(state.txid.encode() for state in ledger.aggregator.table.states())]


@pytest.mark.parametrize("seed", range(3))
def test_a_restored_partition_gives_way_in_the_same_order(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restarts do not show in the reports, however short of room it is."""
    monkeypatch.setattr(state_log, "FLOOR_BYTES", 0)
    policy = msgspec.structs.replace(POLICY, remember_ms=2_000, inactivity_ms=400)
    straight = crowd(Ledger(policy), None)
    assert len(straight) > 300
    rng = random.Random(seed)  # noqa: S311 - the same crashes every time
    assert crowd(Ledger(policy), rng) == straight


# ------------------------------------------------------------------------------------ size


def test_a_large_txid_in_chunks_comes_back() -> None:
    """Items, expectation and what it had at its last emission."""
    ledger = Ledger(msgspec.structs.replace(POLICY, device_limit=0))
    imeis = [f"{number:0250}" for number in range(4_000)]
    ledger.expect("a", *imeis, at=1_000)
    ledger.send(callback("a", *(usage(imei, note="x" * 200) for imei in imeis[:1_500])), 1_000)
    ledger.send(callback("a", *(error(imei) for imei in imeis[1_000:2_000])), 1_000)
    ledger.tick(1_100)
    ledger.devices("a", imeis[3_000], at=1_110)
    restored(ledger)
    assert len(ledger.last()) > 2
    assert phase(ledger) is OPEN
    state = known(ledger.aggregator.table, "a")
    assert state.previous is not None
    assert (state.previous.counts, state.previous.missing) == ((1_500, 1_000, 4_000), 2_000)
    assert state.missing == 1_999


def test_the_log_holds_names_of_forgotten_txids_and_not_their_items() -> None:
    """A segment may stay for long after most of its txids are gone."""
    ledger = Ledger()
    ledger.devices("gone", "1", "2", "3", at=1_000)
    ledger.devices("stays", "1", at=1_000)
    ledger.commit()
    ledger.devices("stays", "2", at=1_090)
    ledger.devices("stays", "2", "3", at=1_180)
    ledger.tick(1_600)
    ledger.commit()
    assert ledger.last_forgotten() == ["gone"]
    (segment, _) = ledger.log._segments.values()
    assert segment.txids == ["gone", "stays"]
