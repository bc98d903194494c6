"""The configuration of a single Kafka node that is controller and broker in one process."""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from consumer.errors import EmbeddedKafkaError

HOST = "127.0.0.1"

SINGLE_NODE: Mapping[str, str] = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Short waits: groups form at once, and a dead member may be given up within a second.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    # Records made by tests carry timestamps of any age: nothing may expire under them.
    "log.retention.ms": "-1",
    "log.message.timestamp.after.max.ms": str(2**63 - 1),
}
"""What every single node needs, wherever it runs: no addresses, no paths."""


def listeners(broker_port: int, controller_port: int) -> dict[str, str]:
    """The addresses of a node that only this machine can reach."""
    return {
        "listeners": f"PLAINTEXT://{HOST}:{broker_port},CONTROLLER://{HOST}:{controller_port}",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
    }


def write(path: Path, settings: Mapping[str, str]) -> None:
    """Write a Java properties file."""
    lines = [f"{name}={_UNSAFE.sub(_escaped, value)}\n" for name, value in settings.items()]
    path.write_text("".join(lines), "ascii")


_UNSAFE = re.compile(r"[^\w./:,=-]", re.ASCII)


def _escaped(match: re.Match[str]) -> str:
    """Java's escapes are of UTF-16 units, two of them for some characters."""
    units = match[0].encode("utf-16-be").hex(" ", 2).split()
    return "".join(rf"\u{unit}" for unit in units)


# Below the ranges from which Linux (32768...) and macOS (49152...) take the port of an
# outgoing connection: there a client that knocks at a stopped broker's port can be given
# that very port, is then connected to itself, and keeps the broker from coming back.
_PORTS = range(20000, 32000)


def free_ports(count: int) -> list[int]:
    """Ports of this machine on which nothing listens at the moment, all different."""
    found: set[int] = set()
    for port in _candidates():
        if len(found) == count:
            return list(found)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            found.add(port)
    raise EmbeddedKafkaError(f"found no free port between {_PORTS.start} and {_PORTS.stop}")


def _candidates() -> Iterable[int]:
    # The system's own randomness: the seeded kind would send parallel runs to the same ports.
    return (secrets.choice(_PORTS) for _ in range(1000))
