"""Bugs to be found: each a small patch of the pipeline, or of the port where it lies below it.

What a patch breaks stands in its docstring. Some would lie in `consumer/kafka/`, which the
simulation does without: produce errors, offsets outside the transaction, cached metadata. Their
equivalent is planted at the port, in the client that stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import Any
from unittest import mock

from msgspec import structs

from consumer.aggregation.clock import PartitionClock
from consumer.errors import Action, Fault
from consumer.kafka import faults
from consumer.kafka.faults import Call
from consumer.pipeline import recovery as recovery_module
from consumer.pipeline import restore as restore_module
from consumer.pipeline import start as start_module
from consumer.pipeline import state_log
from consumer.pipeline.flight import Flight
from consumer.pipeline.leftovers import Leftovers
from consumer.pipeline.loop import Pipeline
from consumer.pipeline.recovery import Recovery
from consumer.pipeline.restore import Restore
from consumer.pipeline.rows import RowReader, RowWriter
from consumer.wire import state_entry
from tests.simulation.producer import Transactions
from tests.simulation.questions import Offsets
from tests.simulation.source import Source

Patch = Any
"""What `mock.patch.object` gives."""


def produce_error_swallowed() -> Patch:
    """A record that was not delivered is not counted."""

    def failed(self: Transactions, sending: Any, refused: Any) -> None:
        del refused
        self._settle(sending)

    return mock.patch.object(Transactions, "_failed", failed)


def restore_bounded_by_committed_end() -> Patch:
    """A restore is done where reading stands still: at the read_committed end."""
    read = Recovery._read

    def read_to_the_end(self: Recovery) -> None:
        before = dict(self._positions)
        read(self)
        for number, partition in list(self._restoring.items()):
            restore = partition.restore
            stands = before.get(number) == self._reader.position(number)
            if restore is not None and restore._last is not None and stands:
                restore._window = restore._window or state_entry.Window(0)
                self._restored(partition, restore)

    return mock.patch.object(Recovery, "_read", read_to_the_end)


def offsets_outside_the_transaction() -> Patch:
    """Offsets are committed by themselves, before the transaction is."""

    def send(self: Transactions, positions: Any, group_metadata: Any) -> None:
        group = self._kafka.group(self._client.settings.group)
        found = {one.partition: (one.offset, one.metadata) for one in positions}
        self._ask(
            Call.SEND_OFFSETS,
            "commit offsets",
            lambda: group.commit(found, group_metadata),
            self._limits.offsets_s,
        )
        serials = {number: group.offsets[number] for number in found}
        self._kafka.on_offsets(self._pid, serials)

    return mock.patch.object(Transactions, "send_offsets", send)


@contextmanager
def closed_before_the_abort() -> Iterator[None]:
    """The consumer is closed first, and so its revocation commits what was half done.

    One that closes lends its membership to nobody, which alone would prevent it: this one does.
    """

    def abandon(self: Pipeline) -> None:
        with suppress(Fault):
            self._source.close()
        self._dead = True
        with suppress(Fault):
            self._transactions.abort()
        self._transactions.close()
        self._reader.close()
        self._offsets.close()

    def is_member(self: Source) -> bool:
        return self._is_in_group

    with (
        mock.patch.object(Pipeline, "abandon", abandon),
        mock.patch.object(Source, "is_member", is_member),
    ):
        yield


def incarnation_ignored() -> Patch:
    """Any record with the right number is taken, whoever's history it belongs to."""

    def read(self: Restore, value: bytes, offset: int) -> None:
        try:
            self._apply(state_entry.decode(value), offset, len(value))
        except ValueError as error:
            raise self.damaged(f"offset {offset}: {error}") from None

    return mock.patch.object(Restore, "read", read)


def clock_not_restored() -> Patch:
    """Time begins anew with a restore."""
    finish = Restore.finish

    def finished(self: Restore, policy: Any) -> Any:
        aggregator, log = finish(self, policy)
        aggregator.clock = PartitionClock()
        return aggregator, log

    return mock.patch.object(Restore, "finish", finished)


def addition_applied_twice() -> Patch:
    """What was added to a txid since its rewrite counts twice after a restore."""
    apply = restore_module._apply_open

    def apply_twice(state: Any, entry: Any) -> None:
        known = state.callbacks
        apply(state, entry)
        if not entry.whole and known:
            state.callbacks += entry.callbacks - known

    apply_rows = RowReader.apply

    def apply_rows_twice(self: RowReader, named: Any, settle: Any) -> None:
        known: dict[str, int] = {}

        def added_to(txid: str, first_offset: int, whole: bool) -> Any:
            state = named(txid, first_offset, whole)
            if state is not None and not whole:
                known[txid] = state.callbacks
            return state

        def settle_twice(state: Any, size: int, whole: bool) -> None:
            if callbacks := known.pop(state.txid, 0):
                state.callbacks += state.callbacks - callbacks
            settle(state, size, whole)

        apply_rows(self, added_to, settle_twice)

    return _both(
        mock.patch.object(restore_module, "_apply_open", apply_twice),
        mock.patch.object(RowReader, "apply", apply_rows_twice),
    )


def failures_not_restored() -> Patch:
    """What a row has of `errors` is lost in a restore."""
    begin = RowReader.__init__

    def begin_without(self: RowReader, rows: Any) -> None:
        begin(self, rows)
        self._errors = []

    return mock.patch.object(RowReader, "__init__", begin_without)


def rows_are_whole() -> Patch:
    """An addition to a plain txid is written as if it were all of it."""
    add = RowWriter.add

    def add_whole(self: RowWriter, state: Any, *, whole: bool) -> int:
        del whole
        return add(self, state, whole=True)

    return mock.patch.object(RowWriter, "add", add_whole)


def deleted_past_the_start() -> Patch:
    """DeleteRecords goes one record too far."""
    delete = Pipeline._delete_unneeded

    def delete_more(self: Pipeline) -> None:
        for running in self._running.values():
            running.deletable += 1
        delete(self)
        for running in self._running.values():
            running.deletable -= 1

    return mock.patch.object(Pipeline, "_delete_unneeded", delete_more)


def metadata_cached() -> Patch:
    """The group metadata of the first commit serves for all that follow."""
    fetch = Source.group_metadata

    def fetched_once(self: Source) -> Any:
        if not hasattr(self, "kept"):
            self.kept = fetch(self)  # type: ignore[attr-defined]
        return self.kept  # type: ignore[attr-defined]

    return mock.patch.object(Source, "group_metadata", fetched_once)


def start_not_moved_with_the_log() -> Patch:
    """A segment is forgotten although txids have their home in it."""

    def drop(self: state_log.StateLog) -> None:
        while len(self._segments) > 3:
            _, segment = self._segments.popitem(last=False)
            self.length_bytes -= segment.size

    return mock.patch.object(state_log.StateLog, "_drop_unneeded", drop)


def producer_reused() -> Patch:
    """A commit without an answer is taken for one that failed, and its records are sent again."""
    landed = Flight.landed

    def land(self: Flight, *, wait: bool) -> bool:
        try:
            return landed(self, wait=wait)
        except Fault as fault:
            if fault.cause != "commit_timeout":
                raise
            self._transactions._status = "ready"  # type: ignore[attr-defined]
            self._depart()
            return landed(self, wait=wait)

    return mock.patch.object(Flight, "landed", land)


def late_comer_cries_damage() -> Patch:
    """Whoever restores from a log that its new owner has cleaned up calls it damaged."""
    return mock.patch.object(Recovery, "_is_overtaken", return_value=False)


def who_was_away_cries_loss() -> Patch:
    """Who reads on after a long sleep where all is read and deleted calls for a person."""
    row = faults.INPUT_GONE._replace(action=Action.GIVE_UP)
    rows = {key: row for key, known in faults._ROWS.items() if known is faults.INPUT_GONE}
    return mock.patch.dict(faults._ROWS, rows)


def committed_offset_ignored() -> Patch:
    """Who is given a partition starts it over, although an offset is there."""
    decide = start_module.begin

    def begin(number: int, committed: Any, named: Any, **known: Any) -> Any:
        del committed, named
        known["policy"] = structs.replace(known["policy"], start_at="earliest")
        return decide(number, None, None, **known)

    def named(self: Recovery, number: int, committed: Any) -> None:
        del self, number, committed

    return _both(
        mock.patch.object(recovery_module, "begin", begin),
        mock.patch.object(Recovery, "_named", named),
    )


def latest_though_not_new() -> Patch:
    """`latest` decides for any partition without an offset, whatever the group has elsewhere."""

    def look(self: Recovery) -> None:
        self._group_is_new = True

    return mock.patch.object(Recovery, "look_at_group", look)


@contextmanager
def _both(*patches: AbstractContextManager[object]) -> Iterator[None]:
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield


def late_comer_cries_expiry() -> Patch:
    """Whoever finds a state that others have begun since it asked calls the offsets expired."""
    return _cries("offsets_expired")


def late_comer_cries_loss() -> Patch:
    """Whoever finds records deleted that others have read since it asked calls them lost."""
    return _cries("input_gone")


def _cries(cause: str) -> Patch:
    return mock.patch.object(recovery_module, "LOOKS_GONE", recovery_module.LOOKS_GONE - {cause})


def writer_fenced_untried() -> Patch:
    """The writer that an offset names is fenced at once, whether or not anything of it hangs."""
    start = Recovery._start

    def fence_and_start(self: Recovery, partition: Any, beginning: Any, named: Any) -> None:
        if named is not None and named.writer != self._freeing._transactions.transactional_id:
            self._offsets.free_writer(named.writer, 1.0)
        start(self, partition, beginning, named)

    return mock.patch.object(Recovery, "_start", fence_and_start)


def orphan_not_ended() -> Patch:
    """A transaction that its coordinator does not know of is not ended, however long it hangs."""
    free = Offsets.free_writer

    def fence_only(self: Offsets, transactional_id: str, timeout_s: float, _: Any = ()) -> bool:
        return free(self, transactional_id, timeout_s)

    return mock.patch.object(Offsets, "free_writer", fence_only)


def own_orphan_not_ended() -> Patch:
    """The same of one's own."""
    return mock.patch.object(Transactions, "end_orphans")


def leftovers_ignored() -> Patch:
    """What belongs to nobody stays so, until the group happens to rebalance."""
    return mock.patch.object(Leftovers, "are_mine", return_value=False)


def torn_commit_ended() -> Patch:
    """A commit that lacks a marker in one partition is taken back there."""
    return mock.patch.object(Recovery, "_is_torn", return_value=False)


BUGS: Mapping[str, Callable[[], Patch]] = {
    bug.__name__: bug
    for bug in (
        produce_error_swallowed,
        restore_bounded_by_committed_end,
        offsets_outside_the_transaction,
        closed_before_the_abort,
        incarnation_ignored,
        clock_not_restored,
        addition_applied_twice,
        failures_not_restored,
        rows_are_whole,
        deleted_past_the_start,
        metadata_cached,
        start_not_moved_with_the_log,
        producer_reused,
        late_comer_cries_damage,
        leftovers_ignored,
        who_was_away_cries_loss,
        committed_offset_ignored,
        latest_though_not_new,
        writer_fenced_untried,
        orphan_not_ended,
        own_orphan_not_ended,
        torn_commit_ended,
    )
}
RARE: Mapping[str, Callable[[], Patch]] = {
    bug.__name__: bug for bug in (late_comer_cries_expiry, late_comer_cries_loss)
}
"""One seed in thousands shows these: a regression does."""


def planted(name: str) -> AbstractContextManager[object]:
    """The bug of that name at work, or none."""
    bugs = {**BUGS, **RARE}
    patch: AbstractContextManager[object] = bugs[name]() if name else nullcontext()
    return patch
