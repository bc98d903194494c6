from __future__ import annotations

import functools

import msgspec
import pytest

from consumer.errors import Action, Fault
from consumer.pipeline.restore import Restore
from consumer.wire import state_chunks, state_entry
from consumer.wire.state_entry import Named, OpenEntry, StateDelta, Window
from tests.unit.aggregation.feed import DEAD_LETTER, POLICY, callback, error, usage
from tests.unit.pipeline.ledger import WRITER, Ledger, picture


def lived() -> Ledger:
    """A partition with a past: open, changed, emitted, forgotten and reborn txids."""
    ledger = Ledger()
    ledger.send(callback("a", usage("1"), usage("1"), usage("1", 2), error("2")), 1_000)
    ledger.devices("done", "1", "2", "3", at=1_000)
    ledger.devices("voided", "1", "2", "3", "4", at=1_010)
    ledger.commit()
    ledger.send(callback("a", error("1", "E9"), usage(None)), 1_050)
    ledger.send(b"?", 1_050)
    ledger.commit()
    ledger.devices("b", "1", at=1_060)
    ledger.commit()
    ledger.devices("done", "7", at=1_560)
    items = (usage("1"), usage("1", 2), usage("1"), usage(None), error("1"), error("2", "E9"))
    ledger.send(callback("new", *items), 1_561)
    ledger.commit()
    ledger.send(callback("new", *items, error("1", "E7"), usage("3"), usage("4")), 1_562)
    ledger.commit()
    return ledger


def delta(sequence: int, *, chunk: int = 0, chunks: int = 1, **changes: object) -> bytes:
    """A state record with nothing in it."""
    record = StateDelta(
        version=state_entry.VERSION,
        incarnation="life",
        sequence=sequence,
        chunk=chunk,
        chunks=chunks,
        clock_ms=1,
        lag_ms=2,
        window=state_entry.encode_window(Window(0)),
    )
    return msgspec.msgpack.encode(msgspec.structs.replace(record, **changes))


def restore_of(sequence: int, start: int = 0) -> Restore:
    """A restore that looks for this commit."""
    return Restore(4, "app.state", Named(state_entry.VERSION, "life", sequence, start, WRITER), 100)


def test_all_that_shows_in_outputs_comes_back() -> None:
    """Clock, lag, window, open and remembered txids, to the last count."""
    ledger = lived()
    before = picture(ledger.aggregator)
    ledger.crash()
    assert picture(ledger.aggregator) == before
    assert {state["phase"] for state in before["txids"].values()} == {"open", "remembered"}


def test_a_restored_log_goes_on_like_the_one_before() -> None:
    """Numbers, start and length are the same, and so is what the next commit writes."""
    one, other = lived(), lived()
    other.crash()
    assert other.log.length_bytes == one.log.length_bytes
    for ledger in (one, other):
        ledger.devices("done", "8", at=1_562)
        ledger.send(callback("new", usage("1"), usage("8"), error("8")), 1_562)
        ledger.devices("fresh", "8", at=1_563)
        ledger.commit()
    assert other.named == one.named
    assert other.records == one.records


def test_state_goes_through_restarts_again_and_again() -> None:
    """After every commit, and twice in a row."""
    ledger = Ledger()
    for number in range(40):
        ledger.devices(f"t{number % 7}", str(number % 5), at=1_000 + 25 * number)
        ledger.commit()
        before = picture(ledger.aggregator)
        ledger.delete_unneeded()
        ledger.crash()
        ledger.crash()
        assert picture(ledger.aggregator) == before


def test_other_incarnations_are_skipped() -> None:
    """Records of another history of the partition may lie anywhere in between."""
    ledger = Ledger()
    ledger.stray(delta(1, incarnation="other"))
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    ledger.stray(delta(7, incarnation="other"))
    ledger.devices("b", "1", at=1_000)
    ledger.commit()
    before = picture(ledger.aggregator)
    ledger.crash()
    assert picture(ledger.aggregator) == before


def test_aborted_transactions_leave_gaps_that_do_not_matter() -> None:
    """Their offsets hold nothing for a read_committed reader; numbers go on without a gap."""
    ledger = Ledger()
    ledger.abort(3)
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    ledger.abort()
    ledger.crash()
    ledger.devices("b", "1", at=1_000)
    ledger.commit()
    before = picture(ledger.aggregator)
    ledger.crash()
    assert picture(ledger.aggregator) == before


def test_it_stops_exactly_at_the_named_commit() -> None:
    """What a later commit wrote belongs to a later offset."""
    ledger = Ledger()
    ledger.devices("a", "1", at=1_000)
    ledger.commit()
    before, named = picture(ledger.aggregator), ledger.named
    ledger.devices("b", "1", at=1_000)
    ledger.commit()
    ledger.named = named
    restore = ledger.read()
    assert restore.done
    aggregator, log = restore.finish(POLICY)
    assert picture(aggregator) == before
    assert log.sequence == 1


def test_it_is_done_with_the_last_chunk_only() -> None:
    """A commit in several records is whole or not there."""
    restore = restore_of(1)
    restore.read(delta(1, chunk=0, chunks=2), 0)
    assert not restore.done
    restore.read(delta(1, chunk=1, chunks=2), 1)
    assert restore.done


def test_a_txid_in_many_chunks_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open, in itself and additions; as a marker, in pieces of its digests."""
    monkeypatch.setattr(
        state_chunks, "encode", functools.partial(state_chunks.encode, chunk_bytes=600)
    )
    ledger = Ledger(DEAD_LETTER)
    items = [maker(str(number)) for number in range(100) for maker in (usage, error)]
    ledger.send(callback("a", *items), 1_000)
    for _ in range(2):
        ledger.commit()
        assert len(ledger.last()) > 5
        before = picture(ledger.aggregator)
        ledger.crash()
        assert picture(ledger.aggregator) == before
        ledger.tick(1_100)


def test_additions_to_a_txid_from_before_the_start_are_ignored() -> None:
    """It was rewritten or forgotten since: what is needed lies behind the start."""
    ledger = Ledger(DEAD_LETTER)
    ledger.devices("gone", "1", at=1_000)
    ledger.commit()
    ledger.devices("stays", "1", at=1_030)
    ledger.devices("gone", "2", at=1_030)
    ledger.commit()
    ledger.devices("gone", "3", at=1_040)
    ledger.commit()
    assert ledger.named.start == 102
    before = picture(ledger.aggregator)
    ledger.delete_unneeded()
    ledger.crash()
    assert picture(ledger.aggregator) == before


def test_forgetting_a_txid_from_before_the_start_is_ignored() -> None:
    """Nothing is known of it."""
    restore = restore_of(1)
    restore.read(delta(1, content=state_entry.StateChunk(forgotten=["never seen"])), 0)
    aggregator, _ = restore.finish(POLICY)
    assert len(aggregator.table) == 0


@pytest.mark.parametrize(
    "records",
    [
        [delta(3), delta(5)],
        [delta(3), delta(3)],
        [delta(3), delta(2)],
        [delta(3, chunk=1, chunks=2)],
        [delta(3, chunk=0, chunks=2), delta(4)],
        [delta(3, chunk=0, chunks=3), delta(3, chunk=2, chunks=3)],
        [delta(10)],
    ],
)
def test_commits_out_of_order_mean_damage(records: list[bytes]) -> None:
    """A gap, a repetition or a commit past the named one: never a guess."""
    restore = restore_of(9)
    with pytest.raises(Fault) as raised:  # noqa: PT012 - the last of the records raises
        for offset, value in enumerate(records):
            restore.read(value, offset)
    fault = raised.value
    assert (fault.action, fault.cause) == (Action.GIVE_UP, "state_damaged")
    assert "app.state[4]" in str(fault)
    assert "out of order" in str(fault)
    assert "reset the group's offset" in str(fault)


def open_entry(raw: bytes) -> OpenEntry:
    """A whole entry with one usage item."""
    return OpenEntry(
        txid="a",
        whole=True,
        first_offset=0,
        last_offset=0,
        opened_ms=0,
        since_ms=0,
        touched_ms=0,
        closed_ms=0,
        remembered=False,
        callbacks=1,
        duplicates=0,
        revision=0,
        unlimited=False,
        emitted=None,
        oversized=[],
        usage=[raw],
        errors=[],
        expected=[],
    )


def with_content(content: object) -> bytes:
    """A record with anything in place of its content."""
    return msgspec.msgpack.encode([*msgspec.msgpack.decode(delta(1))[:8], content])


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"not msgpack",
        msgspec.msgpack.encode({"version": 1}),
        delta(1, version=state_entry.VERSION + 1),
        delta(1, content=state_entry.StateChunk(entries=[open_entry(b'{"imei":7}')])),
        with_content([[], [[0, 1]], []]),
        with_content([[], [], [["a"], [True]]]),
        with_content([[], [], [["a"], [1]]]),
        delta(1, window=b"{"),
        delta(1)[:-3],
    ],
)
def test_an_unreadable_record_means_damage(value: bytes) -> None:
    """Of another version or cut off: the line names its offset."""
    with pytest.raises(Fault, match=r"app\.state\[4\] is damaged: offset 17: .+") as raised:
        restore_of(1).read(value, 17)
    assert raised.value.cause == "state_damaged"


def test_the_record_that_it_ends_with_is_known_where_nothing_follows() -> None:
    """A record of that number with others behind it may be one that was aborted and done anew."""
    restore = restore_of(5)
    assert restore.ends_with(delta(5), restore.end - 1)
    assert restore.ends_with(delta(5, chunks=3), restore.end - 3)
    assert not restore.ends_with(delta(5, chunk=2, chunks=3), restore.end - 1)
    assert not restore.ends_with(delta(5), restore.end - 2)
    assert not restore.ends_with(delta(4), restore.end - 1)
    assert not restore.ends_with(delta(5, incarnation="other"), restore.end - 1)
    assert not restore.ends_with(b"", restore.end - 1)


def test_a_restore_that_is_not_done_has_no_result() -> None:
    """Half a state would give wrong reports."""
    restore = restore_of(2)
    restore.read(delta(1), 0)
    with pytest.raises(Fault, match="ended before its end"):
        restore.finish(POLICY)
