"""One commit: everything since the last one, in one transaction (DESIGN 2.7).

A `Checkpoint` is gathered once and kept until it is through. A healthy rebalance can refuse
the offsets of a commit in flight (ILLEGAL_GENERATION, 2 of 1,170 measured): then the
transaction is aborted and the same records are sent once more with fresh group metadata.
A second failure tears the pipeline down, as does any other.

Order matters inside: the state records are flushed before the offsets are sent, since
their offsets, known from the delivery reports, are part of the metadata; the group metadata
is fetched last of all, since a cached one goes stale over a rebalance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from msgspec import Struct

from consumer.aggregation.tallies import Tallies
from consumer.errors import Action, Fault
from consumer.pipeline.partition import Running
from consumer.pipeline.policy import PipelinePolicy
from consumer.pipeline.ports import Source, Transactions
from consumer.wire.placement import partition_for
from consumer.wire.report import PART_MARK

log = structlog.get_logger(__name__)


class OutputRecord(Struct, gc=False):
    """One record to produce; see `ports.Output`."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int = -1
    timestamp_ms: int = 0
    headers: Sequence[tuple[str, bytes | None]] | None = None


class PartitionPosition(Struct):
    """See `ports.Position`."""

    partition: int
    offset: int
    metadata: str


class Checkpoint(Struct):
    """All that one transaction holds."""

    outputs: list[OutputRecord]
    state: dict[int, list[bytes]]
    """State records by partition."""
    partitions: dict[int, Running]
    """Whose offsets go with it."""
    tallies: Tallies


def gather(
    partitions: Mapping[int, Running],
    dead_letters: list[OutputRecord],
    *,
    policy: PipelinePolicy,
) -> Checkpoint:
    """Take what is pending in `partitions`."""
    checkpoint = Checkpoint(dead_letters, {}, {}, Tallies())
    for number, running in partitions.items():
        if not running.pending():
            continue
        delta = running.aggregator.take()
        checkpoint.outputs += [
            OutputRecord(policy.reports, key, value, _placed(key, policy.report_partitions))
            for key, value in delta.reports
        ]
        checkpoint.outputs += [
            OutputRecord(policy.metrics, key, value) for key, value in delta.metrics
        ]
        if delta.touched:
            checkpoint.state[number] = running.log.append(running.aggregator, delta)
        checkpoint.partitions[number] = running
        checkpoint.tallies.add(delta.tallies)
    return checkpoint


def _placed(key: bytes, partitions: int) -> int:
    """Partition of a report record: the partitioner's, but a later part's is the first's."""
    txid, nul, _ = key.partition(PART_MARK)
    return partition_for(txid, partitions) if nul else -1


def send(checkpoint: Checkpoint, transactions: Transactions, source: Source) -> None:
    """Commit it, at the second try if need be. Raises `Fault`."""
    try:
        _send(checkpoint, transactions, source)
    except Fault as fault:
        if fault.action is not Action.RESEND:
            raise
        log.warning("commit_resent", reason=str(fault))
        transactions.abort()
        _send(checkpoint, transactions, source)
    for running in checkpoint.partitions.values():
        running.unnamed = False
        running.deletable = running.log.start


def _send(checkpoint: Checkpoint, transactions: Transactions, source: Source) -> None:
    transactions.begin()
    transactions.produce(checkpoint.outputs)
    for number, values in checkpoint.state.items():
        transactions.produce_state(number, values)
    for number, offset in transactions.flush().items():
        checkpoint.partitions[number].log.delivered(offset)
    positions = [
        PartitionPosition(number, running.offset, running.log.named(transactions.transactional_id))
        for number, running in checkpoint.partitions.items()
    ]
    transactions.send_offsets(positions, source.group_metadata())
    transactions.commit()
