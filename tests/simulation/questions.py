"""The pipeline's `Offsets` and `StateReader`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError

from consumer.errors import Action, Fault
from consumer.kafka import faults
from consumer.kafka.faults import Call
from consumer.kafka.offsets import Committed, Hanging
from consumer.kafka.state_reader import StateRecord
from consumer.kafka.transactions import WRITER_HEADER
from tests.simulation.coordinator import Place
from tests.simulation.log import Entry
from tests.simulation.network import (
    BACKOFF_S,
    CONCURRENT,
    TIMED_OUT,
    UNSTABLE,
    RefusedError,
)

if TYPE_CHECKING:
    from tests.simulation.client import Client


class StateReader:
    """See `ports.StateReader`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._topic = client.settings.state
        self._positions: dict[int, int] = {}

    def start(self, partition: int, offset: int) -> None:
        """See `ports.StateReader`."""
        if offset < 0:
            raise ValueError(f"partition {partition} cannot start at offset {offset}")
        self._positions[partition] = offset

    def stop(self, partition: int) -> None:
        """See `ports.StateReader`."""
        self._positions.pop(partition, None)

    def poll(self, max_records: int, timeout_s: float) -> Sequence[StateRecord]:
        """See `ports.StateReader`."""
        process, network, kafka = self._client.process, self._client.network, self._client.kafka
        process.check()
        process.sleep(max(timeout_s, network.latency_s()))
        if network.weather.lost > process.chance.random():
            return []
        found: list[StateRecord] = []
        for number, position in sorted(self._positions.items()):
            log = kafka.log((self._topic, number))
            if not log.holds(position):
                subject = f"{self._topic}[{number}]@{position}"
                error = KafkaError(KafkaError._AUTO_OFFSET_RESET)
                raise faults.fault(error, Call.RESTORE, subject)
            most = min(max_records - len(found), process.chance.choice((1, 3, 1000, 1000)))
            if most > 0:
                records, self._positions[number] = log.read(position, most)
                found += [StateRecord(number, at, entry.value or b"") for at, entry in records]
        if found:
            process.note("restores", [(one.partition, one.offset) for one in found])
        return found

    def position(self, partition: int) -> int:
        """See `ports.StateReader`."""
        return self._positions[partition]

    def close(self) -> None:
        """See `ports.StateReader`."""
        self._client.process.check()
        self._positions.clear()


class Offsets:
    """See `ports.Offsets`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kafka = client.kafka
        self._process = client.process
        self._network = client.network
        settings = client.settings
        self._input, self._state = settings.callbacks, settings.state
        self._group = client.kafka.group(settings.group, len(client.kafka.topics[self._input]))

    def committed(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, Committed] | None:
        """See `ports.Offsets`."""
        try:
            return self._fetch(partitions, timeout_s, stable=True)
        except Fault as fault:
            if fault.cause != faults.BROKER_UNREACHABLE.cause:
                raise
        self._fetch(partitions, max(timeout_s, 1.0), stable=False)
        return None

    def members(self, timeout_s: float) -> Mapping[str, Sequence[int]] | None:
        """See `ports.Offsets`."""
        try:
            found: Mapping[str, Sequence[int]] | None = self._ask(
                "asks who has what", self._group.describe, timeout_s
            )
        except Fault:
            return None
        return found

    def group_has_offsets(self, timeout_s: float) -> bool:
        """See `ports.Offsets`."""
        return bool(self._fetch(range(self._group.partitions), timeout_s, stable=False))

    def input_range(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, tuple[int, int]]:
        """See `ports.Offsets`."""
        return self._range(self._input, partitions, timeout_s)

    def state_range(
        self, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, tuple[int, int]]:
        """See `ports.Offsets`."""
        return self._range(self._state, partitions, timeout_s)

    def input_ends(self, partitions: Sequence[int], timeout_s: float) -> Mapping[int, int] | None:
        """See `ports.Offsets`."""
        wanted = list(partitions)

        def ends() -> dict[int, int]:
            return {number: self._kafka.log((self._input, number)).end for number in wanted}

        try:
            found: dict[int, int] = self._ask("asks for ends", ends, timeout_s)
        except Fault as fault:
            if fault.action is Action.GIVE_UP:
                raise
            return None
        return found

    def delete_state_before(self, offsets: Mapping[int, int]) -> None:
        """See `ports.Offsets`."""
        wanted = dict(offsets)

        def delete() -> None:
            if self._kafka.forbidden:
                raise RefusedError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
            self._kafka.delete_records(self._state, wanted)

        self._process.check()
        self._network.send(f"deletes before {wanted}", delete, lambda _: None)

    def hanging(self, partitions: Sequence[int], timeout_s: float) -> Sequence[Hanging]:
        """See `ports.Offsets`."""
        wanted = list(partitions)

        def heads() -> list[Hanging]:
            found = []
            for number in wanted:
                log = self._kafka.log((self._state, number))
                if log.stable < log.end:
                    head = log.entries[log.stable]
                    writer = dict(head.headers or ()).get(WRITER_HEADER)
                    if writer is not None:
                        value = head.value or b""
                        found.append(Hanging(number, log.stable, writer.decode(), value))
            return found

        answer: list[Hanging] = self._ask("looks who hangs", heads, timeout_s)
        return answer

    def free_writer(
        self, transactional_id: str, timeout_s: float, partitions: Sequence[int] = ()
    ) -> bool:
        """See `ports.Offsets`."""
        limit_s = self._client.settings.transaction_s
        coordinator = self._kafka.coordinator
        end_s = self._kafka.world.now + timeout_s

        def ask(what: str, effect: Callable[[], Any]) -> Any:
            return self._ask(what, effect, max(end_s - self._kafka.world.now, 0.0))

        try:
            pid, epoch = ask(
                f"frees {transactional_id}", lambda: coordinator.init(transactional_id, limit_s)
            )
            try:
                for number in partitions:
                    place = (self._state, number)
                    write = partial(self._write, transactional_id, pid, epoch, place)
                    ask(f"ends an orphan in {place}", write)
            finally:
                if partitions:
                    end = partial(coordinator.end, transactional_id, epoch, committed=False)
                    ask("aborts", end)
        except Fault:
            return False
        return True

    def _write(self, transactional_id: str, pid: int, epoch: int, place: Place) -> None:
        """An empty record in a transaction."""
        self._kafka.log(place)  # which the client knows of
        self._kafka.coordinator.add(transactional_id, epoch, place)
        self._kafka.produce(place, [Entry(None, b"", 1, None, None)], pid, epoch)

    def close(self) -> None:
        """See `ports.Offsets`."""
        self._process.check()

    def _fetch(
        self, partitions: Sequence[int], timeout_s: float, *, stable: bool
    ) -> dict[int, Committed]:
        wanted = list(partitions)
        found = self._ask(
            "asks for offsets", lambda: self._group.fetch(wanted, stable=stable), timeout_s
        )
        return {number: Committed(at.offset, at.metadata) for number, at in found.items()}

    def _range(
        self, topic: str, partitions: Sequence[int], timeout_s: float
    ) -> Mapping[int, tuple[int, int]]:
        wanted = list(partitions)

        def ends() -> dict[int, tuple[int, int]]:
            logs = {number: self._kafka.log((topic, number)) for number in wanted}
            return {number: (log.start, log.end) for number, log in logs.items()}

        found: dict[int, tuple[int, int]] = self._ask(f"asks for {topic}", ends, timeout_s)
        return found

    def _ask(self, what: str, effect: Callable[[], Any], timeout_s: float) -> Any:
        """Ask until there is an answer, or the time is up."""
        world = self._kafka.world
        end_s = world.now + timeout_s
        while True:
            left_s = max(end_s - world.now, 0.0)
            try:
                return self._network.request(what, effect, left_s)
            except RefusedError as refused:
                code = refused.code
                if code in (CONCURRENT, UNSTABLE):
                    if left_s > BACKOFF_S:
                        self._process.sleep(BACKOFF_S)
                        continue
                    code = TIMED_OUT
                raise faults.fault(KafkaError(code), Call.OFFSETS, what) from None
