"""What a partition has done since its last commit: all of it goes into one transaction."""

from __future__ import annotations

from msgspec import Struct, field

from consumer.aggregation.tallies import Tallies
from consumer.aggregation.txid import Txid
from consumer.wire.dead_letter import Reason


class Rejected(Struct):
    """A record that becomes a dead letter."""

    offset: int
    reason: Reason
    message: str


class Delta(Struct):
    """Grows with each batch; a commit takes it and leaves an empty one."""

    reports: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Key and value, in the order in which they fell due."""
    metrics: list[tuple[bytes, bytes]] = field(default_factory=list)
    dead_letters: list[Rejected] = field(default_factory=list)
    changed: list[Txid] = field(default_factory=list)
    """Txids whose state differs from what the log holds, those forgotten since included."""
    forgotten: list[Txid] = field(default_factory=list)
    tallies: Tallies = field(default_factory=Tallies)
    touched: bool = False
    """Whether there is anything to commit: a record was applied, or something fell due."""
