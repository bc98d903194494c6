"""The group coordinator: the classic protocol with cooperative rebalances, and the offsets.

A round begins when a member comes, goes, or asks for it. The others learn of it by their next
heartbeat and join again, keeping what they have; who does not join in time is put out. When all
have joined there is a new generation, whose number the members hear at once and whose
assignment they hear a little later. Nobody is given what another one still claims: the claimant
hears that it must let go, does so, and joins again for another round.

Offsets of a transaction are checked once, when they are sent: a known member of the present
generation, whatever it owns, or nobody at all (then there is no check). They count when the
transaction's marker comes, unless something newer was written meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from confluent_kafka import KafkaError

from tests.simulation.network import UNSTABLE, RefusedError
from tests.simulation.world import World

HEARTBEAT_S = 1.0
"""Within this time a member hears of what the coordinator knows."""
SYNC_S = 0.02
"""Until the leader has said who gets what."""
METADATA_BYTES = 4096
"""`offset.metadata.max.bytes`."""
LEADER_S = 0.25
"""Between two looks whether it can."""


class Committed(NamedTuple):
    """An offset of the group."""

    offset: int
    metadata: str
    serial: int = 0
    """Order of writing."""


class Metadata(NamedTuple):
    """Who commits: what `group_metadata` gives."""

    member: str
    generation: int
    instance: str | None


class Hearing(Protocol):
    """A member's client, as the coordinator reaches it (after a delay, or never)."""

    name: str
    session_s: float
    rebalance_s: float

    @property
    def claims(self) -> frozenset[int]:
        """What it has."""

    def hear(self, what: str, delay_s: float, *details: Any) -> None:
        """Something that concerns it.

        `rebalance`, `joined` (member, generation), `assigned` (generation, partitions),
        `expelled` (member), `fenced`.
        """

    def responds(self) -> bool:
        """Whether its process is up."""


class Member:
    """One of the group."""

    def __init__(self, name: str, instance: str | None, client: Hearing) -> None:
        self.name = name
        self.instance = instance
        self.client = client
        self.claims: frozenset[int] | None = None
        """What it said it has when it joined this round."""
        self.assigned: frozenset[int] = frozenset()


class Group:
    """One group of one topic. Partitions are numbers."""

    def __init__(self, world: World, name: str, partitions: int) -> None:
        self.name = name
        self.partitions = partitions
        self.generation = 0
        self.state = "empty"
        """`empty`, `preparing`, `completing`, `stable`."""
        self.members: dict[str, Member] = {}
        self.offsets: dict[int, Committed] = {}
        self.pending: dict[int, dict[int, Committed]] = {}
        """By producer id: offsets of transactions under way."""
        self.shuffle = 0.0
        """How often the leader deals anew instead of keeping what is."""
        self.fencings: dict[str, list[float]] = {}
        """By `group.instance.id`: when a member was told that another one has its place."""
        self.on_round: Callable[[str, str], None] = lambda *_: None
        """Told why a round begins, and whose client made it."""
        self._world = world
        self._round = 0
        self._names = 0
        self._serial = 0

    # Members

    def join(
        self, name: str, instance: str | None, client: Hearing, claims: frozenset[int]
    ) -> None:
        """`JoinGroup`: the answer comes by `client.hear`."""
        if name:
            member = self._checked(name, instance)
        else:
            self._names += 1
            member = Member(f"{client.name}-{self._names}", instance, client)
            before = self._of_instance(instance)
            self.members[member.name] = member
            if before is not None:
                del self.members[before.name]
                if before.client is not client:  # else its join came twice
                    self._note_fencing(before.instance)
                    before.client.hear("fenced", self._heartbeat_s())
                member.assigned = before.assigned
                if self.state == "stable":
                    self._world.note("broker", "takes the place of", before.name, member.name)
                    client.hear("joined", 0.001, member.name, self.generation)
                    client.hear("assigned", 0.002, self.generation, member.assigned)
                    return
        member.claims = claims
        if self.state != "preparing":
            self.rebalance("joins again" if name else "joins", client.name)
        self._complete()

    def leave(self, name: str) -> None:
        """`LeaveGroup`."""
        if name in self.members:
            self._remove(name, "left")

    def expire(self, client: Hearing) -> None:
        """Its session is over: it was not heard for too long."""
        for name in [one.name for one in self.members.values() if one.client is client]:
            client.hear("expelled", self._heartbeat_s(), name)
            self._remove(name, "session over")

    def has_none_of(self, client: Hearing) -> bool:
        """Whether no member is this client's."""
        return all(one.client is not client for one in self.members.values())

    def expire_member(self, name: str) -> None:
        """Its heartbeats have ended long ago."""
        if name in self.members:
            self._remove(name, "session over")

    def awaits(self, name: str) -> bool:
        """What the answer to a heartbeat says: the member must join again."""
        member = self.members.get(name)
        return self.state == "preparing" and member is not None and member.claims is None

    def ghosts(self, client: Hearing, name: str) -> list[str]:
        """Members of this client that it does not know of."""
        if self.state != "stable":
            return []
        members = self.members.values()
        return [one.name for one in members if one.client is client and one.name != name]

    def describe(self) -> dict[str, list[int]] | None:
        """Who has what, if no round is under way."""
        if self.state != "stable":
            return None
        return {one.name: sorted(one.assigned) for one in self.members.values()}

    @property
    def unassigned(self) -> set[int]:
        """What nobody has."""
        members = self.members.values()
        return set(range(self.partitions)).difference(*(one.assigned for one in members))

    def rebalance(self, why: str, who: str = "") -> None:
        """Begin a round."""
        self.on_round(why, who)
        self._round += 1
        self.state = "preparing"
        number = self._round
        for member in self.members.values():
            if member.claims is None:
                member.client.hear("rebalance", self._heartbeat_s())
        limit_s = max((one.client.rebalance_s for one in self.members.values()), default=0.0)
        self._world.after(limit_s, lambda: self._give_up(number))

    def _remove(self, name: str, why: str) -> None:
        who = self.members.pop(name).client.name
        self._world.note("broker", why, name)
        if not self.members:
            self.state = "empty"
            self._round += 1
            return
        for one in self.members.values():
            if self.state != "preparing":
                one.claims = None
        if self.state == "preparing":
            self._complete()
        else:
            self.rebalance(why, who)

    def _give_up(self, number: int) -> None:
        """Put out who has not joined in time."""
        if self.state != "preparing" or number != self._round:
            return
        for name in [one.name for one in self.members.values() if one.claims is None]:
            self.members[name].client.hear("expelled", self._heartbeat_s(), name)
            del self.members[name]
            self._world.note("broker", "did not join in time", name)
        if self.members:
            self._complete()
        else:
            self.state = "empty"

    def _complete(self) -> None:
        if self.state != "preparing" or any(m.claims is None for m in self.members.values()):
            return
        self.generation += 1
        self.state = "completing"
        shares = self._deal()
        self._world.note("broker", "generation", self.generation, shares)
        for member in self.members.values():
            member.client.hear("joined", self._answer_s(), member.name, self.generation)
            member.claims = None
        number, leader = self._round, next(iter(self.members.values()))
        self._world.after(self._answer_s() + SYNC_S, lambda: self._sync(number, leader, shares))

    def _sync(self, number: int, leader: Member, shares: Mapping[str, frozenset[int]]) -> None:
        """The leader has said who gets what, if it could."""
        if self.state != "completing" or number != self._round:
            return
        if not leader.client.responds():  # the others wait for it, or for the end of its session
            self._world.after(LEADER_S, lambda: self._sync(number, leader, shares))
            return
        self.state = "stable"
        for member in self.members.values():
            member.assigned = shares[member.name]
            member.client.hear("assigned", self._answer_s(), self.generation, member.assigned)

    def _deal(self) -> dict[str, frozenset[int]]:
        """Who gets what: as even as may be, kept where it is, and nothing that is claimed."""
        chance, members = self._world.chance, list(self.members.values())
        owner: dict[int, Member] = {}
        for member in members:
            for number in sorted(member.claims or ()):
                owner.setdefault(number, member)
        most = -(-self.partitions // len(members))
        wanted: dict[str, set[int]] = {member.name: set() for member in members}
        again = bool(self.shuffle) and chance.random() < self.shuffle
        for number in range(self.partitions):
            keeper = owner.get(number)
            if keeper is not None and not again and len(wanted[keeper.name]) < most:
                wanted[keeper.name].add(number)
                continue
            if again:
                taker = chance.choice(members)
            else:
                taker = min(members, key=lambda member: (len(wanted[member.name]), member.name))
            wanted[taker.name].add(number)
        return {
            member.name: frozenset(
                number for number in wanted[member.name] if owner.get(number, member) is member
            )
            for member in members
        }

    def _of_instance(self, instance: str | None) -> Member | None:
        if instance is None:
            return None
        return next((one for one in self.members.values() if one.instance == instance), None)

    def _checked(self, name: str, instance: str | None) -> Member:
        """The member of that name; `RefusedError` when it is not one (any more)."""
        other = self._of_instance(instance)
        if other is not None and other.name != name:
            self._note_fencing(instance)
            raise RefusedError(KafkaError.FENCED_INSTANCE_ID)
        if name not in self.members:
            raise RefusedError(KafkaError.UNKNOWN_MEMBER_ID)
        return self.members[name]

    def _note_fencing(self, instance: str | None) -> None:
        self.fencings.setdefault(instance or "", []).append(self._world.now)

    def _heartbeat_s(self) -> float:
        return self._world.chance.random() * HEARTBEAT_S

    def _answer_s(self) -> float:
        return 0.001 + 0.01 * self._world.chance.random()

    # Offsets

    def commit_pending(
        self, pid: int, who: Metadata, positions: Sequence[tuple[int, int, str]]
    ) -> None:
        """`TxnOffsetCommit`: (partition, offset, metadata) each."""
        if who.generation >= 0 or who.member:
            self._checked(who.member, who.instance)
            if who.generation != self.generation:
                raise RefusedError(KafkaError.ILLEGAL_GENERATION)
        pending = self.pending.setdefault(pid, {})
        for number, offset, metadata in positions:
            if len(metadata.encode()) < METADATA_BYTES:  # the client library adds one more
                self._serial += 1
                pending[number] = Committed(offset, metadata, self._serial)
        if len(pending) < len(positions):
            raise RefusedError(KafkaError.OFFSET_METADATA_TOO_LARGE)

    def end_pending(self, pid: int, committed: bool) -> dict[int, Committed]:
        """The marker of a transaction: what of its offsets counts now."""
        found = self.pending.pop(pid, {}) if pid in self.pending else {}
        if not committed:
            return {}
        for number, new in found.items():
            old = self.offsets.get(number)
            if old is None or old.serial < new.serial:
                self.offsets[number] = new
        return found

    def commit(self, positions: Mapping[int, tuple[int, str]], who: Metadata | None = None) -> None:
        """`OffsetCommit` outside of transactions: a member's, or (with no member) an operator's."""
        if who is not None:
            self._checked(who.member, who.instance)
            if who.generation != self.generation:
                raise RefusedError(KafkaError.ILLEGAL_GENERATION)
        elif self.state != "empty":
            raise RefusedError(KafkaError.UNKNOWN_MEMBER_ID)
        for number, (offset, metadata) in positions.items():
            self._serial += 1
            self.offsets[number] = Committed(offset, metadata, self._serial)

    def expire_offsets(self) -> bool:
        """What happens to a group that had no members for long; whether it could."""
        if self.state != "empty":
            return False
        self.offsets.clear()
        return True

    def fetch(self, numbers: Sequence[int], *, stable: bool) -> dict[int, Committed]:
        """`OffsetFetch`; `stable` refuses while a transaction holds new ones."""
        if stable and any(
            number in pending for pending in self.pending.values() for number in numbers
        ):
            raise RefusedError(UNSTABLE)
        return {number: self.offsets[number] for number in numbers if number in self.offsets}
