"""What one transaction holds: everything since the last commit (DESIGN 2.7).

A `Checkpoint` is gathered once and kept until it is through (`flight.py`): it may have to be
sent twice. It belongs to a moment: what the loop reads while it is under way is the next
one's, hence the offsets in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from consumer.aggregation.tallies import Tallies
from consumer.pipeline.partition import Running
from consumer.pipeline.policy import PipelinePolicy
from consumer.wire.placement import partition_for
from consumer.wire.report import PART_MARK


class OutputRecord(Struct, gc=False):
    """One record to produce; see `ports.Output`."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int = -1
    timestamp_ms: int = 0
    headers: Sequence[tuple[str, bytes | None]] | None = None


class Checkpoint(Struct):
    """All that one transaction holds."""

    outputs: list[OutputRecord]
    keyed: dict[str, list[tuple[bytes, bytes]]]
    """Key and value of the records that their key places, by topic: nearly all there are."""
    state: dict[int, list[bytes]]
    """State records by partition."""
    partitions: dict[int, Running]
    """Whose offsets go with it."""
    offsets: dict[int, int]
    """Where they go on reading once it is committed."""
    tallies: Tallies


def gather(
    partitions: Mapping[int, Running],
    dead_letters: list[OutputRecord],
    *,
    policy: PipelinePolicy,
) -> Checkpoint:
    """Take what is pending in `partitions`."""
    checkpoint = Checkpoint(dead_letters, {}, {}, {}, {}, Tallies())
    for number, running in partitions.items():
        if not running.pending():
            continue
        delta = running.aggregator.take()
        if PART_MARK in b"".join([key for key, _ in delta.reports]):
            checkpoint.outputs += _beside_the_first(delta.reports, policy)
        elif delta.reports:
            checkpoint.keyed.setdefault(policy.reports, []).extend(delta.reports)
        if delta.metrics:
            checkpoint.keyed.setdefault(policy.metrics, []).extend(delta.metrics)
        if delta.touched:
            checkpoint.state[number] = running.log.append(running.aggregator, delta)
        checkpoint.partitions[number] = running
        checkpoint.offsets[number] = running.sent = running.going_on
        checkpoint.tallies.add(delta.tallies)
    return checkpoint


def _beside_the_first(
    reports: Sequence[tuple[bytes, bytes]], policy: PipelinePolicy
) -> Iterator[OutputRecord]:
    """Reports with split ones among them, whose later parts lie where the first one does."""
    for key, value in reports:
        txid, mark, _ = key.partition(PART_MARK)
        place = partition_for(txid, policy.report_partitions) if mark else -1
        yield OutputRecord(policy.reports, key, value, place)
