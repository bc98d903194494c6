"""What follows a fault: the end of the process, or a pause and then a new pipeline.

The process ends for what only a person can mend, and when it is fenced twice in a row: then
another member runs under the same name, and the two would throw each other out for ever.
All else is tried again, with pauses that grow while it keeps failing.
"""

from __future__ import annotations

from consumer.errors import Action, Fault, SessionReportsError

PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Before a new pipeline, the last one for all further ones."""
HEALTHY_S = 60.0
"""A pipeline that lived this long starts the pauses over."""
INSTANCE_CAUSES = frozenset({"fenced", "fenced_instance"})


class Restarting:
    """Remembers how it went so far. Times are monotonic seconds.

    Args:
        instance: the name in use (`app.instance`), for the error.
        fenced_again_s: two fencings within this time are two in a row
            (`transaction.timeout.ms`).
    """

    def __init__(self, instance: str, fenced_again_s: float) -> None:
        self._instance = instance
        self._fenced_again_s = fenced_again_s
        self._fenced_at_s = float("-inf")
        self._failures = 0

    def pause_s(self, fault: Fault, began_s: float, ended_s: float) -> float:
        """How long to wait after a pipeline that lived from `began_s` to `ended_s`.

        Raises:
            SessionReportsError: not at all, this is the end.
        """
        if fault.action is Action.GIVE_UP:
            raise fault
        if fault.cause in INSTANCE_CAUSES:
            if ended_s - self._fenced_at_s < self._fenced_again_s:
                raise SessionReportsError(
                    "fenced twice in a row: another member runs with "
                    f"app.instance={self._instance}; give each member its own"
                )
            self._fenced_at_s = ended_s
        self._failures = 1 if ended_s - began_s > HEALTHY_S else self._failures + 1
        return PAUSES_S[min(self._failures, len(PAUSES_S)) - 1]
