"""Sums over a plan's requests: what the reports and metrics of a run must add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from consumer.simulator.request import Request


@dataclass(slots=True)
class Totals:
    """What was sent, late answers included. Sizes of the plan, not of its memory."""

    requests: int = 0
    reports: int = 0
    """Requests with an answer or an expectation: each must get a report, and revisions of it
    for what comes late."""
    records: int = 0
    callbacks: int = 0
    """Sendings of callbacks, so with retries."""
    retries: int = 0
    acknowledgements: int = 0
    expectations: int = 0
    dead_letters: Counter[str] = field(default_factory=Counter)
    """Hostile records by reason."""
    devices: int = 0
    """Devices asked for."""
    silent: int = 0
    late: int = 0
    usage: int = 0
    errors: int = 0
    sessions: int = 0
    bytes_transferred: int = 0
    error_codes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, requests: Iterable[Request]) -> Totals:
        """Add up `requests`, in one pass and constant memory."""
        totals = cls()
        for request in requests:
            totals.add(request)
        return totals

    def add(self, request: Request) -> None:
        """Count one more request."""
        self.requests += 1
        self.reports += bool(request.answers) or request.expected
        self.records += request.records
        self.acknowledgements += request.acknowledgement is not None
        self.expectations += request.expected
        self.dead_letters.update(hostile.reason for hostile in request.hostile)
        self.devices += len(request.imeis)
        self.silent += len(request.imeis) - len(request.answers)
        for answer in request.answers:
            self.callbacks += 1 + answer.retries
            self.retries += answer.retries
            self.late += answer.late
            if answer.error_code is None:
                self.usage += 1
                self.sessions += answer.sessions
                self.bytes_transferred += answer.bytes_transferred
            else:
                self.errors += 1
                self.error_codes[answer.error_code] += 1
