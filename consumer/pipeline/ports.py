"""What the pipeline asks of the world, as Protocols.

`kafka/` and `telemetry/` satisfy these structurally and never import this room; a test
may put anything else behind them. All offsets are Kafka offsets, all `*_s` are seconds,
all `*_ms` are milliseconds since the epoch. Every call that can block takes or owns an
explicit time limit, and what goes wrong comes out as `errors.Fault`, never raw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from consumer.aggregation.tallies import Tallies


class Message(Protocol):
    """One input record as the client library hands it over (read lazily: calls cost)."""

    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> Sequence[tuple[str, bytes | None]] | None: ...
    def timestamp(self) -> tuple[int, int]: ...


class Batch(Protocol):
    """Consecutive records of one input partition, in offset order, as parallel lists."""

    @property
    def partition(self) -> int: ...
    @property
    def offsets(self) -> Sequence[int]: ...
    @property
    def timestamps(self) -> Sequence[int]: ...
    @property
    def keys(self) -> Sequence[bytes | None]: ...
    @property
    def values(self) -> Sequence[bytes | None]: ...
    @property
    def messages(self) -> Sequence[Message]: ...


class Polled(Protocol):
    """What one `Source.poll` brought."""

    @property
    def batches(self) -> Sequence[Batch]: ...
    @property
    def ends(self) -> Mapping[int, int]:
        """Partitions whose (read_committed) end was reached, with the position there."""


class Listener(Protocol):
    """Told of rebalances from within `Source.poll` and `Source.close`."""

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """New partitions, assigned and paused; answer later with `Source.start`."""

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Orderly revocation: last chance to commit what was read from them, except from
        within `close`, where it is too late."""

    def on_lost(self, partitions: Sequence[int]) -> None:
        """Gone without notice: another member may own them already; only let go."""


class Source(Protocol):
    """The group member that reads the callbacks topic."""

    def subscribe(self, listener: Listener) -> None: ...

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        """At most `max_records` records of running partitions. Raises `Fault`."""

    def start(self, partition: int, offset: int) -> None:
        """Begin to deliver `partition` from `offset` (after its restore)."""

    def pause(self, partition: int) -> None: ...
    def resume(self, partition: int) -> None: ...

    def rejoin(self) -> None:
        """Join the group anew, with nothing, so that everything is handed out. All that this
        member has is revoked from within the next `poll`. Raises `Fault`."""

    def is_member(self) -> bool:
        """Whether the group has taken this consumer in, be it without partitions."""

    def member_id(self) -> str:
        """What the group calls this member; empty while it is none."""

    def group_metadata(self) -> object:
        """Fresh group metadata for one commit. Raises `Fault` (cause `not_a_member`)
        when this consumer has no member id (the broker would not fence the commit), and
        from the beginning of `close` on."""

    def close(self) -> None:
        """Leave the group (a static member does not) and free the client, or give that up
        after a while. The listener is told on the caller's thread, or never."""


class Output(Protocol):
    """One record to produce."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int
    """-1 lets the partitioner choose."""

    timestamp_ms: int
    """0: now."""

    headers: Sequence[tuple[str, bytes | None]] | None


class Position(Protocol):
    """Where the group goes on in one input partition, and the state that belongs to it."""

    partition: int
    offset: int
    metadata: str


class Transactions(Protocol):
    """The member's transactional producer. Order: begin, produce, flush, send_offsets,
    commit; or abort. After any `Fault` but `RESEND` it must not be used again, save for
    `abort` and `close`."""

    transactional_id: str

    def init(self) -> None:
        """`init_transactions`: fences and aborts what a predecessor left behind."""

    def begin(self) -> None: ...

    def produce(self, outputs: Sequence[Output]) -> None:
        """Queue records. No error is swallowed: the commit would then succeed without."""

    def produce_keyed(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
        """Queue many records of one topic, each a key, which places it, and a value. The
        same holds for errors; but where deliveries fail, it may be `send_offsets` or `commit`
        that raises instead of `flush` and `delivered`, `RESEND` if the reason is not known."""

    def produce_state(self, partition: int, values: Sequence[bytes]) -> None:
        """Queue records for one partition of the state topic, in order."""

    def flush(self) -> Mapping[int, int]:
        """Wait for every delivery report; per state partition the offset of the first
        record that `produce_state` queued for it in this transaction."""

    def delivered(self) -> Mapping[int, int] | None:
        """The same without waiting; `None` while reports are outstanding."""

    def send_offsets(self, positions: Sequence[Position], group_metadata: object) -> None: ...
    def commit(self) -> None: ...

    def abort(self) -> None:
        """Abort with a time limit. Raises `Fault` where even that fails."""

    def end_orphans(self, partitions: Sequence[int]) -> None:
        """In these state partitions, end transactions of this id that their coordinator
        does not know of. Outside of a transaction."""

    def close(self) -> None: ...


class Aside(Protocol):
    """A call that is made beside the loop."""

    def done(self, *, wait: bool) -> bool:
        """Whether it has returned; `wait` until it has. Raises what it raised."""


class Committed(Protocol):
    """A committed offset of the group with its metadata (`""` when it has none)."""

    @property
    def offset(self) -> int: ...
    @property
    def metadata(self) -> str: ...


class Hanging(Protocol):
    """An open transaction that holds a state partition back; equal when it is the same."""

    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def writer(self) -> str: ...
    @property
    def value(self) -> bytes:
        """Of its first record there."""


class StateRecord(Protocol):
    """One record of the state topic."""

    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes: ...


class StateReader(Protocol):
    """Reads the state topic (read_committed) outside of any group."""

    def start(self, partition: int, offset: int) -> None: ...
    def stop(self, partition: int) -> None: ...

    def poll(self, max_records: int, timeout_s: float) -> Sequence[StateRecord]: ...

    def position(self, partition: int) -> int:
        """Where reading stands, control records and aborted ones counted."""

    def close(self) -> None: ...


class Offsets(Protocol):
    """Questions about the group and offsets. Each is one request, or two; blocks for at
    most `timeout_s`."""

    def members(self, timeout_s: float) -> Mapping[str, Sequence[int]] | None:
        """Input partitions by member id, as the group has dealt them; `None` during a
        rebalance, and without an answer in time. Never raises; may be asked beside the loop."""

    def committed(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, Committed] | None:
        """The group's offsets in the input topic; partitions with none are absent. Waits
        for pending transactional commits: `None` when they block it."""

    def group_has_offsets(self, timeout_s: float) -> bool:
        """Whether the group has a committed offset in any partition of the input."""

    def input_range(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, tuple[int, int]]:
        """Earliest and READ_UNCOMMITTED end offset of input partitions."""

    def state_range(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, tuple[int, int]]:
        """The same of state partitions."""

    def input_ends(self, partitions: Sequence[int], timeout_s: float) -> Mapping[int, int] | None:
        """READ_UNCOMMITTED end offsets; `None` when Kafka did not answer in time."""

    def delete_state_before(self, offsets: Mapping[int, int]) -> None:
        """DeleteRecords, without waiting. A refusal is logged once, and that is all."""

    def hanging(self, partitions: Sequence[int], timeout_s: float) -> Sequence[Hanging]:
        """The oldest open transaction of each of these state partitions that has one."""

    def free_writer(
        self, transactional_id: str, timeout_s: float, partitions: Sequence[int] = ()
    ) -> bool:
        """End the hanging transaction of a dead member (`init_transactions` with its
        id, which fences it), in these state partitions even one that its coordinator does
        not know of. False when that did not work in time."""

    def close(self) -> None: ...


class Clock(Protocol):
    """Time; the only source of it in this room."""

    def wall_ms(self) -> int: ...
    def monotonic_s(self) -> float: ...


class Observer(Protocol):
    """Told what happens, to publish it. Never raises, never blocks."""

    def turned(self) -> None:
        """The loop has turned once more: the heartbeat behind `/livez`."""

    def committed(self, tallies: Tallies, duration_s: float, wall_ms: int) -> None: ...
    def processed(self, duration_s: float) -> None:
        """One polled batch went through decode and aggregate."""

    def rebalanced(self, event: str, partitions: Sequence[int]) -> None:
        """`event` is `assigned`, `revoked` or `lost`; the series of partitions that went
        are dropped here."""

    def readiness(self, assigned: int, restoring: int) -> None:
        """How many partitions this member has, and how many of them still restore."""

    def joined(self) -> None:
        """The group has answered: also a member with no partitions is ready."""

    def restore_progress(self, remaining_records: int) -> None: ...
    def restored(self, partition: int, txids: int, duration_s: float) -> None: ...
    def lag(self, records_by_partition: Mapping[int, int]) -> None: ...
    def state(
        self, open_txids: int, remembered_txids: int, state_bytes: int, oldest_open_s: float
    ) -> None: ...
    def misplaced_key(self) -> None:
        """A sampled key lies in another partition than a Java client would choose."""

    def restarted(self, cause: str) -> None: ...
