"""What runs in a member's process: one pipeline after the other, as `consumer.daemon` has them."""

from __future__ import annotations

import traceback
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from consumer.errors import Action, Fault, SessionReportsError
from consumer.pipeline.loop import Pipeline, Ports
from consumer.restarting import Restarting
from tests.simulation.client import Beside, Client
from tests.simulation.source import BrokenError

if TYPE_CHECKING:
    from tests.simulation.crew import Crew

WHO: ContextVar[str] = ContextVar("WHO", default="")
"""Whose greenlet this is, for the trace."""


class Blind:
    """An observer that does not look."""

    def __getattr__(self, _: str) -> Any:
        return _nothing


def _nothing(*_: object) -> None:
    pass


class Member:
    """The program."""

    def __init__(self, client: Client, crew: Crew) -> None:
        self.stopping = False
        self._client = client
        self._crew = crew

    def live(self) -> SessionReportsError | None:
        """Until it is asked to stop, or cannot go on; why."""
        WHO.set(self._client.process.name)
        process = self._client.process
        restarting = Restarting(self._client.name, self._client.settings.transaction_s)
        try:
            while not self.stopping:
                began_s = process.monotonic_s()
                fault = self._one_life()
                if fault is None:
                    return None
                if self.stopping:
                    return SessionReportsError(f"stopped, but not in good order: {fault}")
                process.sleep(restarting.pause_s(fault, began_s, process.monotonic_s()))
        except SessionReportsError as error:
            return error
        return None

    def _one_life(self) -> Fault | None:
        self._crew.checker.beginnings.life_begins(self._client.name)
        pipeline = Pipeline(self._crew.policy, self._ports())
        process = self._client.process
        try:
            pipeline.run(lambda: self.stopping)
        except Fault as fault:
            found = fault
        except BrokenError as error:
            found = Fault(Action.TEAR_DOWN, "internal", str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it should not have been
            found = Fault(Action.TEAR_DOWN, "internal", f"{type(error).__name__}: {error}")
            process.note("internal error", traceback.format_exc())
            self._crew.checker.violation(f"internal error: {type(error).__name__}: {error}")
        else:
            return None
        process.note("tears down", found.cause, str(found))
        self._crew.tore_down(self._client.name, found)
        pipeline.abandon()
        return found

    def _ports(self) -> Ports:
        client, process = self._client, self._client.process
        return Ports(
            source=client.source(),
            transactions=client.transactions(),
            reader=client.reader(),
            offsets=client.offsets(),
            clock=process,
            observer=Blind(),
            new_incarnation=self._crew.name_history,
            aside=lambda call: Beside(process, call),
        )
