"""The records of a workload, the truth about them, and the gate that holds them back.

A consumer that reads committed records gets nothing that lies behind an open transaction.
The gate is such a transaction: one record of it in each partition, after the first tenth of
the records. What lies before it, all contenders work off at once, to warm up; what lies
behind waits in the topic, however long somebody takes to start. Giving the transaction up
sets all of it free, in all partitions, within milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

from confluent_kafka import Producer

from benchmarks.truth import Expected
from benchmarks.workloads import Workload
from consumer.cli.simulate import send
from consumer.simulator.plan import Plan
from tests.harness import Cluster

WARM_UP = 0.1
"""Share of the records that lies before the gate, on top of those that are measured."""
CLOSED = 1_000
"""Of the txids that stay open so many are closed afterwards, to see that they are there."""

Sending = tuple[bytes | None, bytes, int]
"""Key, value and a time that does not matter here."""


class Traffic:
    """All records of one run: made once, sent to each contender."""

    def __init__(self, records: list[Sending], warm_up: int, truth: dict[str, Expected]) -> None:
        self.records = records
        self.warm_up = warm_up
        """So many of `records` lie before the gate."""
        self.truth = truth
        """By txid, of those that get a report."""
        self.closing: list[Sending] = []
        """Records that close some of the txids that the others leave open."""

    @classmethod
    def of(cls, workload: Workload, callbacks: int) -> Self:
        """`callbacks` are those behind the gate."""
        plan = Plan(workload.options(callbacks + int(callbacks * WARM_UP)))
        records = list(plan.records())
        traffic = cls(records, max(len(records) - callbacks, 0), {})
        every = 1 if workload.completes else max(plan.options.requests // CLOSED, 1)
        for number, request in enumerate(plan.requests()):
            if number % every == 0:
                traffic.truth[request.txid] = Expected.of(request)
                if not workload.completes:
                    traffic.closing.append(_expectation(request.txid, request.imeis))
        return traffic

    @property
    def measured(self) -> int:
        """Records behind the gate."""
        return len(self.records) - self.warm_up


class Gate:
    """An open transaction in front of what is sent next."""

    def __init__(self, servers: str, topic: str, partitions: Iterable[int]) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": servers,
                "transactional.id": f"{topic}.gate",
                "transaction.timeout.ms": 900_000,  # the most that a broker allows by default
                "log_level": 2,  # what goes wrong is raised
            }
        )
        self._producer.init_transactions()
        self._producer.begin_transaction()
        for number in partitions:
            self._producer.produce(topic, b"gate", partition=number)
        self._producer.flush()

    def open(self) -> None:
        """Set free what waits behind it. The gate's own records are never seen."""
        self._producer.abort_transaction()


class Channel:
    """One input topic, filled for one run."""

    def __init__(self, cluster: Cluster, topic: str, traffic: Traffic) -> None:
        self._cluster, self._topic = cluster, topic
        self._send(traffic.records[: traffic.warm_up])
        self.before_gate = cluster.ends(topic)
        """By partition, the position at which everything before the gate is read."""
        self._gate = Gate(cluster.bootstrap_servers, topic, self.before_gate)
        self.end = self.before_gate
        """By partition, the position at which everything is read."""
        self.add(traffic.records[traffic.warm_up :])

    def open_gate(self) -> None:
        """Return as soon as all records are free, which is some milliseconds after the asking."""
        self._gate.open()
        while any(free < self.end[n] for n, free in self._cluster.stable_ends(self._topic).items()):
            pass  # time begins with the end of this

    def add(self, records: Sequence[Sending]) -> None:
        """Send more. What lies in front of them may be no records, but marks of a transaction."""
        empty = self._cluster.ends(self._topic)
        self._send(records)
        ends = self._cluster.ends(self._topic)
        self.end = {n: end if end > empty[n] else self.end[n] for n, end in ends.items()}

    def _send(self, records: Sequence[Sending]) -> None:
        deliver(records, self._cluster, self._topic)


def deliver(records: Iterable[Sending], cluster: Cluster, topic: str) -> int:
    """Send as fast as Kafka takes them, placed as a Java client would; how many there were."""
    producer = Producer(
        {
            "bootstrap.servers": cluster.bootstrap_servers,
            "partitioner": "murmur2_random",
            "linger.ms": 20,
            "queue.buffering.max.messages": 1_000_000,
            "log_level": 2,
        }
    )
    return send(iter(records), producer, topic, paced=False)


def _expectation(txid: str, imeis: Sequence[str]) -> Sending:
    names = '","'.join(imeis)
    return txid.encode(), f'{{"txid":"{txid}","imei":["{names}"]}}'.encode(), 0
