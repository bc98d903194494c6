"""The settings that the pipeline obeys, as plain values."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from consumer.aggregation.policy import Policy


class PipelinePolicy(Struct, frozen=True, kw_only=True):
    """Topics, timing and limits of the loop. `*_s` are seconds."""

    aggregation: Policy
    callbacks: str
    """Names of the five topics."""
    reports: str
    metrics: str
    dead_letters: str
    state: str
    input_partitions: int = 1
    report_partitions: int = 1
    """How many partitions the callbacks and the reports topic have."""
    state_bytes: int = 1024**3
    """Memory for the state of this member, shared evenly by its partitions."""
    start_at: Literal["earliest", "latest"] | None = None
    """`app.start_at`: where a partition with no committed offset begins."""
    keeps_place: bool = False
    """A static member of the classic protocol: the group keeps its partitions for its name,
    and leaves it to the members to look for such as belong to nobody."""
    commit_interval_s: float = 0.2
    max_reports: int = 20_000
    """Reports in one transaction."""
    idle_s: float = 5.0
    """Silence after which an exhausted partition's clock goes on by itself."""
    batch_records: int = 500
    """Records per poll: small enough to stay in the processor's cache (measured)."""
    poll_s: float = 0.05
    """Longest wait of a poll. `consume()` waits it out unless a whole batch is there."""
    request_s: float = 1.0
    """Time limit of a question to Kafka from within the loop; being blocked for longer
    means that a dead member's transaction hangs (DESIGN 2.7)."""
    gauges_s: float = 10.0
    """Between two looks at lag and state for the gauges."""
    summary_s: float = 60.0
    """Between two summaries in the log."""
    delete_s: float = 60.0
    """Between two deletions of state records that nobody needs any more."""
    restore_stalled_s: float = 120.0
    """A restore without progress for so long is given up, and begun anew."""
