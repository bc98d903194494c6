"""Where the tests take their Kafka from: a given one, Docker, or the embedded one."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from consumer.embedded import EmbeddedKafka
from consumer.embedded.jars import KAFKA_VERSION
from consumer.embedded.properties import SINGLE_NODE, free_ports

GIVEN = "KAFKA_BOOTSTRAP_SERVERS"


@contextlib.contextmanager
def kafka() -> Iterator[str]:
    """Bootstrap servers of a Kafka for the whole test run."""
    if given := os.environ.get(GIVEN):
        yield given
    elif docker_answers():
        with in_docker() as bootstrap_servers:
            yield bootstrap_servers
    else:
        with EmbeddedKafka() as embedded:
            yield embedded.bootstrap_servers


def docker_answers() -> bool:
    """Whether a Docker engine can be used: the client alone is not enough."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextlib.contextmanager
def in_docker() -> Iterator[str]:
    """The official image with the settings of the embedded node."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - slow to import
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415

    (port,) = free_ports(1)
    settings = {
        **SINGLE_NODE,
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://localhost:{port}",
        "controller.quorum.voters": "1@localhost:9093",
    }
    container = DockerContainer(f"apache/kafka:{KAFKA_VERSION}").with_bind_ports(9092, port)
    for name, value in settings.items():
        container.with_env(f"KAFKA_{name.upper().replace('.', '_')}", value)
    container.waiting_for(LogMessageWaitStrategy("Kafka Server started"))
    with container:
        yield f"localhost:{port}"
