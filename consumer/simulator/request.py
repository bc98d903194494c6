"""One request and its answers: what was sent for a txid, so what its report must hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Answer(NamedTuple):
    """What one device answers. Immutable and cheap: a run has millions of them."""

    imei: str
    item: bytes
    """The JSON item, exactly as it is sent and as the report must repeat it."""
    error_code: str | None
    """`None` for usage."""
    sessions: int
    """0 for an error, likewise `bytes_transferred`."""
    bytes_transferred: int
    late: bool
    """Sent `late_after_ms` after the others."""
    retries: int
    """How often the callback is sent again (0 … 3)."""


class Hostile(NamedTuple):
    """A record that must become a dead letter with this reason (a name of DESIGN's list)."""

    reason: str
    key: bytes | None
    value: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """All that the simulator sends on behalf of one request."""

    txid: str
    imeis: tuple[str, ...]
    """The devices asked for."""
    answers: tuple[Answer, ...]
    """Devices missing here stay silent."""
    acknowledgement: str | None
    """The status of the acknowledgement on the topic, if there is one."""
    expected: bool
    """Whether the list of devices is sent as an expectation."""
    hostile: tuple[Hostile, ...]
    """Dead letters sent along; they take no part in the report."""

    @property
    def usage(self) -> list[bytes]:
        """The report's usage items when nothing is late, in no particular order."""
        return [answer.item for answer in self.answers if answer.error_code is None]

    @property
    def errors(self) -> list[bytes]:
        """The report's error items when nothing is late, in no particular order."""
        return [answer.item for answer in self.answers if answer.error_code is not None]

    @property
    def silent(self) -> list[str]:
        """IMEIs of the devices that never answer."""
        answered = {answer.imei for answer in self.answers}
        return [imei for imei in self.imeis if imei not in answered]

    @property
    def late(self) -> list[Answer]:
        """Answers that come long after the others."""
        return [answer for answer in self.answers if answer.late]

    @property
    def records(self) -> int:
        """How many records this request puts on the topic."""
        callbacks = sum(1 + answer.retries for answer in self.answers)
        extra = (self.acknowledgement is not None) + self.expected + len(self.hostile)
        return callbacks + extra

    def callbacks(self) -> Iterator[tuple[Answer, bytes]]:
        """Each answer with the value of its first sending."""
        head = b'{"txid":"%s",' % self.txid.encode()
        for answer in self.answers:
            array = b'"usage":[' if answer.error_code is None else b'"errors":['
            yield answer, b"".join((head, array, answer.item, b"]}"))
