"""One identity: the process of a member with its four clients, as `consumer/kafka/` has them."""

from __future__ import annotations

from collections.abc import Callable

from consumer.kafka.transactions import Timeouts
from tests.simulation.broker import Kafka
from tests.simulation.network import Network
from tests.simulation.producer import Transactions
from tests.simulation.questions import Offsets, StateReader
from tests.simulation.source import Source
from tests.simulation.world import Answer, Process


class Settings:
    """What the clients of all members are configured with. Seconds, and bytes."""

    def __init__(
        self,
        *,
        group: str = "app",
        callbacks: str = "callbacks",
        state: str = "state",
        session_s: float = 10.0,
        max_poll_s: float = 300.0,
        transaction_s: float = 10.0,
        record_bytes: int = 1_000_000,
        timeouts: Timeouts | None = None,
        latency_s: float = 0.0,
    ) -> None:
        self.group = group
        self.callbacks = callbacks
        self.state = state
        self.session_s = session_s
        self.max_poll_s = max_poll_s
        self.transaction_s = transaction_s
        self.record_bytes = record_bytes
        self.timeouts = timeouts or Timeouts()
        self.latency_s = latency_s


class Client:
    """A process, and what it makes to talk with the broker. `name` is its `transactional.id`."""

    def __init__(
        self,
        kafka: Kafka,
        name: str,
        *,
        instance: str | None = None,
        settings: Settings | None = None,
        process: str | None = None,
    ) -> None:
        """`process` names this run of the program, if there may be several of one id."""
        self.kafka = kafka
        self.name = name
        self.instance = instance
        self.settings = settings or Settings()
        self.process = Process(kafka.world, process or name)
        self.network = Network(self.process)
        self.network.base_s = self.settings.latency_s
        self.producer: Transactions | None = None
        """The last one."""
        self.breaks = 0.0
        """How often the client library fails when a record is looked at."""
        self.on_told: Callable[[], None] = lambda: None
        """Called when it hears that it must give partitions up."""

    def source(self) -> Source:
        """A member of the group, once it polls."""
        return Source(self)

    def transactions(self) -> Transactions:
        """A transactional producer."""
        self.producer = Transactions(self)
        return self.producer

    def reader(self) -> StateReader:
        """A reader of the state topic."""
        return StateReader(self)

    def offsets(self) -> Offsets:
        """Questions about offsets."""
        return Offsets(self)

    def crash(self) -> None:
        """End the process (SIGKILL): its session goes on until it expires."""
        self.process.kill()
        self.process.note("crashes")

    def freeze(self) -> None:
        """Stop the process (SIGSTOP)."""
        self.process.freeze()
        self.process.note("freezes")

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        self.process.note("thaws")
        self.process.thaw()


class Beside:
    """A call beside the loop, on a greenlet of its own: the pipeline's `Aside`."""

    def __init__(self, process: Process, call: Callable[[], None]) -> None:
        self._process = process
        self._answer = Answer()
        self._call = call
        process.spawn(self._run)

    def done(self, *, wait: bool) -> bool:
        """See `Aside`."""
        if wait or self._answer.ready:
            self._process.wait(self._answer)
            return True
        return False

    def _run(self) -> None:
        try:
            self._call()
        except Exception as error:  # noqa: BLE001 - raised where it is asked for
            self._process.answer(self._answer, error=error)
        else:
            self._process.answer(self._answer)
