"""What must never be, whatever happens: judged without any code of `consumer`.

At every commit: the offsets go on, their metadata names the commit that the state log holds,
the log read from where the metadata says holds the same as if read from its beginning, and
(where time is the records' alone) that is, txid by txid, what the oracle's model of the
partition knows at this offset. In the end: every report, metrics record and dead letter that
is due is there once, whole and right, and nothing else (`verdict`).

Each new state, that is each incarnation, is a history of its own: an operator who sets offsets
begins one, and what the one before had open is gone with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from tests.oracle import model
from tests.oracle.memory import memory
from tests.oracle.record import Record, milliseconds
from tests.oracle.txid import Txid
from tests.simulation import statelog
from tests.simulation.beginnings import Beginnings
from tests.simulation.broker import Kafka, Named
from tests.simulation.log import Log
from tests.simulation.scenario import Setup
from tests.simulation.statelog import Chunk, Known, State

REREAD_EVERY = 4
"""Commits of a history per look at the log from its start."""
APP = "app"
UNLIMITED = 20_000


class History:
    """One incarnation of one partition, as far as it is committed."""

    def __init__(self, partition: int, begin: int, settings: model.Settings) -> None:
        self.partition = partition
        self.begin = self.offset = begin
        self.model = model.Partition("callbacks", partition, settings)
        self.state = State()
        self.scanned = 0
        """How far the state log was looked through."""
        self.commits = 0


class Key(NamedTuple):
    """Of a history."""

    partition: int
    incarnation: str


def settings_of(setup: Setup) -> model.Settings:
    """The oracle's settings."""
    return model.Settings(
        device_limit=setup.device_limit,
        inactivity_ms=setup.inactivity_ms,
        max_age_ms=setup.max_age_ms,
        late_policy="revise" if setup.revise else "dead-letter",
        remember_ms=setup.remember_ms,
        window_ms=setup.window_ms,
        app=APP,
        report_bytes=setup.report_bytes,
        txid_bytes=setup.txid_bytes,
        share_bytes=setup.state_bytes if setup.state_bytes < 2**40 else model.Settings.share_bytes,
    )


class Checker:
    """Watches the commits of one scenario."""

    def __init__(self, kafka: Kafka, setup: Setup) -> None:
        self.violations: list[str] = []
        self.histories: dict[Key, History] = {}
        self.operated = False
        """Whether anybody ever set offsets, or they were gone."""
        self._kafka = kafka
        self._setup = setup
        self._settings = replace(settings_of(setup), memory=memory)
        self.beginnings = Beginnings(kafka, setup)
        kafka.on_offsets = self._committed

    def violation(self, what: str) -> None:
        """Note what should not be."""
        self._kafka.world.note("checker", "VIOLATION", what)
        self.violations.append(what)

    def offsets_gone(self, numbers: set[int]) -> None:
        """They have expired, or an operator deleted them."""
        self.operated = True
        self.beginnings.gone(numbers)

    def offsets_set(self, offsets: Mapping[int, tuple[int, str]]) -> None:
        """An operator did it."""
        self.operated = True
        self.beginnings.put(offsets)

    # At each commit

    def _committed(self, pid: int, found: Named) -> None:
        named: dict[int, tuple[int, statelog.Named]] = {}
        for number, at in found.items():
            try:
                named[number] = at.offset, statelog.read_named(at.metadata)
            except (ValueError, KeyError):
                self.violation(f"partition {number}: offset {at.offset} names no state")
        problems = self.beginnings.commit(named)
        for problem in problems:
            self.violation(problem)
        if not problems:
            for number, (offset, state) in named.items():
                self._check(self._history(number, offset, state), offset, state, pid)

    def _history(self, number: int, offset: int, named: statelog.Named) -> History:
        key = Key(number, named.incarnation)
        if key not in self.histories:
            self.histories[key] = History(number, offset, self._settings)
        return self.histories[key]

    def _check(self, history: History, offset: int, named: statelog.Named, pid: int) -> None:
        what = f"partition {history.partition}, commit {named.sequence} at offset {offset}"
        if offset < history.offset:
            self.violation(f"{what}: the offset went back from {history.offset}")
            return
        is_empty = not self.records(history.partition, history.offset, offset)
        self._feed(history, offset)
        if named.sequence == 0:
            return
        if named.sequence == history.state.sequence and is_empty:
            return  # it goes past control records, which change no state
        log = self._kafka.log(("state", history.partition))
        if named.sequence != history.state.sequence + 1:
            self.violation(f"{what}: the commit before was {history.state.sequence}")
            return
        if not log.start <= named.start <= log.end:
            self.violation(f"{what}: starts at {named.start}, deleted up to {log.start}")
        problem = history.state.apply(self._chunks(history, log, named, pid))
        if problem is not None:
            self.violation(f"{what}: {problem}")
            return
        history.commits += 1
        if history.commits % REREAD_EVERY == 0:
            self.reread(history, named, pid)
        self._compare(history, what)

    def _feed(self, history: History, offset: int) -> None:
        """Let the model have what was consumed."""
        if self._setup.exact:
            for record in self.records(history.partition, history.offset, offset):
                history.model.take(record)
        history.offset = offset

    def records(self, partition: int, begin: int, end: int) -> list[Record]:
        """Input records that were there to be read, be they deleted since."""
        entries = self._kafka.log(("callbacks", partition)).entries
        return [
            Record("callbacks", partition, at, one.timestamp_ms, one.key, one.value)
            for at, one in enumerate(entries[begin:end], begin)
            if not one.is_control and one.span is None
        ]

    def _chunks(self, history: History, log: Log, named: statelog.Named, pid: int) -> list[Chunk]:
        """Of this commit, wherever they stand."""
        found = []
        for entry in log.entries[history.scanned :]:
            span = entry.span
            if span is None or span.pid != pid or span.committed is False:
                continue
            chunk = statelog.read_chunk(entry.value or b"")
            if (chunk.incarnation, chunk.sequence) == (named.incarnation, named.sequence):
                found.append(chunk)
        history.scanned = log.end
        return found

    def reread(self, history: History, named: statelog.Named, pid: int) -> None:
        """Read the log as a restore must, and compare."""
        log = self._kafka.log(("state", history.partition))
        state, waiting = State(), list[Chunk]()
        for entry in log.entries[named.start :]:
            span = entry.span
            if span is None or not (span.committed or (span.committed is None and span.pid == pid)):
                continue
            chunk = statelog.read_chunk(entry.value or b"")
            if chunk.incarnation != named.incarnation or chunk.sequence > named.sequence:
                continue
            waiting.append(chunk)
            if chunk.chunk == chunk.chunks - 1:
                state.apply(waiting)
                waiting.clear()
        if state.known != history.state.known:
            what = f"partition {history.partition}, commit {named.sequence}"
            self.violation(f"{what}: from {named.start} the log reads otherwise than as written")

    def _compare(self, history: History, what: str) -> None:
        """The state against the model's, unless a full transaction stopped within a moment."""
        setup = self._setup
        if not setup.exact or history.state.clock_ms != history.model.clock:
            return
        if setup.max_reports < UNLIMITED and setup.state_bytes < 2**40:
            return  # memory is made room in by the next transaction
        expected = {txid: _known(entry) for txid, entry in history.model.table.items()}
        found = history.state.known
        if expected == found:
            return
        for txid in sorted(expected.keys() | found.keys()):
            if expected.get(txid) != found.get(txid):
                self.violation(
                    f"{what}: txid {txid}: expected {expected.get(txid)}, found {found.get(txid)}"
                )


def _known(entry: Txid) -> Known:
    """What the state log should know of a txid."""
    revision = entry.next_revision if entry.closed_at is None else entry.next_revision - 1
    closed = 0 if entry.report is None else milliseconds(entry.report["summary"]["closedAt"])
    if entry.is_mark:
        digests = len(entry.items) + len(entry.expected or ())
        return Known("marked", entry.first_offset, revision, closed, digests=digests)
    return Known(
        phase="open" if entry.closed_at is None else "remembered",
        first_offset=entry.first_offset,
        revision=revision,
        closed_ms=closed,
        last_offset=entry.last_offset,
        opened_ms=entry.opened_at,
        since_ms=entry.aging_from,
        touched_ms=entry.last_part_at,
        callbacks=entry.callbacks,
        duplicates=entry.duplicates,
        usage=tuple(item.text for item in entry.of("usage")),
        errors=tuple(item.text for item in entry.of("errors")),
        expected=tuple(sorted(entry.expected or ())),
    )
