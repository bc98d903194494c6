"""What a seed stands for, as plain values that can be written down, cut short, and read again.

A scenario is settings, records with the times at which they arrive, and faults with the times
at which they strike. Latencies are not in it: each process draws its own from the seed and its
name, so that taking a fault away changes what the others meet as little as possible.
"""

from __future__ import annotations

import random

import msgspec
from msgspec import Struct

from tests.simulation import workload
from tests.simulation.faults import AIMS, CHAOS_S, FATES
from tests.simulation.workload import Arrival


class Setup(Struct, kw_only=True):
    """Settings of a group and of its surroundings. Names as in the project's settings."""

    exact: bool
    """Time is the records' alone: what comes out is known to the byte."""
    members: int
    partitions: int
    static: bool
    verifies: bool = True
    revise: bool = True
    device_limit: int = 10
    inactivity_ms: int = 2_000
    max_age_ms: int = 8_000
    remember_ms: int = 6_000
    window_ms: int = 2_000
    report_bytes: int = 900_000
    txid_bytes: int = 2**25
    state_bytes: int = 2**40
    start_at: str | None = None
    idle_s: float = 1e9
    commit_interval_s: float = 0.2
    max_reports: int = 20_000
    batch_records: int = 500
    poll_s: float = 0.2
    delete_s: float = 2.0
    floor_bytes: int = 10**6
    """The log is never rewritten below this length beyond twice its live state."""
    chunk_bytes: int = 800_000
    session_s: float = 3.0
    max_poll_s: float = 12.0
    transaction_s: float = 4.0
    latency_s: float = 0.0
    """What one way to the broker takes at least."""
    shuffle: float = 0.0
    """How often a rebalance deals partitions anew."""
    healthy: bool = False
    """Whether the calm sees a healthy rebalance in the end."""


class Blow(Struct, omit_defaults=True):
    """A fault. What `share`, `amount` and `where` mean is up to its kind; see `faults`."""

    at_s: float
    kind: str
    member: int = 0
    for_s: float = 0.0
    share: float = 0.0
    amount: int = 0
    where: str = ""


class Scenario(Struct):
    """All of it."""

    seed: int
    setup: Setup
    arrivals: list[Arrival]
    blows: list[Blow]


def dump(scenario: Scenario) -> bytes:
    """As JSON, one arrival or blow a line."""
    return msgspec.json.format(msgspec.json.encode(scenario), indent=1)


def load(text: bytes) -> Scenario:
    """Inverse of `dump`."""
    return msgspec.json.decode(text, type=Scenario)


def draw(seed: int) -> Scenario:
    """The scenario of a seed."""
    chance = random.Random(f"scenario {seed}")  # noqa: S311 - not for secrets
    setup = _setup(chance)
    arrivals = workload.draw(chance, setup)
    return Scenario(seed, setup, arrivals, _blows(chance, setup))


def _setup(chance: random.Random) -> Setup:
    pick = chance.choice
    exact = chance.random() < 0.65
    partitions = pick((1, 1, 2, 2, 3))
    setup = Setup(
        exact=exact,
        members=pick((1, 2, 2, 2, 3)),
        partitions=partitions,
        static=chance.random() < 0.2,
        revise=chance.random() < 0.65,
        device_limit=pick((0, 1, 2, 3, 3, 4)),
        inactivity_ms=pick((300, 1_000, 2_500)),
        max_age_ms=pick((1_500, 4_000, 9_000)),
        remember_ms=pick((500, 3_000, 10_000, 10_000)),
        window_ms=pick((700, 2_000, 5_000)),
        report_bytes=pick((6_596, 900_000, 900_000)),
        txid_bytes=pick((4_000, 2**25, 2**25, 2**25)) if exact else 2**25,
        start_at=pick((None, None, "earliest", "latest" if exact else None)),
        idle_s=1e9 if exact else pick((0.5, 1.5)),
        commit_interval_s=pick((0.05, 0.1, 0.2, 0.4)),
        max_reports=pick((1, 2, 5, 20_000, 20_000)),
        batch_records=pick((1, 3, 10, 500)),
        poll_s=pick((0.1, 0.2, 0.3)),
        delete_s=pick((0.0, 0.5, 3.0)),
        floor_bytes=pick((-10_000, -10_000, 0, 10**6)),
        chunk_bytes=pick((400, 1_200, 800_000, 800_000)),
        session_s=pick((2.0, 3.0, 5.0)),
        max_poll_s=pick((6.0, 12.0)),
        transaction_s=pick((3.0, 4.0, 8.0, 20.0)),
        latency_s=pick((0.0, 0.0, 0.0, 0.02, 0.06, 0.12)),
        shuffle=pick((0.0, 0.0, 0.3, 0.6)),
        healthy=chance.random() < 0.3,
    )
    if setup.latency_s > FAR_S:  # else it would take minutes
        setup.max_reports, setup.batch_records = max(setup.max_reports, 5), 500
    if exact and partitions == 1 and chance.random() < 0.4:
        setup.state_bytes = pick((4_000, 8_000, 16_000))
    return setup


FAR_S = 0.05
SINGLE = ("crash", "crash", "freeze", "freeze", "stall", "stop", "stop", "lossy", "late",
          "slow", "cut", "break", "rebalance", "rebalance", "clock", "markers", "refuse",
          "forbid", "aim", "aim", "aim", "aim", "aim", "aim", "twice", "told", "trim")  # fmt: skip
OPERATOR = ("reset", "undo", "expire", "retain", "forget")
HARMLESS = frozenset({"crash", "stop", "rebalance", "clock", "forbid", "stall", "slow", "trim"})
"""What makes no record, and no offset, come late."""


def _blows(chance: random.Random, setup: Setup) -> list[Blow]:
    """Any at any time, a favourite, or one that makes the next ones worse."""
    count = chance.choice((0, 2, 4, 6, 9, 12, 16))
    favourite = chance.choice(SINGLE)
    kinds = [favourite if chance.random() < 0.2 else chance.choice(SINGLE) for _ in range(count)]
    if setup.exact and chance.random() < 0.3:
        kinds.append(chance.choice(OPERATOR))
    blows = [_blow(chance, setup, kind) for kind in kinds]
    theme = chance.random()
    if theme < 0.12:
        blows = _hanging(chance, setup) + blows[:4]
    elif theme < 0.18:
        blows = _away(chance, setup) + blows[:3]
    elif theme < 0.29 and setup.exact:
        blows = _undone(chance, setup) + blows[:3]
    elif theme < 0.35:
        harmless = [blow for blow in blows if blow.kind in HARMLESS]
        blows = _orphaned(chance, setup) + harmless[:2]
    elif theme < 0.39:
        harmless = [blow for blow in blows if blow.kind in HARMLESS]
        blows = _torn(chance, setup) + harmless[:1]
    elif theme < 0.43:
        blows = _told(chance, setup) + blows[:3]
    elif theme < 0.49 and setup.exact:
        blows = _forgotten(chance, setup) + blows[:3]
    elif theme > 0.88:
        is_left_over = theme > 0.94 and setup.partitions > 1
        blows = _left_over(chance, setup) if is_left_over else _parting(chance, setup) + blows[:2]
    return sorted(blows, key=lambda blow: blow.at_s)


def _hanging(chance: random.Random, setup: Setup) -> list[Blow]:
    """A transaction is left open for long, while its partitions go from hand to hand."""
    setup.transaction_s, setup.session_s, setup.static = 20.0, 2.0, False
    setup.members, setup.shuffle = 3, 0.6
    at_s = round(0.5 + 5.0 * chance.random(), 3)
    last = chance.choice(("crash before", "freeze before"))
    where = chance.choice(("add offsets", "send offsets", "commit"))
    aim = Blow(at_s=at_s, kind="aim", where=where, amount=FATES.index(last), for_s=18.0)
    later = [
        Blow(at_s=round(at_s + 3.5 + 8.0 * chance.random(), 3), kind="rebalance", for_s=6.0)
        for _ in range(3)
    ]
    return [aim, *later]


def _away(chance: random.Random, setup: Setup) -> list[Blow]:
    """A member is away while it restores; others go on with its partitions, and clean up."""
    setup.session_s, setup.members, setup.delete_s = 2.0, max(setup.members, 2), 0.0
    setup.floor_bytes, setup.shuffle = -10_000, 0.6
    at_s = round(chance.choice((0.01, 1.0 + 8.0 * chance.random())), 3)
    where = chance.choice(("asks for offsets", "asks for state", "asks for callbacks"))
    fate = FATES.index(chance.choice(("freeze before", "freeze after", "freeze after")))
    aim = Blow(at_s=at_s, kind="aim", where=where, amount=fate, for_s=7.0)
    if chance.random() < 0.4:  # or at work
        aim = Blow(at_s=at_s, kind="freeze", for_s=8.0)
    later = [
        Blow(at_s=round(at_s + further_s * chance.random(), 3), kind="rebalance", for_s=4.0)
        for further_s in (0.5, 5.0)
    ]
    if aim.kind == "freeze" or chance.random() < 0.5:
        later.append(Blow(at_s=round(at_s + 4.0 + 3.0 * chance.random(), 3), kind="trim"))
    return [aim, *later]


def _undone(chance: random.Random, setup: Setup) -> list[Blow]:
    """Offsets are set back and, soon after, to what they were; then a state is restored."""
    setup.floor_bytes, setup.session_s, setup.members = 10**6, 2.0, min(setup.members, 2)
    setup.remember_ms, setup.latency_s = 20_000, min(setup.latency_s, FAR_S)
    at_s = round(2.0 + 3.0 * chance.random(), 3)
    undo = Blow(at_s=at_s, kind="undo", for_s=round(3.0 + chance.random(), 3))
    crash = Blow(at_s=round(11.0 + 6.0 * chance.random(), 3), kind="crash", for_s=0.5)
    return [undo, crash]


def _parting(chance: random.Random, setup: Setup) -> list[Blow]:
    """Commits of members that must give partitions up go astray."""
    setup.members, setup.partitions = max(setup.members, 2), max(setup.partitions, 2)
    setup.shuffle, setup.state_bytes = 0.6, 2**40
    blows = []
    for since_s in (1.5, 5.5, 9.5, 13.5):
        at_s = round(since_s + 3.0 * chance.random(), 3)
        for member in range(setup.members):
            where = chance.choice(("commit", "send offsets", "add offsets", "produces"))
            amount = chance.randrange(len(FATES))
            for_s = round(0.1 + 1.5 * chance.random(), 3)
            parting = Blow(at_s=at_s, kind="parting", member=member, for_s=for_s)
            parting.where, parting.amount = where, amount
            blows.append(parting)
        blows.append(Blow(at_s=round(at_s + 0.2, 3), kind="rebalance", for_s=4.0))
    return blows


def _left_over(chance: random.Random, setup: Setup) -> list[Blow]:
    """A static member is killed when it is to give partitions up, and is back in time."""
    setup.static, setup.session_s, setup.shuffle = True, 5.0, 1.0
    setup.members = max(setup.members, 2)
    at_s = round(2.0 + 14.0 * chance.random(), 3)
    return [
        Blow(at_s=at_s, kind="surrender", for_s=round(0.3 + chance.random(), 3)),
        Blow(at_s=at_s, kind="rebalance", for_s=0.1),
    ]


def _orphaned(chance: random.Random, setup: Setup) -> list[Blow]:
    """Records of a dead member's state come when its transaction is over, and are taken.

    Others go on in that partition; then it is restored, by them or by whom the records are of.
    """
    setup.verifies = setup.static = setup.healthy = False  # what hangs gives cause for all
    setup.session_s, setup.members, setup.shuffle = 2.0, 3, 0.6
    setup.transaction_s, setup.latency_s = 8.0, 0.0
    at_s = round(0.5 + 5.0 * chance.random(), 3)
    hold = Blow(
        at_s=at_s,
        kind="hold",
        for_s=round(4.5 + 2.0 * chance.random(), 3),
        share=round(chance.choice((0.5, 2.0, 8.0)) + chance.random(), 3),
    )
    later = [
        Blow(at_s=round(at_s + 5.5 + 8.0 * chance.random(), 3), kind="rebalance", for_s=4.0)
        for _ in range(3)
    ]
    return [hold, *later]


def _torn(chance: random.Random, setup: Setup) -> list[Blow]:
    """A commit lacks a marker for so long that its partition must be restored without."""
    setup.session_s, setup.static = 2.0, False
    setup.latency_s, setup.members = min(setup.latency_s, 0.02), max(setup.members, 2)
    tear = Blow(
        at_s=round(0.5 + 7.0 * chance.random(), 3),
        kind="tear",
        for_s=round(7.0 + 3.0 * chance.random(), 3),
        share=chance.choice((0.2, 1.0, 9.0)),
    )
    return [tear]


def _forgotten(chance: random.Random, setup: Setup) -> list[Blow]:
    """Of a group that began at the end of the input, one partition loses its offset."""
    number = chance.randrange(setup.partitions)
    setup.start_at, setup.partitions = "latest", max(setup.partitions, 2)
    setup.state_bytes = 2**40
    return [Blow(at_s=round(6.0 + 6.0 * chance.random(), 3), kind="forget", amount=number)]


def _told(chance: random.Random, setup: Setup) -> list[Blow]:
    """Members that must give partitions up are killed of it, and are back before it is noticed."""
    setup.static, setup.shuffle, setup.session_s = chance.random() < 0.7, 0.6, 5.0
    setup.members, setup.partitions = max(setup.members, 2), max(setup.partitions, 2)
    setup.state_bytes = 2**40
    blows = []
    for since_s in (2.0, 8.0, 14.0):
        at_s = round(since_s + 3.0 * chance.random(), 3)
        member = chance.randrange(setup.members)
        for_s = round(0.1 + 1.5 * chance.random(), 3)
        share = round(chance.random(), 3)
        blows.append(Blow(at_s=at_s, kind="told", member=member, for_s=for_s, share=share))
        blows.append(Blow(at_s=round(at_s + 0.2, 3), kind="rebalance", for_s=4.0))
    return blows


def _blow(chance: random.Random, setup: Setup, kind: str) -> Blow:
    blow = Blow(
        at_s=round(0.2 + (CHAOS_S - 2.0) * chance.random(), 3),
        kind=kind,
        member=chance.randrange(setup.members),
        for_s=round(chance.choice((0.3, 1.0, 3.0, 6.0, 12.0)) * (0.5 + chance.random()), 3),
        share=round(0.05 + chance.random() * 0.5, 3),
    )
    if kind == "clock":
        far = 3_600_000 if setup.exact else 3_000
        blow.amount = chance.choice((far, -far, 700, -700))
    elif kind == "aim":
        blow.where, blow.amount = chance.choice(AIMS), chance.randrange(len(FATES))
    elif kind == "break":
        blow.share = chance.choice((0.5, 1.0))
    elif kind == "refuse":
        blow.where = chance.choice(("reports", "metrics", "dead-letters", "state"))
    elif kind in ("reset", "retain", "forget"):
        blow.amount = chance.randrange(setup.partitions)
    elif kind == "told":
        blow.for_s = round(0.1 + blow.for_s / 10, 3)
    elif kind == "slow":
        blow.share = chance.choice((5.0, 30.0, 200.0))
    return blow
