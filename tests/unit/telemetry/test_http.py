import errno
import gzip
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPConnection, HTTPResponse
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from structlog.testing import capture_logs

from consumer.errors import ConfigError
from consumer.telemetry.health import Health
from consumer.telemetry.http import MAX_CONNECTIONS, HttpServer, Router, _advice
from consumer.telemetry.metrics import Metrics
from tests.unit.telemetry.conftest import BUILD, Clock

PATHS = ("/metrics", "/livez", "/readyz", "/version")


@pytest.fixture
def router(metrics: Metrics, health: Health) -> Router:
    """The application in front of the fixtures' metrics and health."""
    return Router(metrics.registry, health, BUILD)


@pytest.fixture
def server(router: Router) -> Iterator[HttpServer]:
    """The router, served at a free port."""
    with HttpServer("127.0.0.1", 0, router) as server:
        yield server


def ask(
    server: HttpServer, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[HTTPResponse, bytes]:
    """One request; its answer and the body of that."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def talk(server: HttpServer, sent: bytes) -> bytes:
    """All that comes back for some bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(sent)
        return b"".join(iter(lambda: client.recv(65536), b""))


def new_threads(before: set[threading.Thread]) -> int:
    """How many threads there are that were not there before."""
    return len(set(threading.enumerate()) - before)


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so, at most 10 s."""
    give_up_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up_s
        time.sleep(0.01)


def test_serves_the_metrics(server: HttpServer) -> None:
    """In Prometheus' text format, compressed for whoever can read that."""
    response, body = ask(server, "/metrics")
    assert response.status == 200
    assert response.getheader("Content-Type", "").startswith("text/plain; version=")
    assert b"\nsession_reports_open_txids 0.0\n" in body
    response, body = ask(server, "/metrics", headers={"Accept-Encoding": "gzip"})
    assert response.getheader("Content-Encoding") == "gzip"
    assert b"\nsession_reports_open_txids 0.0\n" in gzip.decompress(body)


def test_serves_openmetrics_to_who_asks_for_it(server: HttpServer) -> None:
    """The format is negotiated, and one can ask for single metrics."""
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    response, body = ask(server, "/metrics?name[]=session_reports_open_txids", headers=accept)
    assert response.getheader("Content-Type", "").startswith("application/openmetrics-text")
    assert [line for line in body.splitlines() if not line.startswith(b"#")] == [
        b"session_reports_open_txids 0.0"
    ]


def test_livez_turns_with_the_loop(server: HttpServer, health: Health, clock: Clock) -> None:
    """200 while it turns; 503 with a line that says since when it has not."""
    response, body = ask(server, "/livez")
    assert (response.status, body) == (200, b"ok: the loop turned 0.0 s ago\n")
    clock.passed_s += 31
    response, body = ask(server, "/livez")
    assert response.status == 503
    assert body == (
        b"stalled: the loop has not turned since 2026-11-24T02:31:52.123Z, for 31 s"
        b" (http.stalled is 30 s)\n"
    )
    health.turned()
    assert ask(server, "/livez")[0].status == 200


def test_readyz_follows_the_assignment(server: HttpServer, metrics: Metrics) -> None:
    """503 until the group answers, while restoring, and after a restart; 200 else."""

    def readyz() -> tuple[int, str]:
        response, body = ask(server, "/readyz")
        return response.status, body.decode().strip()

    assert readyz() == (503, "not ready: waiting for the consumer group")
    metrics.joined()
    assert readyz() == (200, "ready: standing by with no partitions")
    metrics.readiness(2, 1)
    assert readyz() == (503, "not ready: restoring 1 of 2 partitions")
    metrics.readiness(2, 0)
    assert readyz() == (200, "ready: 2 partitions assigned and restored")
    metrics.restarted("producer_fenced")
    assert readyz()[0] == 503


def test_version_names_the_build(server: HttpServer) -> None:
    """As JSON, the same as the labels of `build_info`."""
    response, body = ask(server, "/version")
    assert response.getheader("Content-Type") == "application/json"
    assert json.loads(body) == {
        "version": "1.2.3",
        "python": "3.11.7",
        "librdkafka": "2.16.0",
        "confluent_kafka": "2.16.1",
    }


@pytest.mark.parametrize(
    "path", ["/", "/x", "/metrics/", "/Metrics", "/metrics/x", "/favicon.ico", "/livez%00", "/%2e"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_anything_else_is_not_found(server: HttpServer, path: str, method: str) -> None:
    """404 with the paths that there are, and nothing of the path that was asked for."""
    response, body = ask(server, path, method)
    assert response.status == 404
    assert body == b"not found; there are /metrics, /livez, /readyz, /version\n"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_answers_get_and_head_only(server: HttpServer, path: str, method: str) -> None:
    """405 for every other method, with the ones that are allowed."""
    response, _ = ask(server, path, method)
    assert response.status == 405
    assert response.getheader("Allow") == "GET, HEAD"


@pytest.mark.parametrize("path", [*PATHS, "/x"])
def test_head_is_get_without_the_body(server: HttpServer, path: str) -> None:
    """The same status and headers, and not a byte after them."""
    got, body = ask(server, path)
    raw = talk(server, f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head, _, rest = raw.partition(b"\r\n\r\n")
    assert rest == b""
    assert head.startswith(f"HTTP/1.0 {got.status} ".encode())
    assert f"Content-Type: {got.getheader('Content-Type')}".encode() in head
    # A scrape's length changes from one to the next by a few digits.
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
    assert abs(int(length.split()[1]) - len(body)) < 50


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /livez HTTP/1.1\r\n\r\n", b"200"),
        (b"GET /livez\r\n\r\n", b"200"),
        (b"GET /x HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /livez HTTP/x\r\n\r\n", b"400"),
        (b"GET /livez HTTP/2.0\r\n\r\n", b"505"),
        (b"<script> <b> <c> <d>\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET /livez HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_shows_no_banner(server: HttpServer, request_bytes: bytes, status: bytes) -> None:
    """No answer names a server, Python or a version, nor echoes what is no request."""
    answer = talk(server, request_bytes)
    assert answer.startswith(b"HTTP/1.0 " + status)
    assert b"Server:" not in answer
    for word in (b"Python", b"WSGI", b"BaseHTTP", b"script", b"aaaa"):
        assert word not in answer


def test_an_empty_request_harms_nothing(server: HttpServer) -> None:
    """As a TCP probe sends it."""
    for sent in (b"\r\n", b"GET"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(sent)
    assert ask(server, "/livez")[0].status == 200


@pytest.mark.parametrize("drip", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nA: "])
def test_a_slow_client_is_cut_off(router: Router, drip: bytes) -> None:
    """However it dawdles, also with a byte now and then; others are served meanwhile."""
    with HttpServer("127.0.0.1", 0, router, limit_s=0.4) as server:
        before = set(threading.enumerate())
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(drip)
            client.settimeout(0.02)
            cut = threading.Event()

            def dawdle() -> bool:
                try:
                    client.sendall(b"a" if drip else b"")
                    if client.recv(100) == b"":
                        cut.set()
                except TimeoutError:
                    pass
                except OSError:
                    cut.set()
                return cut.is_set()

            assert ask(server, "/livez")[0].status == 200
            eventually(dawdle)
        eventually(lambda: new_threads(before) == 0)


def test_a_client_that_does_not_read_is_cut_off() -> None:
    """A thread that waits for room in a socket's buffer is freed as well."""

    def endless(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return (b"x" * 65536 for _ in iter(int, 1))

    with HttpServer("127.0.0.1", 0, endless, limit_s=0.4) as server:
        before = set(threading.enumerate())
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            eventually(lambda: new_threads(before) > 0)
            eventually(lambda: new_threads(before) == 0)


def test_more_connections_than_the_limit_are_closed(server: HttpServer) -> None:
    """Idle connections do not pile up threads; when they go there is room again."""
    open_ones = [
        socket.create_connection(("127.0.0.1", server.port), timeout=10)
        for _ in range(MAX_CONNECTIONS)
    ]
    try:
        assert talk(server, b"") == b""
    finally:
        for one in open_ones:
            one.close()

    def served() -> bool:
        try:
            return ask(server, "/livez")[0].status == 200
        except ConnectionError:
            return False

    eventually(served)


def test_stops_at_once_with_a_client_on_the_line(router: Router) -> None:
    """Stopping waits for nobody, and frees port and threads."""
    before = set(threading.enumerate())
    with HttpServer("127.0.0.1", 0, router) as server:
        client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        eventually(lambda: new_threads(before) == 2)
        stopping_s = time.monotonic()
    with client:
        assert time.monotonic() - stopping_s < 5
        assert client.recv(1) == b""
    eventually(lambda: new_threads(before) == 0)
    with HttpServer("127.0.0.1", server.port, router) as again:
        assert again.port == server.port


def test_a_busy_port_is_a_configuration_error(server: HttpServer, router: Router) -> None:
    """One line that names the setting and the way out, exit code 78."""
    with pytest.raises(ConfigError) as caught:
        HttpServer("127.0.0.1", server.port, router)
    assert caught.value.exit_code == 78
    assert str(caught.value) == (
        f"http.port: port {server.port} of 127.0.0.1 is in use; stop what listens there,"
        " or set http.port to a free one (0 takes any)"
    )


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("192.0.2.1", 0, "http.host: cannot listen on '192.0.2.1'"),
        ("no such host", 0, "http.host: cannot listen on 'no such host'"),
        ("a" * 100, 0, "http.host: cannot listen on"),
        ("", 0, "http.host: cannot listen on ''"),
        ("127.0.0.1", 65_536, "http.port: 65536 is not a port"),
    ],
)
def test_a_wrong_address_is_a_configuration_error(
    router: Router, host: str, port: int, message: str
) -> None:
    """No name service's or system's exception reaches the user."""
    with pytest.raises(ConfigError, match=message) as caught:
        HttpServer(host, port, router)
    assert "\n" not in str(caught.value)


def test_listens_on_ipv6(router: Router) -> None:
    """The host may be an IPv6 address, which a URL puts in brackets."""
    try:
        server = HttpServer("::1", 0, router)
    except ConfigError:
        pytest.skip("no IPv6 on this machine")
    with server:
        assert server.url == f"http://[::1]:{server.port}"
        connection = HTTPConnection("::1", server.port, timeout=10)
        connection.request("GET", "/livez")
        assert connection.getresponse().status == 200
        connection.close()


def test_localhost_is_where_clients_look_first(router: Router) -> None:
    """A name with several addresses takes the IPv4 one."""
    with HttpServer("localhost", 0, router) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"


def test_a_failure_inside_is_logged_and_not_shown() -> None:
    """The client learns that it was an error, the log which one."""

    def broken(_: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
        raise RuntimeError("secret detail")

    with capture_logs() as logs, HttpServer("127.0.0.1", 0, broken) as server:
        response, body = ask(server, "/")
        assert response.status == 500
        assert b"secret" not in body
    assert [entry["event"] for entry in logs] == ["http_request_failed"]


def test_a_failure_outside_the_application_is_logged(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It closes that one connection; the next one is served."""
    with capture_logs() as logs, HttpServer("127.0.0.1", 0, router) as server:
        with monkeypatch.context() as patch:
            patch.setattr("consumer.telemetry.http._Response", None)
            assert talk(server, b"GET /livez HTTP/1.1\r\n\r\n") == b""
        assert ask(server, "/livez")[0].status == 200
    assert [entry["event"] for entry in logs] == ["http_request_failed"]


def test_a_port_without_permission_names_the_setting() -> None:
    """Ports under 1024 may be reserved for root."""
    error = PermissionError(errno.EACCES, "Permission denied")
    assert _advice("127.0.0.1", 80, error) == (
        "http.port: no permission to listen on port 80; set http.port to 1024 or higher"
    )


def test_requests_are_not_logged(
    server: HttpServer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Probes and scrapes, good ones and bad ones, leave no trace."""
    with caplog.at_level(logging.DEBUG):
        ask(server, "/livez")
        ask(server, "/x")
        talk(server, b"<nonsense>\r\n\r\n")
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
