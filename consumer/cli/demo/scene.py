"""What is to be seen at one moment, as plain values: made by `watch`, shown by `view`, `lines`."""

from __future__ import annotations

import enum

from msgspec import Struct

from consumer.wire.report import Report


class Mood(enum.Enum):
    """How an event is meant."""

    NEUTRAL = "neutral"
    BAD = "bad"
    GOOD = "good"


class Event(Struct, frozen=True):
    """A turn of the story, `at_s` seconds after its beginning."""

    at_s: float
    text: str
    mood: Mood = Mood.NEUTRAL

    @property
    def clock(self) -> str:
        """`at_s` as minutes and seconds."""
        return minutes(self.at_s)


class MemberLine(Struct, frozen=True):
    """One member. `open_txids` are those in the partitions that it has."""

    name: str
    process: str
    """`pid 4711`, or what became of it."""
    is_dead: bool
    """Killed, and not started again yet."""
    open_txids: int


class PartitionLine(Struct, frozen=True):
    """One input partition. `lag`: records that no committed transaction has read yet."""

    number: int
    owner: str
    """The member that has it, or had it last; empty before anybody has."""
    is_orphaned: bool
    """Whether that member is dead."""
    lag: int


class Counts(Struct, frozen=True):
    """Reports by the last revision of each txid, and what else came of the records."""

    complete: int = 0
    partial: int = 0
    unconfirmed: int = 0
    revised: int = 0
    """Revisions, that is reports that were written again."""
    duplicates: int = 0
    """Items that came again, by the metrics windows that have closed."""
    dead_letters: int = 0


class Scene(Struct, frozen=True):
    """One moment. Rates are records or reports per second, over the last few."""

    kafka: str
    """`bootstrap.servers`."""
    at_s: float
    sent: int
    total: int
    """Records that are sent in all."""
    sent_rate: float
    read_rate: float
    report_rate: float
    members: list[MemberLine]
    partitions: list[PartitionLine]
    counts: Counts
    latest: list[Report]
    """The last reports that became visible, newest first."""
    examples: list[Report]
    """The first report of each kind, in the order in which they came."""
    events: list[Event]

    @property
    def open_txids(self) -> int:
        """In all partitions."""
        return sum(member.open_txids for member in self.members)


def minutes(seconds: float) -> str:
    """As `1:05`."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
