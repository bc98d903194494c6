from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from consumer.cli.health import livez
from consumer.cli.options import SettingsFrom
from consumer.telemetry.build import Build
from consumer.telemetry.health import Health
from consumer.telemetry.http import HttpServer, Router
from tests.unit.cli.conftest import Command

BUILD = Build(version="1.2.3", python="3.11.7", librdkafka="2.16.0", confluent_kafka="2.16.1")


@contextmanager
def member(health: Health, host: str = "127.0.0.1") -> Iterator[int]:
    """The HTTP side of a running member; its port."""
    with HttpServer(host, 0, Router(CollectorRegistry(), health, BUILD)) as server:
        yield server.port


def stalled() -> Health:
    """A loop that has not turned for an hour."""
    moments = iter([0.0])
    return Health(30.0, lambda: next(moments, 3600.0), lambda: 1_795_487_512.0)


@contextmanager
def mute() -> Iterator[int]:
    """Something else that listens, takes the request and hangs up; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - as in a container
def test_a_member_whose_loop_turns_is_healthy(command: Command, host: str) -> None:
    """Exit code 0, and what the member says; also where it listens on all addresses."""
    with member(Health(30.0), host) as port:
        ended = command("health", "--set", f"http.host={host}", "--set", f"http.port={port}")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("ok: the loop turned")


def test_a_member_that_stands_still_is_not(command: Command) -> None:
    """Exit code 1, and one line with what the member says of it."""
    with member(stalled()) as port:
        ended = command("health", "--set", f"http.port={port}")

    assert (ended.code, ended.out) == (1, "")
    (line,) = ended.complaints
    assert f"http://127.0.0.1:{port}/livez answers 503: stalled" in line


def test_another_page_can_be_asked(command: Command) -> None:
    """`--url` goes over the settings: a member that lives need not be ready."""
    with member(Health(30.0)) as port:
        live = command("health", "--url", f"http://127.0.0.1:{port}/livez")
        ready = command("health", "--url", f"http://127.0.0.1:{port}/readyz", "-s", "http.port=1")

    assert (live.code, ready.code) == (0, 1)
    assert "answers 503: not ready" in ready.err


def test_a_member_that_is_gone_is_not_healthy(command: Command) -> None:
    """Nobody listens there any more."""
    with member(Health(30.0)) as port:
        pass
    ended = command("health", "--set", f"http.port={port}")

    assert ended.code == 1
    (line,) = ended.complaints
    assert "does not answer: " in line


def test_whatever_else_listens_there_is_not_healthy(command: Command) -> None:
    """No answer is no good answer, and no traceback."""
    with mute() as port:
        ended = command("health", "--set", f"http.port={port}")

    assert ended.code == 1
    (line,) = ended.complaints
    assert "does not answer: " in line


def test_it_asks_directly(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment is for the world outside, and need not know this machine."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with member(Health(30.0)) as port:
        assert command("health", "--set", f"http.port={port}").code == 0


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - as in a container
        ("::", "[::1]"),
        ("fe80::7", "[fe80::7]"),
        ("reports.example", "reports.example"),
    ],
)
def test_it_asks_where_the_member_listens(host: str, asked: str) -> None:
    """Of all addresses it takes the machine's own; those of IPv6 stand in brackets."""
    assert livez(SettingsFrom(set=(f"http.host={host}",))) == f"http://{asked}:9108/livez"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--set", "http.port=0"), "--url"),
        (("--set", "http.prt=1"), "http.port"),
        (("--url", "file:///etc/hostname"), "--url"),
        (("--url", "9108"), "--url"),
    ],
)
def test_what_cannot_be_asked_is_a_matter_of_configuration(
    command: Command, arguments: tuple[str, ...], named: str
) -> None:
    """Exit code 78, and what to do; no file is ever opened."""
    ended = command("health", *arguments)

    assert ended.code == 78
    assert named in ended.err


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:nine", "http://", "http://a b"])
def test_an_impossible_address_does_not_answer(command: Command, url: str) -> None:
    """One line, whichever part of it is wrong."""
    ended = command("health", "--url", url)

    assert ended.code == 1
    (line,) = ended.complaints
    assert "does not answer: " in line
