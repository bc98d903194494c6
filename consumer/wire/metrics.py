"""The metrics record: what one window of one input partition's clock has seen.

Everything in it is exact, and windows add up to the truth of the last revisions, because
what a revision holds counts as the signed difference to the revision before it. The order
of fields is the order on the wire.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct, json

from consumer.wire.timestamps import Time, iso

CODES_BYTES: Final = 300_000
OTHER_CODES: Final = "(other)"
"""Error codes are input: where a window's different ones could take more bytes than this,
further ones are summed under this name, so that no window outgrows a record."""

_Count: TypeAlias = Annotated[int, Meta(ge=0)]


class Window(Struct, gc=False):
    """A span of the partition's clock."""

    start: Time
    end: Time
    """Exclusive."""


class Records(Struct, gc=False, rename="camel"):
    """Records consumed in the window: each in exactly one kind."""

    callbacks: _Count
    expectations: _Count
    acknowledgements: _Count
    dead_letters: _Count


class Items(Struct, gc=False):
    """Items consumed in the window. `usage` and `errors` are those that were merged."""

    usage: _Count
    errors: _Count
    duplicates: _Count
    late: _Count
    """New items that came when no report could take them any more."""


class Reports(Struct, gc=False):
    """Emissions whose `closedAt` lies in the window, revisions included."""

    complete: _Count
    partial: _Count
    unconfirmed: _Count
    revised: _Count
    """Those among them with a revision above 0."""


class Devices(Struct, gc=False):
    """Devices of these reports; signed, as a revision may take some back."""

    reported: int
    failed: int
    missing: int


class TimeToComplete(Struct, gc=False):
    """Milliseconds from opening to first emission; `min` and `max` are null for none."""

    count: _Count
    sum: _Count
    min: _Count | None
    max: _Count | None


class MetricsRecord(Struct, gc=False, rename="camel"):
    """What one input partition saw in one window of its clock.

    What a revision holds counts as the difference to the revision before it, so windows add
    up to what the last revisions hold.
    """

    window: Window
    app: str
    """`app.id`."""
    partition: _Count
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


def most_bytes(code: str) -> int:
    """What an error code and its count can take in JSON: a control character becomes six."""
    return 6 * len(code) + 24


def key(window_start_ms: int, partition: int) -> bytes:
    """The record's key: one per window and input partition, so a rerun replaces it."""
    return f"{iso(window_start_ms)}/{partition}".encode()
