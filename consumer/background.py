"""A call that is made on a thread of its own, and asked about now and then.

The thread is a daemon: a call that never returns does not keep the process from ending.
Nothing that the call raises gets lost; it comes out where the call is asked about.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Background:
    """Begins with its making."""

    def __init__(self, call: Callable[[], object], name: str = "commit") -> None:
        """Make `call` on a thread called `name`."""
        self._call = call
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def done(self, *, wait: bool, limit_s: float | None = None) -> bool:
        """Whether the call has returned; raises what it raised.

        `wait` waits for it, `limit_s` seconds at most if that is given.
        """
        if wait:
            self._thread.join(limit_s)
        if self._thread.is_alive():
            return False
        if self._failure is not None:
            raise self._failure
        return True

    def _run(self) -> None:
        try:
            self._call()
        except BaseException as failure:  # noqa: BLE001 - raised where it is asked for
            self._failure = failure
