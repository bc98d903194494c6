"""The real Kafka: our clients in processes of their own, and plain clients for all others.

A crash is a SIGKILL, a frozen member a SIGSTOP: nothing short of that silences the threads
of the client library, which send heartbeats for as long as the process lives. The processes
are forked off one that has imported everything and made no client: that takes some ten
milliseconds each.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined]

from consumer.kafka.properties import ClientOptions
from consumer.kafka.transactions import Timeouts
from consumer.pipeline import ports
from tests.contract import child, raw
from tests.contract.line import Line
from tests.contract.wire import WireRequests
from tests.contract.world import DEFAULT, Client, Limits, RefusedByKafka, Requests, Seen
from tests.harness.cluster import Cluster, Committed, Sending
from tests.waiting import until

_HEARTBEAT_MS = "200"
"""So often a member may learn of a rebalance: the tests are not to wait for it."""

_GROUP_HEARTBEAT_MS = "500"
"""The least that the new protocol's groups may have here."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.contract.child", "pytest"])


class Port:
    """One port of a client in a child: its calls go there."""

    def __init__(self, client: RealClient, name: str) -> None:
        self._client = client
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        name = f"{self._name}.{method}"
        return lambda *arguments: self._client.line.call(name, *arguments)

    def subscribe(self, listener: ports.Listener) -> None:
        """The listener stays here."""
        self._client.listener = listener
        self._client.line.call(f"{self._name}.subscribe")


class RealClient:
    """A child with a member's clients in it."""

    def __init__(self, setup: child.Setup) -> None:
        pipe, theirs = _FORKS.Pipe()
        self.listener: ports.Listener | None = None
        self.line = Line(pipe, self._told)
        self.process = _FORKS.Process(target=child.run, args=(setup, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.source = cast("ports.Source", Port(self, "source"))
        self.transactions = cast("ports.Transactions", Port(self, "transactions"))
        self.transactions.transactional_id = setup.options.transactional_id
        self.reader = cast("ports.StateReader", Port(self, "reader"))
        self.offsets = cast("ports.Offsets", Port(self, "offsets"))

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        assert self.process.pid
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End its process, frozen or not."""
        self.process.kill()  # nothing, if it has ended
        self.process.join()

    def _told(self, name: str, arguments: tuple[Any, ...]) -> None:
        getattr(self.listener, name)(*arguments)


class RealWorld:
    """An application on the Kafka of this test run."""

    def __init__(
        self, bootstrap_servers: str, prefix: str, *, group_session_s: float | None = None
    ) -> None:
        """With `group_session_s` its members use the new protocol: sessions are the group's."""
        self.group = prefix
        self._group_session_s = group_session_s
        self.input = f"{prefix}.callbacks"
        self.state = f"{prefix}.state"
        self.reports = f"{prefix}.reports"
        self.max_record_bytes = 1_000_000
        self._servers = {"bootstrap.servers": bootstrap_servers}
        self._cluster = Cluster(bootstrap_servers)
        self._clients: list[RealClient] = []

    def make_topics(self, partitions: int = 1, *, report_max_bytes: int | None = None) -> None:
        """See `World`."""
        for topic in (self.input, self.state):
            self._cluster.create(topic, partitions)
        limit = {} if report_max_bytes is None else {"max_message_bytes": str(report_max_bytes)}
        self._cluster.create(self.reports, 1, **limit)
        topics = (self.input, self.state, self.reports)
        until(lambda: all(map(self._cluster.partitions, topics)), "the topics are seen")
        if self._group_session_s is not None:
            settings = {
                "consumer.session.timeout.ms": _ms(self._group_session_s),
                "consumer.heartbeat.interval.ms": _GROUP_HEARTBEAT_MS,
            }
            self._cluster.configure_group(self.group, settings)

    def client(self, name: str, *, static: bool = False, limits: Limits = DEFAULT) -> Client:
        """See `World`."""
        options = ClientOptions(
            group=self.group,
            transactional_id=f"{self.group}-{name}",
            instance=name if static else None,
            common=self._servers,
            consumer={
                **self._protocol(limits),
                "max.poll.interval.ms": _ms(limits.poll_s),
            },
            producer={"transaction.timeout.ms": _ms(limits.transaction_s)},
        )
        timeouts = Timeouts(commit_s=limits.answer_s)
        setup = child.Setup(options, self.input, self.state, self.max_record_bytes, timeouts)
        self._clients.append(RealClient(setup))
        return self._clients[-1]

    def requests(self, name: str) -> Requests:
        """See `World`."""
        name = f"{self.group}-{name}"
        servers = self._servers["bootstrap.servers"]
        return WireRequests(servers, name, self.group, self.input, self.state)

    def _protocol(self, limits: Limits) -> Mapping[str, str]:
        if self._group_session_s is not None:
            return {"group.protocol": "consumer"}
        return {
            "session.timeout.ms": _ms(limits.session_s),
            "heartbeat.interval.ms": _HEARTBEAT_MS,
        }

    def crash(self, client: Client) -> None:
        """See `World`."""
        _real(client).kill()

    def freeze(self, client: Client) -> None:
        """See `World`."""
        _real(client).signal(signal.SIGSTOP)
        state = Path(f"/proc/{_real(client).process.pid}/stat")
        if state.exists():  # elsewhere there is no telling when it stands still
            until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "it is frozen")

    def wake(self, client: Client) -> None:
        """See `World`."""
        _real(client).signal(signal.SIGCONT)

    def send(self, values: Sequence[bytes], partition: int = 0) -> None:
        """See `World`."""
        self._cluster.send(self.input, [Sending(value, partition=partition) for value in values])

    def read(self, topic: str, *, committed: bool = True) -> Sequence[Seen]:
        """See `World`."""
        consumer = Consumer(
            self._servers
            | {
                "group.id": f"{self.group}-reader",  # never joined
                "isolation.level": "read_committed" if committed else "read_uncommitted",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 20,
            }
        )
        starts = self._cluster.starts(topic)
        consumer.assign([TopicPartition(topic, *start) for start in starts.items()])
        found: list[Seen] = []
        left = set(starts)
        deadline = time.monotonic() + 20
        while left:
            assert time.monotonic() < deadline, f"{topic}: no end of {left}"
            for message in consumer.consume(1000, 0.02):
                error, partition, offset = message.error(), message.partition(), message.offset()
                assert partition is not None
                assert offset is not None
                if error is None:
                    found.append(Seen(partition, offset, message.value() or b""))
                else:
                    assert error.code() == KafkaError._PARTITION_EOF, error
                    left.discard(partition)
        consumer.close()
        return sorted(found)

    def ends(self, topic: str, *, committed: bool = False) -> Mapping[int, int]:
        """See `World`."""
        return self._cluster.stable_ends(topic) if committed else self._cluster.ends(topic)

    def delete_records(self, topic: str, before: Mapping[int, int]) -> None:
        """See `World`."""
        self._cluster.delete_records(topic, before)

    def forbid_deletions(self) -> None:
        """See `World`."""
        self._cluster.forbid(self.state, AclOperation.DELETE)

    def leave_orphan(self, client: Client, partition: int) -> None:
        """See `World`."""
        place = raw.Place(self._servers["bootstrap.servers"], self.state, partition)
        try:
            raw.leave_orphan(place, client.transactions.transactional_id)
        except raw.Refused as refused:
            raise RefusedByKafka from refused

    def deliver_again(self, value: bytes) -> int:
        """See `World`."""
        place = raw.Place(self._servers["bootstrap.servers"], self.state, 0)
        _, told = raw.deliver_again(place, value)
        return told

    def committed(self) -> Mapping[int, Committed]:
        """See `World`."""
        return self._cluster.committed(self.group, self.input, stable=False)

    def set_offsets(self, offsets: Mapping[int, int]) -> None:
        """See `World`."""
        self._cluster.reset_offsets(self.group, self.input, offsets)

    def expire_offsets(self) -> None:
        """See `World`."""
        self._cluster.delete_group(self.group)

    def nobody(self) -> object:
        """See `World`."""
        consumer = Consumer(self._servers | {"group.id": self.group})
        metadata = consumer.consumer_group_metadata()
        consumer.close()
        return metadata

    def monotonic_s(self) -> float:
        """See `World`."""
        return time.monotonic()

    def until(self, condition: Callable[[], bool], what: str, timeout_s: float = 20) -> None:
        """See `World`."""
        until(condition, what, timeout_s)

    def close(self) -> None:
        """Nobody is given time to say goodbye."""
        for client in self._clients:
            client.kill()


def _ms(seconds: float) -> str:
    return str(round(seconds * 1000))


def _real(client: Client) -> RealClient:
    assert isinstance(client, RealClient)
    return client
