"""`session-reports health`: whether the member on this machine lives.

For a container's health check, which has no other client at hand. It asks over HTTP, as
any probe does, so it finds a process that stands still as well as one that is gone. It
goes there directly: a proxy named in the environment is for the world outside.
"""

from __future__ import annotations

from http.client import HTTPException
from typing import Annotated
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from cyclopts import Parameter
from rich.console import Console

from consumer.cli.options import NOWHERE_ELSE, SettingsFrom
from consumer.errors import ConfigError, SessionReportsError

TIMEOUT_S = 3.0
"""For each step of the conversation; `/livez` answers in milliseconds."""
_MOST_BYTES = 300
_ITSELF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only to ask there
"""To listen on all addresses, and the one among them to ask."""


def health(
    *,
    source: SettingsFrom = NOWHERE_ELSE,
    url: Annotated[str, Parameter(show_default=False)] = "",
) -> None:
    """Ask a running member whether its loop turns; exit code 0 if so, 1 if not.

    **Examples**
    ```
    session-reports health
    session-reports health --set http.port=9200
    session-reports health --url http://127.0.0.1:9108/readyz
    ```

    Args:
        source: Where the settings come from.
        url: The page to ask, instead of `/livez` at `http.host`:`http.port`.
    """
    line = ask(url or livez(source))
    Console(highlight=False, soft_wrap=True, markup=False).print(line)


def livez(source: SettingsFrom) -> str:
    """Where the member with these settings answers. Raises `ConfigError` if nobody can know."""
    http = source.load().settings.http
    if http.port == 0:
        raise ConfigError("http.port: 0 takes any free port, which only the log tells; give --url")
    host = _ITSELF.get(http.host, http.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{http.port}/livez"


def ask(url: str) -> str:
    """The line that a healthy member answers.

    Raises:
        ConfigError: that is no address of a page.
        SessionReportsError: the member is not healthy, or nobody answers there.
    """
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"--url: {url!r} is not the address of a page, http://host:port/path")
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=TIMEOUT_S) as answer:
            return _line(answer.read(_MOST_BYTES))
    except HTTPError as error:
        with error:
            found = _line(error.read(_MOST_BYTES)) or error.reason
        raise SessionReportsError(f"{url} answers {error.code}: {found}") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise SessionReportsError(f"{url} does not answer: {reason}") from None


def _line(body: bytes) -> str:
    return " ".join(body.decode("utf-8", "replace").split())
