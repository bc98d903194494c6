"""The metrics record: what one window of one input partition's clock has seen.

A window is gathered in place (the structs are mutable and start at zero) and encoded once,
when the clock has passed its end. Everything in it is exact: windows add up to the truth
of the last revisions, because a revision counts as the signed difference to the one
before it.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field, json

from consumer.wire.timestamps import iso


class Window(Struct, gc=False):
    """The span [start, end) of the partition's clock, in `timestamps.iso` spelling."""

    start: str
    end: str


class Records(Struct, gc=False, rename="camel"):
    """Records consumed in the window: each in exactly one kind."""

    callbacks: int = 0
    expectations: int = 0
    acknowledgements: int = 0
    dead_letters: int = 0


class Items(Struct, gc=False):
    """Items consumed in the window. `usage` and `errors` are those that were merged."""

    usage: int = 0
    errors: int = 0
    duplicates: int = 0
    late: int = 0


class Reports(Struct, gc=False):
    """Emissions whose `closedAt` lies in the window; `revised` ones are counted twice."""

    complete: int = 0
    partial: int = 0
    unconfirmed: int = 0
    revised: int = 0


class Devices(Struct, gc=False):
    """Devices of these reports; signed, as a revision may take some back."""

    reported: int = 0
    failed: int = 0
    missing: int = 0


class TimeToComplete(Struct, gc=False):
    """Milliseconds from opening to first emission; `min` and `max` are null for none."""

    count: int = 0
    sum: int = 0
    min: int | None = None
    max: int | None = None


class MetricsRecord(Struct, gc=False, rename="camel"):
    """One window of one input partition. The order of fields is the order on the wire."""

    window: Window
    app: str
    partition: int
    records: Records = field(default_factory=Records)
    items: Items = field(default_factory=Items)
    reports: Reports = field(default_factory=Reports)
    devices: Devices = field(default_factory=Devices)
    number_of_sessions: int = 0
    bytes_transferred: int = 0
    error_codes: dict[str, int] = field(default_factory=dict)
    time_to_complete_ms: TimeToComplete = field(default_factory=TimeToComplete)


_encode: Final = json.Encoder(order="deterministic").encode
_decode: Final = json.Decoder(MetricsRecord).decode


def encode(record: MetricsRecord) -> bytes:
    """One metrics record; dictionaries sorted, so that equal windows are equal bytes."""
    return _encode(record)


def decode(value: bytes) -> MetricsRecord:
    """A metrics record read back; a `ValueError` (msgspec's) when it is none."""
    return _decode(value)


def key(window_start_ms: int, partition: int) -> bytes:
    """The record's key: one per window and input partition, so a rerun replaces it."""
    return f"{iso(window_start_ms)}/{partition}".encode()
