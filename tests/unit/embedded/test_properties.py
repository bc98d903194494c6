"""The configuration of the single node, and the ports it gets."""

from __future__ import annotations

import socket
from pathlib import Path

from consumer.embedded.properties import HOST, free_ports, listeners, write


def test_values_are_written_as_java_reads_them(tmp_path: Path) -> None:
    """Characters that mean something in a properties file, or are not ASCII, are escaped."""
    path = tmp_path / "server.properties"
    write(path, {"log.dirs": "/a b/c=d\\e", "x": "#é€𝄞"})
    assert path.read_text("ascii") == (
        "log.dirs=/a\\u0020b/c=d\\u005ce\nx=\\u0023\\u00e9\\u20ac\\ud834\\udd1e\n"
    )


def test_ports_are_free_and_differ() -> None:
    """Each port can be listened on, and no two of a call are the same."""
    ports = free_ports(20)
    assert len(set(ports)) == 20
    for port in ports:
        with socket.create_server((HOST, port)):
            pass


def test_ports_are_not_those_of_outgoing_connections() -> None:
    """A client that knocks at a stopped broker's port can never be given that port itself."""
    with (
        socket.create_server((HOST, 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        lowest = client.getsockname()[1] - 1
    ephemeral = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if ephemeral.exists():
        lowest = int(ephemeral.read_text().split()[0])
    assert max(free_ports(20)) < lowest


def test_the_node_listens_on_this_machine_only() -> None:
    """Broker and controller are bound to the loopback address."""
    assert listeners(1, 2) == {
        "listeners": "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2",
        "controller.quorum.voters": "1@127.0.0.1:2",
    }
