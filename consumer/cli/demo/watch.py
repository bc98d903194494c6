"""Looks on: reads the topics and asks about the group, and makes scenes of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Self

from consumer.cli.demo.group import Group
from consumer.cli.demo.ledger import Ledger
from consumer.cli.demo.member import Member
from consumer.cli.demo.outputs import Outputs
from consumer.cli.demo.scene import Event, MemberLine, PartitionLine, Scene
from consumer.kafka.properties import ClientOptions
from consumer.settings.model import Settings

ASK_S = 0.5
POLL_S = 0.2
RATE_S = 3.0


class Rate:
    """How fast a count has grown lately."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, count: int) -> None:
        """Note the count; what is older than `RATE_S` is dropped."""
        self._samples.append((now_s, count))
        while now_s - self._samples[0][0] > RATE_S:
            self._samples.popleft()

    def per_s(self) -> float:
        """0 until there is something to compare."""
        if not self._samples:
            return 0.0
        (before_s, before), (now_s, now) = self._samples[0], self._samples[-1]
        return (now - before) / (now_s - before_s) if now_s > before_s else 0.0


class Watch:
    """What is known of a run at the moment. A context manager."""

    def __init__(self, settings: Settings, options: ClientOptions) -> None:
        self.ledger = Ledger()
        self.group = Group(options, settings.topics.callbacks, settings.topics.partitions)
        self._kafka = options.bootstrap_servers
        self._outputs = Outputs(settings.topics, options, with_input=True)
        self._began_s = time.monotonic()
        self._asked_s = 0.0
        self._rates = {name: Rate() for name in ("sent", "read", "reports")}
        self._last_owner = dict.fromkeys(range(settings.topics.partitions), "")

    def __enter__(self) -> Self:
        self._outputs.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._outputs.__exit__()
        self.group.__exit__()

    @property
    def at_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began_s

    def look(self) -> None:
        """Wait a moment for news. Raises `SessionReportsError` when Kafka has gone."""
        if time.monotonic() - self._asked_s >= ASK_S:
            self.look_closely()
        else:
            self.ledger.add(self._outputs.poll(POLL_S))

    def look_closely(self) -> None:
        """The same, and ask about the group first, so that open txids are no overstatement."""
        self.group.look()
        self.ledger.add(self._outputs.poll(POLL_S))
        self._asked_s = time.monotonic()
        standing = self.group.standing
        self._last_owner |= standing.owners
        self._rates["sent"].add(self._asked_s, sum(standing.ends.values()))
        self._rates["read"].add(self._asked_s, sum(standing.committed.values()))
        self._rates["reports"].add(self._asked_s, self.ledger.emitted)

    def open_count(self, partitions: Iterable[int]) -> int:
        """How many txids are open in these partitions."""
        committed = self.group.standing.committed
        return sum(
            self.ledger.open_count(number, committed.get(number, 0)) for number in partitions
        )

    def open_txids(self, partitions: Iterable[int]) -> list[str]:
        """The same by name."""
        committed = self.group.standing.committed
        return [
            txid
            for number in partitions
            for txid in self.ledger.open_txids(number, committed.get(number, 0))
        ]

    def progress(self) -> tuple[int, ...]:
        """Changes with everything that happens."""
        standing = self.group.standing
        return (
            self.ledger.emitted,
            len(self.ledger.metrics),
            *standing.committed.values(),
            *standing.ends.values(),
        )

    def scene(
        self, members: Sequence[Member], events: Sequence[Event], sent: int, total: int
    ) -> Scene:
        """The present moment; `sent` of `total` records have been handed to Kafka."""
        dead = {member.name for member in members if member.is_dead}
        return Scene(
            kafka=self._kafka,
            at_s=self.at_s,
            sent=sent,
            total=total,
            sent_rate=self._rates["sent"].per_s(),
            read_rate=self._rates["read"].per_s(),
            report_rate=self._rates["reports"].per_s(),
            members=[self._member_line(member) for member in members],
            partitions=[self._partition_line(number, dead) for number in sorted(self._last_owner)],
            counts=self.ledger.counts(),
            latest=list(self.ledger.latest),
            examples=list(self.ledger.examples.values()),
            events=list(events),
        )

    def _member_line(self, member: Member) -> MemberLine:
        had = [number for number, owner in self._last_owner.items() if owner == member.name]
        return MemberLine(member.name, member.state, member.is_dead, self.open_count(had))

    def _partition_line(self, number: int, dead: Collection[str]) -> PartitionLine:
        owner = self._last_owner[number]
        return PartitionLine(number, owner, owner in dead, self.group.standing.lag(number))
