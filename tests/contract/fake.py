"""The fake Kafka of `tests.simulation`, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import KafkaError

from consumer.kafka.transactions import WRITER_HEADER
from consumer.pipeline import ports
from tests.contract.world import DEFAULT, Client, Limits, RefusedByKafka, Requests, Seen
from tests.harness.cluster import Committed
from tests.simulation.broker import Kafka
from tests.simulation.client import Client as Identity
from tests.simulation.client import Settings
from tests.simulation.group import Metadata
from tests.simulation.log import Entry
from tests.simulation.network import FINE, Fate, RefusedError, Weather
from tests.simulation.producer import Transactions

_STEP_S = 0.02


class Hasty(Transactions):
    """Its commits get through or not, now or later, and no answer reaches it in time."""

    def __init__(self, client: Identity) -> None:
        super().__init__(client)
        self._weather = client.network

    def commit(self) -> None:
        """See `ports.Transactions`."""
        self._weather.weather = Weather(lost=0.3, unanswered=0.4, late=0.3)
        try:
            super().commit()
        finally:
            self._weather.weather = FINE


class FakeClient:
    """A process in the fake world, and its clients."""

    def __init__(self, identity: Identity, *, hasty: bool) -> None:
        self.identity = identity
        self.source: ports.Source = identity.source()
        self.transactions: ports.Transactions = (Hasty if hasty else Transactions)(identity)
        self.reader: ports.StateReader = identity.reader()
        self.offsets: ports.Offsets = identity.offsets()


class FakeRequests:
    """See `world.Requests`; they take no time."""

    def __init__(self, world: FakeWorld, name: str) -> None:
        self._kafka = world.kafka
        self._name, self._place = name, (world.state, 0)
        self._group = world.kafka.group("app", len(world.kafka.topics[world.input])).name
        self._pid = self._epoch = -1

    def init(self) -> str:
        """See `Requests`."""

        def init() -> None:
            self._pid, self._epoch = self._kafka.coordinator.init(self._name, 60.0)

        return _answer(init)

    def add(self) -> str:
        """See `Requests`."""
        return _answer(lambda: self._kafka.coordinator.add(self._name, self._epoch, self._place))

    def add_offsets(self) -> str:
        """See `Requests`."""
        add = self._kafka.coordinator.add_offsets
        return _answer(lambda: add(self._name, self._epoch, self._group))

    def send_offset(self, offset: int) -> str:
        """See `Requests`."""
        who, sent = Metadata("", -1, None), [(0, offset, "")]
        send = self._kafka.send_offsets
        return _answer(lambda: send(self._group, self._pid, self._epoch, who, sent))

    def end(self, *, committed: bool) -> str:
        """See `Requests`."""
        end = self._kafka.coordinator.end
        return _answer(lambda: end(self._name, self._epoch, committed=committed))


def _answer(effect: Callable[[], object]) -> str:
    """What the coordinator answers."""
    try:
        effect()
    except RefusedError as refused:
        return str(refused)
    return KafkaError(0).name()


class FakeWorld:
    """An application on a Kafka of its own, whose chances come from `seed`."""

    def __init__(self, seed: int | str, *, verifies: bool = True) -> None:
        self.kafka = Kafka(seed, verifies=verifies)
        self.input, self.state, self.reports = "callbacks", "state", "reports"
        self.max_record_bytes = 1_000_000
        self._started = 0

    def make_topics(self, partitions: int = 1, *, report_max_bytes: int | None = None) -> None:
        """See `World`."""
        for topic in (self.input, self.state):
            self.kafka.create_topic(topic, partitions)
        self.kafka.create_topic(self.reports)
        if report_max_bytes is not None:  # it knows no sizes: this topic takes no record at all
            self.kafka.refusals[self.reports] = KafkaError.MSG_SIZE_TOO_LARGE

    def client(self, name: str, *, static: bool = False, limits: Limits = DEFAULT) -> Client:
        """See `World`."""
        self._started += 1
        settings = Settings(
            callbacks=self.input,
            state=self.state,
            session_s=limits.session_s,
            max_poll_s=limits.poll_s,
            transaction_s=limits.transaction_s,
            record_bytes=self.max_record_bytes,
        )
        identity = self.kafka.client(
            name,
            instance=name if static else None,
            settings=settings,
            process=f"{name}-{self._started}",
        )
        return FakeClient(identity, hasty=limits.answer_s == 0)

    def requests(self, name: str) -> Requests:
        """See `World`."""
        return FakeRequests(self, name)

    def crash(self, client: Client) -> None:
        """See `World`."""
        _fake(client).crash()

    def freeze(self, client: Client) -> None:
        """See `World`."""
        _fake(client).freeze()

    def wake(self, client: Client) -> None:
        """See `World`."""
        _fake(client).thaw()

    def send(self, values: Sequence[bytes], partition: int = 0) -> None:
        """See `World`."""
        for value in values:
            self.kafka.send(self.input, partition, value)

    def read(self, topic: str, *, committed: bool = True) -> Sequence[Seen]:
        """See `World`."""
        records = self.kafka.read(topic, committed=committed)
        return sorted(Seen(one.partition, one.offset, one.value or b"") for one in records)

    def ends(self, topic: str, *, committed: bool = False) -> Mapping[int, int]:
        """See `World`."""
        return self.kafka.ends(topic, committed=committed)

    def delete_records(self, topic: str, before: Mapping[int, int]) -> None:
        """See `World`."""
        self.kafka.delete_records(topic, before)

    def forbid_deletions(self) -> None:
        """See `World`."""
        self.kafka.forbidden += 1

    def leave_orphan(self, client: Client, partition: int) -> None:
        """See `World`."""
        identity, kafka = _fake(client), self.kafka
        pid, epoch = kafka.coordinator.init(identity.name, DEFAULT.transaction_s)
        headers = [(WRITER_HEADER, identity.name.encode())]
        try:
            kafka.produce(
                (self.state, partition), [Entry(None, b"orphan", 1, headers, None)], pid, epoch
            )
        except RefusedError as refused:
            raise RefusedByKafka from refused

    def deliver_again(self, value: bytes) -> int:
        """See `World`."""
        client = self.client("stutterer")
        client.transactions.init()
        _fake(client).network.aims["produces"] = lambda: Fate.UNANSWERED
        client.transactions.begin()
        client.transactions.produce_state(0, [value])
        (told,) = client.transactions.flush().values()
        client.transactions.commit()
        return told

    def committed(self) -> Mapping[int, Committed]:
        """See `World`."""
        return {number: Committed(*at) for number, at in self.kafka.committed("app").items()}

    def set_offsets(self, offsets: Mapping[int, int]) -> None:
        """See `World`."""
        found = {number: (offset, "") for number, offset in offsets.items()}
        self.kafka.alter_offsets("app", found)

    def expire_offsets(self) -> None:
        """See `World`."""
        assert self.kafka.expire_offsets("app")

    def nobody(self) -> object:
        """See `World`."""
        return Metadata("", -1, None)

    def monotonic_s(self) -> float:
        """See `World`."""
        return self.kafka.world.now

    def until(self, condition: Callable[[], bool], what: str, timeout_s: float = 20) -> None:
        """See `World`."""
        deadline_s = self.kafka.world.now + timeout_s
        while not condition():
            assert self.kafka.world.now < deadline_s, f"not within {timeout_s} s: {what}"
            self.kafka.pass_time(_STEP_S)

    def close(self) -> None:
        """Nothing is left of it."""
        self.kafka.world.close()


def _fake(client: Client) -> Identity:
    assert isinstance(client, FakeClient)
    return client.identity
