"""Is the loop alive, is the member ready: what `/livez` and `/readyz` answer.

*Live* is about the heartbeat: the loop calls `turned` each time round, and when it has not
for `stalled_s` something hangs that no error will ever report. *Ready* is about the work:
the group has answered (also with no partitions: a standby is ready) and nothing that was
assigned is still being restored. A restart of the pipeline throws the assignment away, so
the member is not ready again until the new pipeline has joined and restored; it is alive
all the while, because whoever restarts it lives.

One thread writes (the loop's, and the daemon's between two pipelines, which is the same),
any number read. What belongs together is one immutable value that is replaced whole, so
neither side ever waits for the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from consumer.wire.timestamps import iso


class Answer(NamedTuple):
    """A verdict and one line for the person who asks."""

    ok: bool
    line: str


class _Membership(NamedTuple):
    """What the member knows of its place in the group."""

    joined: bool = False
    assigned: int = 0
    restoring: int = 0
    restart_cause: str = ""


class Health:
    """The heartbeat and the readiness of one daemon.

    Args:
        stalled_s: age of the last turn from which on the loop counts as stalled
            (`http.stalled`).
        monotonic_s: the clock of the heartbeat, seconds.
        wall_s: only to say since when, seconds since the epoch.
    """

    def __init__(
        self,
        stalled_s: float,
        monotonic_s: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._stalled_s = stalled_s
        self._monotonic_s = monotonic_s
        self._wall_s = wall_s
        # The start counts as a turn: a loop that never comes up is stalled, too.
        self._turned_at_s = monotonic_s()
        self._membership = _Membership()

    def turned(self) -> None:
        """The loop has turned once more, or whoever waits to restart it has."""
        self._turned_at_s = self._monotonic_s()

    def joined(self) -> None:
        """The group has answered, if only to say that there is nothing for us."""
        self._membership = self._membership._replace(joined=True)

    def assigned(self, assigned: int, restoring: int) -> None:
        """The member has `assigned` partitions, of which `restoring` do not run yet."""
        # Only the group hands out partitions, so having some means that it has answered.
        joined = self._membership.joined or assigned > 0
        self._membership = _Membership(joined, assigned, restoring)

    def restarted(self, cause: str) -> None:
        """The pipeline is gone with all that it had; a new one has yet to join."""
        self._membership = _Membership(restart_cause=cause)
        self.turned()

    def live(self) -> Answer:
        """Whether the loop turns."""
        age_s = self._monotonic_s() - self._turned_at_s
        if age_s <= self._stalled_s:
            return Answer(ok=True, line=f"ok: the loop turned {age_s:.1f} s ago")
        since = iso(round((self._wall_s() - age_s) * 1000))
        return Answer(
            ok=False,
            line=f"stalled: the loop has not turned since {since}, for"
            f" {age_s:.0f} s (http.stalled is {self._stalled_s:g} s)",
        )

    def ready(self) -> Answer:
        """Whether the member does its share of the work, or stands by for some."""
        joined, assigned, restoring, cause = self._membership
        if not joined:
            after = f" after a restart ({cause})" if cause else ""
            return Answer(ok=False, line=f"not ready: waiting for the consumer group{after}")
        if restoring:
            return Answer(
                ok=False, line=f"not ready: restoring {restoring} of {assigned} partitions"
            )
        if not assigned:
            return Answer(ok=True, line="ready: standing by with no partitions")
        return Answer(ok=True, line=f"ready: {assigned} partitions assigned and restored")
