"""The transactional producer: the pipeline's `Transactions`.

A thread of its own gathers what was queued into one batch per partition, adds the partition to
the transaction, sends the batch, and sends it again until it is answered; the broker takes a
batch once, whenever it comes. The other calls are requests that wait. What state the client is
in, and which calls it refuses therein, follows librdkafka: after a commit without an answer
only closing is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError

from consumer.errors import Fault
from consumer.kafka import faults
from consumer.kafka.faults import Call
from consumer.kafka.transactions import WRITER_HEADER
from consumer.pipeline.checkpoint import OutputRecord
from consumer.pipeline.ports import Output, Position
from tests.simulation.coordinator import Place
from tests.simulation.group import Metadata
from tests.simulation.log import Entry
from tests.simulation.network import BACKOFF_S, CONCURRENT, TIMED_OUT, RefusedError
from tests.simulation.world import Answer

if TYPE_CHECKING:
    from tests.simulation.client import Client

RETRY_S = 0.5
"""Until a batch without an answer is sent again."""
FATAL = frozenset({KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED})


class Sending:
    """A batch on its way."""

    def __init__(self, place: Place, records: list[Entry]) -> None:
        self.place = place
        self.records = records
        self.offset: int | None = None
        self.is_done = False


class Transactions:
    """See `ports.Transactions`."""

    def __init__(self, client: Client) -> None:
        self.transactional_id = client.name
        self._client = client
        self._kafka = client.kafka
        self._process = client.process
        self._network = client.network
        self._limits = client.settings.timeouts
        self._pid = self._epoch = -1
        self._status = "new"
        """`new`, `ready`, `open`, `unknown` (how the last one ended), `closed`."""
        self._fatal: Fault | None = None
        self._failures: list[Fault] = []
        self._queue: dict[Place, list[Entry]] = {}
        self._added: set[Place] = set()
        self._has_offsets = False
        self._under_way: list[Sending] = []
        self._is_gathering = False
        self._serial = self._begun = 0
        self._begun_s = 0.0
        self._begins: dict[int, int] = {}
        self._flushed: Answer | None = None

    @property
    def is_fenced(self) -> bool:
        """Whether another one has its id, be it that it does not know yet."""
        return self._epoch < self._kafka.coordinator.of(self.transactional_id).epoch

    # Calls

    def init(self) -> None:
        """See `ports.Transactions`."""
        name, timeout_s = self.transactional_id, self._client.settings.transaction_s
        found = self._ask(
            Call.INIT,
            "init",
            lambda: self._kafka.coordinator.init(name, timeout_s),
            self._limits.init_s,
        )
        self._pid, self._epoch = found
        self._status = "ready"

    def begin(self) -> None:
        """See `ports.Transactions`."""
        self._check(Call.BEGIN, "ready")
        self._serial += 1
        self._begun += 1
        self._begun_s = self._kafka.world.now
        self._failures, self._queue, self._under_way = [], {}, []
        self._added, self._has_offsets, self._begins = set(), False, {}
        self._is_gathering = False
        self._status = "open"

    def produce(self, outputs: Sequence[Output]) -> None:
        """See `ports.Transactions`."""
        self._check(Call.PRODUCE, "open")
        for output in outputs:
            partition = output.partition
            if partition < 0:
                partition = self._kafka.partition_of(output.topic, output.key)
            timestamp_ms = output.timestamp_ms or self._process.wall_ms()
            self._check_size(output)
            entry = Entry(output.key, output.value, timestamp_ms, output.headers, None)
            self._enqueue((output.topic, partition), entry)

    def produce_keyed(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
        """See `ports.Transactions`."""
        self.produce([OutputRecord(topic, key, value) for key, value in records])

    def produce_state(self, partition: int, values: Sequence[bytes]) -> None:
        """See `ports.Transactions`."""
        self._check(Call.PRODUCE, "open")
        if b"" in values:
            self._process.note("ends an orphan of its own", partition)
        headers = [(WRITER_HEADER, self.transactional_id.encode())]
        for value in values:
            entry = Entry(None, value, self._process.wall_ms(), headers, None)
            self._enqueue((self._client.settings.state, partition), entry)

    def flush(self) -> Mapping[int, int]:
        """See `ports.Transactions`."""
        self._check(Call.FLUSH, "open")
        if not self._is_delivered():
            self._flushed = answer = Answer()
            self._kafka.world.after(self._limits.flush_s, lambda: self._process.answer(answer))
            self._process.wait(answer)
        begins = self.delivered()
        if begins is None:
            raise self._undelivered()
        return begins

    def delivered(self) -> Mapping[int, int] | None:
        """See `ports.Transactions`."""
        self._check(Call.FLUSH, "open")
        if self._failures:
            raise faults.worst(self._failures)
        if self._is_delivered():
            return self._begins
        if self._kafka.world.now > self._begun_s + self._limits.flush_s:
            raise self._undelivered()
        return None

    def send_offsets(self, positions: Sequence[Position], group_metadata: object) -> None:
        """See `ports.Transactions`."""
        self._check(Call.SEND_OFFSETS, "open")
        assert isinstance(group_metadata, Metadata)
        who, name, group = group_metadata, self.transactional_id, self._client.settings.group
        sent = [(one.partition, one.offset, one.metadata) for one in positions]
        if any(offset < 0 for _, offset, _ in sent):
            raise ValueError(f"offsets {sent}")
        end_s = self._kafka.world.now + self._limits.offsets_s
        coordinator = self._kafka.coordinator
        self._has_offsets = True
        self._ask(
            Call.SEND_OFFSETS,
            "add offsets",
            lambda: coordinator.add_offsets(name, self._epoch, group),
            self._limits.offsets_s,
        )
        self._process.note("offsets", [(p, offset) for p, offset, _ in sent], who.generation)
        try:
            self._ask(
                Call.SEND_OFFSETS,
                "send offsets",
                lambda: self._kafka.send_offsets(group, self._pid, self._epoch, who, sent),
                max(end_s - self._kafka.world.now, BACKOFF_S),
            )
        except Fault as fault:  # from now on it can only be aborted
            self._failures.append(fault)
            raise

    def commit(self) -> None:
        """See `ports.Transactions`."""
        self._check(Call.COMMIT, "open")
        if self._failures:
            raise faults.worst(self._failures)
        self._status = "unknown"
        if self._added or self._has_offsets:
            self._end(Call.COMMIT, self._limits.commit_s, committed=True)
        self._status = "ready"

    def abort(self) -> None:
        """See `ports.Transactions`."""
        self._process.check()
        if self._status in ("new", "ready", "closed"):
            return
        self._check(Call.ABORT, "open")
        self._status = "unknown"
        self._serial += 1  # what is still queued is purged, and nothing is sent again
        if self._added or self._has_offsets:
            self._end(Call.ABORT, self._limits.abort_s, committed=False)
        self._status = "ready"

    def end_orphans(self, partitions: Sequence[int]) -> None:
        """See `ports.Transactions`."""
        self.begin()
        try:
            for partition in partitions:
                self.produce_state(partition, [b""])
            self.flush()
        finally:
            self.abort()

    def close(self) -> None:
        """See `ports.Transactions`."""
        self._process.check()
        self._serial += 1
        self._status = "closed"

    # Deliveries

    def _check_size(self, output: Output) -> None:
        """The client refuses what no topic takes, which leaves the transaction as it was."""
        size = len(output.key or b"") + len(output.value or b"")
        if size > self._client.settings.record_bytes:
            error = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
            raise faults.fault(error, Call.PRODUCE, f"topic {output.topic}, {size} bytes")

    def _enqueue(self, place: Place, entry: Entry) -> None:
        self._queue.setdefault(place, []).append(entry)
        if not self._is_gathering:
            self._is_gathering = True
            serial = self._serial
            delay_s = self._process.chance.random() * 0.005
            self._process.later(delay_s, lambda: self._gather(serial))

    def _gather(self, serial: int) -> None:
        """Make batches of what is queued."""
        self._is_gathering = False
        if serial != self._serial:
            return
        queue, self._queue = self._queue, {}
        for place, records in queue.items():
            sending = Sending(place, records)
            self._under_way.append(sending)
            if place in self._added:
                self._deliver(serial, sending)
            else:
                self._added.add(place)
                self._add(serial, sending)

    def _add(self, serial: int, sending: Sending) -> None:
        """Add the batch's partition to the transaction, then send it."""
        name, epoch, place = self.transactional_id, self._epoch, sending.place

        def added(answer: Any) -> None:
            if serial != self._serial or sending.is_done:
                return
            if not isinstance(answer, RefusedError):
                self._deliver(serial, sending)
            elif answer.code == CONCURRENT:
                self._process.later(BACKOFF_S, lambda: self._add(serial, sending))
            else:
                self._failed(sending, answer)

        add = lambda: self._kafka.coordinator.add(name, epoch, place)  # noqa: E731
        self._send_until(serial, "adds", add, added)

    def _deliver(self, serial: int, sending: Sending) -> None:
        pid, epoch = self._pid, self._epoch

        def produce() -> int:
            if sending.offset is None:  # the broker knows the batch by its number
                found = self._kafka.produce(sending.place, sending.records, pid, epoch)
                sending.offset = found
            return sending.offset

        def produced(answer: Any) -> None:
            if serial != self._serial or sending.is_done:
                return
            if isinstance(answer, RefusedError):
                self._failed(sending, answer)
                return
            topic, partition = sending.place
            if topic == self._client.settings.state:
                self._begins.setdefault(partition, answer)
            self._settle(sending)

        self._send_until(serial, f"produces {sending.place}", produce, produced)

    def _send_until(
        self,
        serial: int,
        what: str,
        effect: Callable[[], Any],
        done: Callable[[Any], None],
    ) -> None:
        """Send again and again until there is an answer, or the transaction is over."""
        is_answered = False

        def answered(answer: Any) -> None:
            nonlocal is_answered
            if not is_answered:
                is_answered = True
                done(answer)

        def send() -> None:
            if is_answered or serial != self._serial:
                return
            if not self._network.send(what, effect, answered):
                self._process.later(RETRY_S, send)

        send()

    def _settle(self, sending: Sending) -> None:
        sending.is_done = True
        if self._flushed is not None and (self._failures or self._is_delivered()):
            answer, self._flushed = self._flushed, None
            self._process.answer(answer)

    def _failed(self, sending: Sending, refused: RefusedError) -> None:
        fault = self._fault(Call.DELIVER, refused, f"topic {sending.place[0]}")
        self._failures.append(fault)
        self._settle(sending)

    def _is_delivered(self) -> bool:
        return not self._queue and all(one.is_done for one in self._under_way)

    def _undelivered(self) -> Fault:
        return faults.raised(faults.BROKER_UNREACHABLE, "records not delivered in time")

    # Requests

    def _end(self, call: Call, limit_s: float, *, committed: bool) -> None:
        coordinator, name, epoch = self._kafka.coordinator, self.transactional_id, self._epoch
        self._ask(
            call,
            "commit" if committed else "abort",
            lambda: coordinator.end(name, epoch, committed=committed),
            limit_s,
        )

    def _ask(self, call: Call, what: str, effect: Callable[[], Any], limit_s: float) -> Any:
        """Ask until the coordinator is ready to answer, or the time is up."""
        end_s = self._kafka.world.now + limit_s
        begun = self._begun
        while True:
            left_s = max(end_s - self._kafka.world.now, 0.0)
            try:
                return self._network.request(what, effect, left_s, lambda: begun != self._begun)
            except RefusedError as refused:
                if refused.code == CONCURRENT and left_s > BACKOFF_S:
                    self._process.sleep(BACKOFF_S)
                    continue
                if refused.code == CONCURRENT:
                    refused = RefusedError(TIMED_OUT)
                subject = f"transactional.id {self.transactional_id}"
                raise self._fault(call, refused, subject) from None

    def _fault(self, call: Call, refused: RefusedError, subject: str) -> Fault:
        error = KafkaError(refused.code, txn_requires_abort=call is Call.SEND_OFFSETS)
        fault = faults.fault(error, call, subject)
        if refused.code in FATAL:
            self._fatal = fault
        return fault

    def _check(self, call: Call, status: str) -> None:
        """Refuse what the client's state does not allow."""
        self._process.check()
        if self._fatal is not None:
            raise self._fatal
        if self._status == "closed":
            raise RuntimeError("the producer is closed")
        if self._status != status:
            raise faults.raised(faults.INTERNAL, f"{call}: not while {self._status}")
