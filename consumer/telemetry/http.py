"""The HTTP endpoints: `/metrics`, `/livez`, `/readyz`, `/version`, and 404 for the rest.

`Router` is the WSGI application. `prometheus_client`'s own, which would answer any path
with metrics, is one of its routes; all of them answer GET, and the router makes HEAD of it.

`HttpServer` serves it from daemon threads, one for each connection and one that accepts:
HTTP/1.0, one request a connection, which is what probes and scrapes need. What a client can
take is bounded in number (`MAX_CONNECTIONS`) and in time: the accepting thread shuts down
whatever has been open for `limit_s`, which wakes the thread that reads from it or writes to
it. A time-out of the socket would bound each single read, and a client that sends a byte
now and then would never meet it.
"""

from __future__ import annotations

import errno
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from io import BytesIO
from socketserver import TCPServer, ThreadingMixIn
from typing import IO, Any, Final, Self, cast
from wsgiref.handlers import SimpleHandler
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from msgspec import structs
from prometheus_client import CollectorRegistry, make_wsgi_app

from consumer.errors import ConfigError
from consumer.telemetry.build import Build
from consumer.telemetry.health import Answer, Health

MAX_CONNECTIONS: Final = 32
"""Open at once; further ones are closed unanswered."""
MAX_REQUEST_LINE: Final = 8_192
LIMIT_S: Final = 10.0
"""A request is answered within this or cut off; Prometheus gives up after as much."""
_TICK_S: Final = 0.25
"""How often overdue connections are looked for; also the longest that a stop waits."""

_log = structlog.get_logger(__name__)


class Router:
    """The WSGI application."""

    def __init__(self, registry: CollectorRegistry, health: Health, build: Build) -> None:
        version = json.dumps(structs.asdict(build)) + "\n"
        self._routes: dict[str, WSGIApplication] = {
            "/metrics": make_wsgi_app(registry),
            "/livez": _page(lambda: _verdict(health.live())),
            "/readyz": _page(lambda: _verdict(health.ready())),
            "/version": _page(lambda: (HTTPStatus.OK, version), "application/json"),
        }
        known = f"not found; there are {', '.join(self._routes)}\n"
        self._not_found = _page(lambda: (HTTPStatus.NOT_FOUND, known))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        route = self._routes.get(environ["PATH_INFO"], self._not_found)
        method = environ["REQUEST_METHOD"]
        if method == "HEAD":
            return _head(route, environ, start_response)
        if method != "GET" and route is not self._not_found:
            route = _not_allowed
        return route(environ, start_response)


def _page(
    render: Callable[[], tuple[HTTPStatus, str]],
    content_type: str = "text/plain; charset=utf-8",
    headers: Iterable[tuple[str, str]] = (),
) -> WSGIApplication:
    """A route from a function that gives the status and the text."""

    def page(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, text = render()
        start_response(f"{status} {status.phrase}", [("Content-Type", content_type), *headers])
        return [text.encode()]

    return page


_not_allowed = _page(
    lambda: (HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD\n"), headers=[("Allow", "GET, HEAD")]
)


def _verdict(answer: Answer) -> tuple[HTTPStatus, str]:
    status = HTTPStatus.OK if answer.ok else HTTPStatus.SERVICE_UNAVAILABLE
    return status, answer.line + "\n"


def _head(
    route: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """The headers that a GET would bring, its length included."""
    answered: list[tuple[str, list[tuple[str, str]]]] = []

    def capture(
        status: str, headers: list[tuple[str, str]], *_: object
    ) -> Callable[[bytes], object]:
        answered.append((status, headers))
        return lambda _: None

    body = b"".join(route({**environ, "REQUEST_METHOD": "GET"}, capture))
    status, headers = answered[-1]
    start_response(status, [*headers, ("Content-Length", str(len(body)))])
    return []


class HttpServer:
    """Listens from the start, so that `port` is known, and serves within its context.

    Args:
        host: `http.host`, a name or an IPv4 or IPv6 address of this machine.
        port: `http.port`; 0 takes any free one.
        app: the WSGI application.
        limit_s: how long one connection may take.

    Raises:
        ConfigError: it cannot listen there (the port is in use, ...).
    """

    def __init__(
        self, host: str, port: int, app: WSGIApplication, limit_s: float = LIMIT_S
    ) -> None:
        self._server = _listen(host, port, app, limit_s)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_TICK_S,), name="http", daemon=True
        )

    @property
    def port(self) -> int:
        """The port in use."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Where it listens, for the log."""
        host = self._server.server_name
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        _cut_off(self._server.socket)  # wakes the accepting thread, which else ticks once more
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, and an eye on how long it takes."""

    daemon_threads = True
    block_on_close = False
    # SO_REUSEPORT would let two daemons share a port unnoticed.
    allow_reuse_port = False
    request_queue_size = MAX_CONNECTIONS

    def __init__(
        self,
        family: socket.AddressFamily,
        address: Any,  # noqa: ANN401 - 2 fields in IPv4, 4 in IPv6
        app: WSGIApplication,
        limit_s: float,
    ) -> None:
        self.address_family = family
        self.app = app
        self._limit_s = limit_s
        self._overdue_at_s: dict[Any, float] = {}
        super().__init__(address, _Request)

    def server_bind(self) -> None:
        """Bind without `HTTPServer`'s look-up of this machine's full name, which may hang."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]
        self.setup_environ()
        # A client may go away between the selector's answer and accept.
        self.socket.settimeout(_TICK_S)

    def verify_request(self, request: Any, _client_address: Any) -> bool:  # noqa: ANN401 - typeshed's
        """Whether there is room for one more connection."""
        if len(self._overdue_at_s) >= MAX_CONNECTIONS:
            return False
        self._overdue_at_s[request] = time.monotonic() + self._limit_s
        return True

    def service_actions(self) -> None:
        """Cut off who takes too long; called by `serve_forever` each tick."""
        now_s = time.monotonic()
        for request, overdue_at_s in list(self._overdue_at_s.items()):
            if now_s >= overdue_at_s:
                _cut_off(request)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - typeshed's
        """The connection is done with, whichever way."""
        self._overdue_at_s.pop(request, None)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, and let go of the connections that are still open."""
        super().server_close()
        for request in list(self._overdue_at_s):
            _cut_off(request)

    def handle_error(self, _request: Any, _client_address: Any) -> None:  # noqa: ANN401 - typeshed's
        """Log what is our fault; that a client has gone away is not."""
        if not isinstance(sys.exception(), OSError):
            _log.exception("http_request_failed")


def _cut_off(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Request(WSGIRequestHandler):
    """One connection: read a request, answer it; no access log, no banner."""

    server: _Server
    default_request_version = "HTTP/1.0"  # what cannot be parsed is still refused with a status

    def handle(self) -> None:
        """As the base class does, but with our own `_Response`."""
        self.requestline = self.request_version = self.command = ""
        self.raw_requestline = self.rfile.readline(MAX_REQUEST_LINE + 1)
        if len(self.raw_requestline) > MAX_REQUEST_LINE:
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif self.parse_request():
            response = _Response(
                BytesIO(), cast("IO[bytes]", self.wfile), sys.stderr, self.get_environ()
            )
            response.run(self.server.app)

    def send_error(self, code: int, *_: object) -> None:
        """Refuse what is no request; the base class would echo it and show its version."""
        status = HTTPStatus(code)
        body = f"{status.phrase}\n".encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: probes and scrapes would fill the log."""


class _Response(SimpleHandler):
    """Runs the application for one request."""

    server_software = None
    os_environ: dict[str, str] = {}  # noqa: RUF012 - typeshed's; the environment may hold secrets

    def log_exception(self, exc_info: Any) -> None:  # noqa: ANN401 - typeshed's alias is private
        """Into the log, where secrets are redacted."""
        _log.error("http_request_failed", exc_info=exc_info)


def _listen(host: str, port: int, app: WSGIApplication, limit_s: float) -> _Server:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # IPv4 first: `localhost` then is where most clients look for it.
        family, _, _, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
        return _Server(family, (address[0], port, *address[2:]), app, limit_s)
    except OverflowError as error:
        raise ConfigError(f"http.port: {port} is not a port; set it to 0 ... 65535") from error
    except (OSError, UnicodeError) as error:
        raise ConfigError(_advice(host, port, error)) from error


def _advice(host: str, port: int, error: OSError | UnicodeError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return (
            f"http.port: port {port} of {host} is in use; stop what listens there,"
            " or set http.port to a free one (0 takes any)"
        )
    if number == errno.EACCES:
        return f"http.port: no permission to listen on port {port}; set http.port to 1024 or higher"
    return (
        f"http.host: cannot listen on {host!r} ({getattr(error, 'strerror', None) or error});"
        " set http.host to an address of this machine, 127.0.0.1 or 0.0.0.0 for instance"
    )
