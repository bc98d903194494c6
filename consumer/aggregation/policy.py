"""The settings that aggregation obeys, as plain numbers (DESIGN 2.3)."""

from __future__ import annotations

from msgspec import Struct


class Policy(Struct, frozen=True, kw_only=True):
    """How txids complete, expire and are remembered. Times are milliseconds."""

    app: str
    """`app.id`, named in metrics records."""
    topic: str
    """The input topic, named in reports."""
    device_limit: int = 10
    """Distinct IMEIs that complete a txid; 0 switches the rule off."""
    inactivity_ms: int = 60_000
    max_age_ms: int = 86_400_000
    revise: bool = True
    """`late.policy`: late parts reopen their txid; else they become dead letters."""
    remember_ms: int = 1_800_000
    """How long an emitted txid stays known, from its emission."""
    clock_skew_ms: int = 5_000
    """How far a record's timestamp may lie ahead of the wall clock."""
    window_ms: int = 60_000
    """Length of a metrics window."""
    txid_bytes: int = 32 * 1024 * 1024
    """Memory of one txid at which it is emitted as it is."""
    report_bytes: int = 900_000
    """Size of a report record; a larger report is split."""
