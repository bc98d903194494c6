from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from consumer.aggregation.policy import Policy
from consumer.aggregation.txid import Txid
from consumer.pipeline import state_log
from consumer.pipeline.state_log import FLOOR_BYTES, StateLog
from consumer.wire import state_entry
from consumer.wire.state_entry import BARE_BYTES, MarkerEntry, OpenEntry
from tests.unit.aggregation.feed import DEAD_LETTER, POLICY, callback, encode, error, known, usage
from tests.unit.pipeline.ledger import WRITER, Ledger, picture


def policy(**changes: Any) -> Policy:
    """The usual one, but for `changes`."""
    return msgspec.structs.replace(POLICY, **changes)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is rewritten however short it is."""
    monkeypatch.setattr(state_log, "FLOOR_BYTES", 0)
    monkeypatch.setattr(state_log, "LEAST_REWRITE_BYTES", 200)


# ---------------------------------------------------------------------- what is written


def test_a_new_txid_is_written_whole() -> None:
    """With everything that a restore needs."""
    ledger = Ledger()
    ledger.tick(1_000)
    ledger.send(callback("a", usage("1"), usage("1"), error("2")), 1_010)
    ledger.commit()
    assert ledger.last_entries() == [
        OpenEntry(
            txid="a",
            whole=True,
            first_offset=1,
            last_offset=1,
            opened_ms=1_010,
            since_ms=1_010,
            touched_ms=1_010,
            closed_ms=0,
            remembered=False,
            callbacks=1,
            duplicates=1,
            revision=0,
            unlimited=False,
            emitted=None,
            oversized=[],
            usage=[encode(usage("1"))],
            errors=[encode(error("2"))],
            expected=[],
        )
    ]


def test_an_addition_holds_only_what_is_new() -> None:
    """New items, not the whole txid; the scalars replace the old ones."""
    ledger = Ledger(policy(device_limit=0))
    ledger.send(callback("a", usage("1"), error("1")), 1_000)
    ledger.commit()
    ledger.send(callback("a", usage("1"), usage("2"), error("2")), 1_010)
    ledger.commit()
    ledger.send(callback("a", usage("3")), 1_020)
    ledger.commit()
    (entry,) = ledger.last_entries()
    assert isinstance(entry, OpenEntry)
    assert not entry.whole
    assert (entry.usage, entry.errors) == ([encode(usage("3"))], [])
    assert (entry.first_offset, entry.last_offset) == (0, 2)
    assert (entry.opened_ms, entry.touched_ms) == (1_000, 1_020)
    assert (entry.callbacks, entry.duplicates) == (3, 1)


def test_what_did_not_change_is_not_written() -> None:
    """Of two open txids only the one that a record named."""
    ledger = Ledger()
    ledger.devices("a", "1", at=1_000)
    ledger.devices("b", "1", at=1_000)
    ledger.commit()
    ledger.devices("b", "2", at=1_000)
    ledger.commit()
    assert [entry.txid for entry in ledger.last_entries()] == ["b"]
    ledger.tick(1_010)
    ledger.commit()
    assert ledger.last_entries() == []


def test_a_duplicate_is_an_addition_without_items() -> None:
    """Its counts and its offset are part of the report."""
    ledger = Ledger()
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    (entry,) = ledger.last_entries()
    assert isinstance(entry, OpenEntry)
    assert (entry.whole, entry.usage, entry.duplicates) == (False, [], 1)


def test_an_emitted_txid_is_written_as_a_whole_marker() -> None:
    """Its items are gone; their digests stand in for them, sorted, so the same everywhere."""
    ledger = Ledger(DEAD_LETTER)
    ledger.devices("a", "1", "2", at=1_000)
    ledger.commit()
    ledger.send(callback("a", error("3")), 1_010)
    ledger.commit()
    (entry,) = ledger.last_entries()
    assert isinstance(entry, MarkerEntry)
    assert (entry.whole, entry.closed_ms, entry.first_offset) == (True, 1_010, 0)
    digests = [entry.digests[at : at + 16] for at in range(0, 48, 16)]
    assert digests == sorted(digests)
    assert b"".join(digests) == known(ledger.aggregator.table, "a").digests


def test_items_of_a_txid_born_and_emitted_in_one_commit_are_never_written() -> None:
    """Only its marker is."""
    ledger = Ledger(DEAD_LETTER)
    ledger.devices("a", "1", "2", "3", at=1_000)
    ledger.commit()
    assert [type(entry) for entry in ledger.last_entries()] == [MarkerEntry]


def test_a_txid_born_and_forgotten_in_one_commit_never_touches_the_log() -> None:
    """Neither as an entry nor as a forgotten one."""
    ledger = Ledger()
    ledger.devices("a", "1", "2", "3", at=1_000)
    ledger.tick(2_000)
    ledger.commit()
    assert (ledger.last_entries(), ledger.last_forgotten()) == ([], [])


def test_a_forgotten_txid_is_named() -> None:
    """Once, in the commit in which it was forgotten."""
    ledger = Ledger()
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    ledger.tick(2_000)
    ledger.commit()
    assert (ledger.last_entries(), ledger.last_forgotten()) == ([], ["a"])
    ledger.tick(3_000)
    ledger.commit()
    assert ledger.last_forgotten() == []


def test_a_txid_forgotten_and_born_again_in_one_commit_is_written_whole() -> None:
    """A reader forgets first, so that nothing of the old life is left."""
    ledger = Ledger()
    ledger.devices("a", "1", "2", at=1_000)
    ledger.commit()
    ledger.devices("a", "3", at=2_000)
    ledger.commit()
    (entry,) = ledger.last_entries()
    assert ledger.last_forgotten() == ["a"]
    assert isinstance(entry, OpenEntry)
    assert entry.whole
    assert (entry.usage, entry.first_offset) == ([encode(usage("3"))], 1)


def test_every_commit_carries_clock_lag_and_window() -> None:
    """And its number in this history, from 1."""
    ledger = Ledger()
    for number in (1, 2):
        ledger.tick(1_000 * number)
        ledger.commit()
        (delta,) = ledger.last()
        assert (delta.incarnation, delta.sequence) == ("life", number)
        assert (delta.chunk, delta.chunks) == (0, 1)
        assert (delta.clock_ms, delta.lag_ms) == (1_000 * number, 1_000_000 - 1_000 * number)
        assert state_entry.decode_window(delta.window) == ledger.aggregator.windows.open


def test_the_metadata_names_commit_start_and_writer() -> None:
    """What the committed offset needs to find its state."""
    log = StateLog("life", 40)
    assert state_entry.decode_named(log.named("me")) == state_entry.Named(
        state_entry.VERSION, "life", 0, 40, "me"
    )
    ledger = Ledger(start=40)
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    assert ledger.named == state_entry.Named(state_entry.VERSION, "life", 1, 40, WRITER)
    assert len(ledger.log.named("m" * 249)) < 1_000


def test_a_commit_sent_again_has_another_place() -> None:
    """The first attempt's offsets were those of a transaction that was aborted."""
    ledger = Ledger(start=40)
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    ledger.log.delivered(55)
    assert ledger.log.start == 55


# ------------------------------------------------------------------------------- chunks


def test_a_large_commit_is_cut_into_chunks() -> None:
    """Each below the limit of a record; a txid larger than a chunk is cut as well."""
    ledger = Ledger(policy(device_limit=0))
    for part in range(3):
        items = [usage(f"{part}-{number}", x="y" * 2_000) for number in range(300)]
        ledger.send(callback("large", *items), 1_000)
    for number in range(300):
        ledger.devices(f"small{number}", "1", at=1_000)
    ledger.commit()
    chunks = ledger.last()
    assert [(chunk.chunk, chunk.chunks) for chunk in chunks] == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert all(len(value) <= 900_000 for _, value in ledger.records)
    assert [entry.whole for entry in ledger.last_entries() if entry.txid == "large"] == [
        True,
        False,
        False,
    ]
    before = picture(ledger.aggregator)
    ledger.crash()
    assert picture(ledger.aggregator) == before


def test_very_many_forgotten_txids_are_cut_into_chunks() -> None:
    """Also where their names are long and not ASCII."""
    ledger = Ledger(policy(device_limit=0))
    for number in range(1_500):
        ledger.send(callback(f"{number}" + "😀" * 250), 1_000)
    ledger.commit()
    ledger.tick(5_000)
    ledger.commit()
    assert len(ledger.last_forgotten()) == 1_500
    assert len(ledger.last()) == 2
    assert all(len(value) <= 900_000 for _, value in ledger.records)
    ledger.crash()
    assert len(ledger.aggregator.table) == 0


# ----------------------------------------------------------------- start, rewriting, size


def test_the_start_is_where_the_oldest_needed_txid_stands_whole() -> None:
    """It moves on when that txid is rewritten or forgotten."""
    ledger = Ledger(DEAD_LETTER, start=0)
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    ledger.devices("b", "1", at=1_050)
    ledger.commit()
    ledger.devices("a", "2", at=1_060)
    ledger.commit()
    assert ledger.named.start == 0
    ledger.devices("a", "3", at=1_070)
    ledger.commit()
    assert ledger.named.start == 2
    ledger.tick(1_660)
    ledger.commit()
    assert len(ledger.aggregator.table) == 0
    assert ledger.named.start == ledger.records[-1][0]


def test_with_nothing_known_the_last_commit_is_the_log() -> None:
    """It holds the clock and the window."""
    ledger = Ledger(start=0)
    for number in range(5):
        ledger.tick(1_000 + number)
        ledger.commit()
        assert ledger.named.start == ledger.records[-1][0]
    assert ledger.log.length_bytes == len(ledger.records[-1][1])


def test_a_short_log_is_not_rewritten() -> None:
    """It is not worth it."""
    ledger = Ledger()
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    for _ in range(20):
        ledger.tick(1_000)
        ledger.commit()
        assert ledger.last_entries() == []
    assert ledger.named.start == 100


@pytest.mark.usefixtures("eager")
def test_rewriting_moves_the_oldest_txids_to_the_end() -> None:
    """Whole, a bounded number with each commit, and the start follows."""
    ledger = Ledger(policy(inactivity_ms=1_000_000, max_age_ms=1_000_000), start=0)
    names = [f"t{number}" for number in range(10)]
    for name in names:
        ledger.devices(name, "1", at=1_000)
        ledger.commit()
    starts: list[int] = []
    rewritten: list[str] = []
    while len(rewritten) < 12:
        ledger.tick(1_000)
        ledger.commit()
        entries = ledger.last_entries()
        assert all(entry.whole for entry in entries)
        assert len(entries) <= 3
        rewritten += [entry.txid for entry in entries]
        starts.append(ledger.named.start)
    assert rewritten[:10] == names
    assert starts == sorted(starts)
    assert starts[-1] > 18
    before = picture(ledger.aggregator)
    ledger.delete_unneeded()
    ledger.crash()
    assert picture(ledger.aggregator) == before


@pytest.mark.usefixtures("eager")
def test_a_txid_may_change_and_be_rewritten_in_one_commit() -> None:
    """An addition, then the whole: the reader ends with each item once."""
    ledger = Ledger(policy(inactivity_ms=1_000_000, max_age_ms=1_000_000))
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    for _ in range(4):
        ledger.send(callback("a"), 1_000)
        ledger.commit()
        if len(ledger.last_entries()) == 2:
            break
    assert [entry.whole for entry in ledger.last_entries()] == [False, True]
    before = picture(ledger.aggregator)
    ledger.crash()
    assert picture(ledger.aggregator) == before


def live_bytes(ledger: Ledger) -> int:
    """What a log would take that holds each known txid whole and nothing else."""
    states = ledger.aggregator.table.states()
    return sum(BARE_BYTES + len(one.txid) + content_bytes(one) for one in states)


def content_bytes(state: Txid) -> int:
    """Items, or their digests."""
    errors = [] if state.errors is None else state.errors.items
    return sum(map(len, [*state.usage.items, *errors])) + len(state.digests or b"")


def log_bytes(ledger: Ledger) -> int:
    """What a restore would read."""
    return sum(len(value) for offset, value in ledger.records if offset >= ledger.named.start)


@pytest.mark.parametrize("stays", [0.0, 0.02, 0.5])
def test_the_log_stays_within_about_twice_the_live_state(
    stays: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a long random life, whatever share of txids stays open for long.

    The length is also exactly what a restore would read, before and after a crash.
    """
    monkeypatch.setattr(state_log, "FLOOR_BYTES", FLOOR_BYTES // 8)
    monkeypatch.setattr(state_log, "LEAST_REWRITE_BYTES", state_log.LEAST_REWRITE_BYTES // 8)
    rng = random.Random(5)  # noqa: S311 - the same life every time
    ledger = Ledger(policy(device_limit=4, inactivity_ms=8_000, max_age_ms=20_000, remember_ms=600))
    longest = 0.0
    opened = 0
    for now_ms in range(1_000, 31_000, 20):
        for _ in range(rng.randrange(8)):
            opened += 1
            devices = [f"{opened}-{number}" for number in range(rng.randrange(1, 4))]
            if rng.random() >= stays:
                devices += [f"{opened}-x{number}" for number in range(4 - len(devices))]
            ledger.devices(f"txid-{opened}", *devices, at=now_ms)
            if rng.random() < 0.3:
                ledger.devices(f"txid-{rng.randrange(opened) + 1}", devices[0], at=now_ms)
        ledger.tick(now_ms)
        ledger.commit()
        ledger.delete_unneeded()
        assert ledger.log.length_bytes == log_bytes(ledger)
        spare = state_log.FLOOR_BYTES + state_log.LEAST_REWRITE_BYTES
        longest = max(longest, (log_bytes(ledger) - spare) / live_bytes(ledger))
        if rng.random() < 0.002:
            before = picture(ledger.aggregator)
            ledger.crash()
            assert picture(ledger.aggregator) == before
            assert ledger.log.length_bytes == log_bytes(ledger)
    assert longest < 2.5


def test_a_log_of_wide_windows_does_not_grow_forever() -> None:
    """Every commit carries the window, which may hold many error codes."""
    ledger = Ledger(policy(inactivity_ms=10**8, max_age_ms=10**8, window_ms=10**8, device_limit=1))
    ledger.send(callback("codes", *(error("1", f"{n:0256}") for n in range(185))), 1_000)
    for number in range(3_000):
        ledger.send(callback(f"open{number}", usage(None)), 1_000)
    ledger.commit()
    for _ in range(60):
        ledger.tick(1_000)
        ledger.commit()
        ledger.delete_unneeded()
    assert len(ledger.aggregator.table) == 3_001
    assert log_bytes(ledger) < 2.5 * live_bytes(ledger) + FLOOR_BYTES
