"""The metrics record: what one window of one input partition's clock has seen.

Everything in it is exact, and windows add up to the truth of the last revisions, because
what a revision holds counts as the signed difference to the revision before it. The order
of fields is the order on the wire.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, json

from consumer.wire.timestamps import iso


class Window(Struct, gc=False):
    """The span [start, end) of the partition's clock, in `timestamps.iso` spelling."""

    start: str
    end: str


class Records(Struct, gc=False, rename="camel"):
    """Records consumed in the window: each in exactly one kind."""

    callbacks: int
    expectations: int
    acknowledgements: int
    dead_letters: int


class Items(Struct, gc=False):
    """Items consumed in the window. `usage` and `errors` are those that were merged."""

    usage: int
    errors: int
    duplicates: int
    late: int


class Reports(Struct, gc=False):
    """Emissions whose `closedAt` lies in the window; `revised`: those with revision > 0."""

    complete: int
    partial: int
    unconfirmed: int
    revised: int


class Devices(Struct, gc=False):
    """Devices of these reports; signed, as a revision may take some back."""

    reported: int
    failed: int
    missing: int


class TimeToComplete(Struct, gc=False):
    """Milliseconds from opening to first emission; `min` and `max` are null for none."""

    count: int
    sum: int
    min: int | None
    max: int | None


class MetricsRecord(Struct, gc=False, rename="camel"):
    """One closed window of one input partition."""

    window: Window
    app: str
    partition: int
    records: Records
    items: Items
    reports: Reports
    devices: Devices
    number_of_sessions: int
    bytes_transferred: int
    error_codes: dict[str, int]
    time_to_complete_ms: TimeToComplete


_encode: Final = json.Encoder(order="deterministic").encode


def encode(record: MetricsRecord) -> bytes:
    """One metrics record; dictionaries sorted, so that equal windows are equal bytes."""
    return _encode(record)


def key(window_start_ms: int, partition: int) -> bytes:
    """The record's key: one per window and input partition, so a rerun replaces it."""
    return f"{iso(window_start_ms)}/{partition}".encode()
