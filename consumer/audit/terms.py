"""What an audit is told beforehand: by the settings, by the command line, and by Kafka.

Nobody can prove what is not there any more. So it is said for each topic how far back it
reaches, and what lies before is not held against anybody.
"""

from __future__ import annotations

from msgspec import Struct

from consumer.wire.state_entry import Window

FOREVER = 2**62


class Terms(Struct, frozen=True, kw_only=True):
    """Settings, which have to be those that the daemon ran with. Times are milliseconds."""

    topic: str
    """The input topic."""
    app: str
    """`app.id`, as metrics records name it."""
    inactivity_ms: int
    remember_ms: int
    window_ms: int
    largest_item: int
    """Bytes of the largest item that a report takes."""
    starts_late: bool = False
    """`app.start_at` is `latest`: what lay there before is not consumed."""
    since_ms: int = 0
    """Windows that ended by then are not looked at."""
    until_ms: int = FOREVER
    """Windows that end later are not looked at."""


class Span(Struct, frozen=True, kw_only=True):
    """The records of one input partition that are looked at."""

    begin: int
    """First offset."""
    end: int
    """Offset up to which records are consumed, or the range's end."""
    from_start: bool = True
    """Nothing of the partition was consumed before `begin`."""
    to_end: bool = True
    """Everything is in that was consumed when the audit began."""
    clock_ms: int | None = None
    """The partition's clock at that time; None where the state log does not tell."""
    window: Window | None = None
    """Its metrics window open at that time, likewise."""


class Cover(Struct, frozen=True, kw_only=True):
    """How far back the outputs reach, by the times at which they were written.

    0 is from their first record on. All dead letters of the range have to be there.
    """

    reports_since_ms: float = 0
    reports_compacted: bool = False
    """Of each key only the last record is sure to be there."""
    report_partitions: int = 1
    """That the reports topic has by now."""
    metrics_since_ms: float = 0
