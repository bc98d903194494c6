"""What members do in most of the tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import pytest

from consumer.errors import Fault
from consumer.pipeline.ports import Batch, StateRecord
from tests.contract.world import Client, Output, Position, World

POLL_S = 0.02
CALM_S = 1.5
"""More than a member needs to hear of a rebalance."""


class Member:
    """A client that takes part in the group, and writes down what it hears and reads."""

    def __init__(self, client: Client, *, begins_at: Mapping[int, int] | None = None) -> None:
        """Subscribe. Partitions are started where `begins_at` says; others stay paused."""
        self.client = client
        self.events: list[tuple[str, list[int]]] = []
        """What it heard. Kafka also tells of rebalances that change nothing: see `quiet`."""
        self.quiet: list[str] = []
        """The kinds of events that came with no partitions."""
        self.held: set[int] = set()
        self.offsets: defaultdict[int, list[int]] = defaultdict(list)
        """Of the records that came, by partition."""
        self.batches: list[Batch] = []
        self.ends: dict[int, int] = {}
        self.most = 1000
        """Records that it takes at a time."""
        self.on_assignment: Callable[[], None] | None = None
        """What it does when it is given partitions."""
        self.on_revocation: Callable[[], None] | None = None
        """What it does when partitions are revoked, before it lets them go."""
        self.on_loss: Callable[[], None] | None = None
        self._begins_at = begins_at or {}
        self._fresh: set[int] = set()
        client.source.subscribe(self)

    def poll(self) -> Mapping[int, Sequence[int]]:
        """Once; start what was assigned. The offsets that came, by partition."""
        polled = self.client.source.poll(self.most, POLL_S)
        self.batches += polled.batches
        came = {batch.partition: list(batch.offsets) for batch in polled.batches}
        for partition, offsets in came.items():
            self.offsets[partition] += offsets
        self.ends.update(polled.ends)
        for partition in sorted(self._fresh & self._begins_at.keys()):
            self.client.source.start(partition, self._begins_at[partition])
        self._fresh.clear()
        return came

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """See `Listener`."""
        self._note("assigned", partitions)
        self.held |= set(partitions)
        self._fresh |= set(partitions)
        if self.on_assignment is not None and partitions:
            self.on_assignment()

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """See `Listener`."""
        self._note("revoked", partitions)
        if self.on_revocation is not None and partitions:
            self.on_revocation()
        self._forget(partitions)

    def on_lost(self, partitions: Sequence[int]) -> None:
        """See `Listener`."""
        self._note("lost", partitions)
        self._forget(partitions)
        if self.on_loss is not None and partitions:
            self.on_loss()

    def _note(self, event: str, partitions: Sequence[int]) -> None:
        if partitions:
            self.events.append((event, sorted(partitions)))
        else:
            self.quiet.append(event)

    def _forget(self, partitions: Sequence[int]) -> None:
        self.held -= set(partitions)
        self._fresh -= set(partitions)


def poll_until(
    world: World, condition: Callable[[], bool], what: str, *members: Member, timeout_s: float = 20
) -> None:
    """Have the members poll until the condition holds."""

    def met() -> bool:
        for member in members:
            member.poll()
        return condition()

    world.until(met, what, timeout_s)


def joined(world: World, client: Client, partitions: int = 1, begin: int | None = None) -> Member:
    """A lone member that has all partitions, started at `begin` if that is given."""
    begins_at = {} if begin is None else dict.fromkeys(range(partitions), begin)
    member = Member(client, begins_at=begins_at)
    poll_until(world, lambda: len(member.held) == partitions, "all partitions", member)
    return member


def share(world: World, *members: Member, partitions: int) -> None:
    """Have the members poll until they share so many partitions, as evenly as can be."""
    least = partitions // len(members)

    def shared() -> bool:
        held = [len(member.held) for member in members]
        return sum(held) == partitions and min(held) >= least

    poll_until(world, shared, "a share for each", *members)


def pass_time(world: World, seconds: float, *members: Member) -> None:
    """Let so much time go by, while the members poll."""
    end_s = world.monotonic_s() + seconds
    poll_until(world, lambda: world.monotonic_s() >= end_s, "", *members, timeout_s=2 * seconds)


def calm(world: World, *members: Member) -> None:
    """Have the members poll until the group has had nothing to tell them for a while."""
    heard, since_s = -1, 0.0

    def is_calm() -> bool:
        nonlocal heard, since_s
        now = sum(len(member.events) + len(member.quiet) for member in members)
        if now != heard:
            heard, since_s = now, world.monotonic_s()
        return world.monotonic_s() - since_s > CALM_S

    poll_until(world, is_calm, "a calm group", *members)


def owned(member: Member) -> set[int]:
    """Partitions that anybody has, as the group tells who asks, once it is at rest."""
    found = member.client.offsets.members(10)
    assert found is not None
    return {number for numbers in found.values() for number in numbers}


class Reading:
    """What a client's reader of the state topic has brought."""

    def __init__(self, client: Client) -> None:
        self.reader = client.reader
        self.found: list[StateRecord] = []

    def poll(self) -> Sequence[StateRecord]:
        """Once; what came."""
        came = self.reader.poll(1000, POLL_S)
        self.found += came
        return came

    def until_at(self, world: World, partition: int, position: int) -> list[bytes]:
        """Poll until reading stands there; the values so far."""

        def is_there() -> bool:
            self.poll()
            return self.reader.position(partition) == position

        world.until(is_there, f"position {position} in {partition}")
        return [record.value for record in self.found]


def write(world: World, client: Client, value: bytes, partition: int = 0) -> Mapping[int, int]:
    """Begin a transaction with a report and a state record of this value; where that lies."""
    client.transactions.begin()
    client.transactions.produce([Output(world.reports, b"k", value)])
    client.transactions.produce_state(partition, [value])
    return client.transactions.flush()


def commit(client: Client, *positions: Position) -> None:
    """Commit what was begun, with offsets if there are any."""
    if positions:
        client.transactions.send_offsets(positions, client.source.group_metadata())
    client.transactions.commit()


def values(world: World, topic: str, *, committed: bool = True) -> list[bytes]:
    """The values that a consumer sees in a topic."""
    return [seen.value for seen in world.read(topic, committed=committed)]


def appear(world: World, topic: str, *wanted: bytes) -> None:
    """Wait until exactly these values are committed in a topic.

    Kafka answers to a commit before it has written the markers that let it be seen.
    """
    world.until(lambda: values(world, topic) == list(wanted), f"{wanted} in {topic}")


def settle(world: World, topic: str) -> None:
    """Wait until no transaction is open in a topic."""
    world.until(
        lambda: world.ends(topic, committed=True) == world.ends(topic), f"no open one in {topic}"
    )


def fault_of(call: Callable[[], object]) -> Fault:
    """The fault that a call ends in."""
    with pytest.raises(Fault) as caught:
        call()
    return caught.value


def fault_or_none(call: Callable[[], object]) -> Fault | None:
    """The fault that a call ends in, if it does."""
    try:
        call()
    except Fault as fault:
        return fault
    return None
