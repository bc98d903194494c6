"""A stage for a story that is told on standard output: members' logs only where it went wrong."""

from __future__ import annotations

import contextlib
import io
import uuid
from collections.abc import Iterator

from tests.harness.stage import Stage


@contextlib.contextmanager
def theatre(bootstrap_servers: str, name: str) -> Iterator[Stage]:
    """What is printed meanwhile has to go to a stream that was taken before."""
    logs, fine = io.StringIO(), False
    prefix = f"{name}-{uuid.uuid4().hex[:8]}"
    try:
        with contextlib.redirect_stdout(logs), Stage(bootstrap_servers, prefix) as stage:
            yield stage
        fine = True
    finally:
        if not fine:
            print(logs.getvalue())  # noqa: T201
