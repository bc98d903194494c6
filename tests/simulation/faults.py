"""What can befall a member, a connection, the broker, or the group: one function per kind.

A fault strikes at its time, lasts for `for_s`, and is over at the latest when the calm begins.
To add one: write a function here, name it in `KINDS`, and let `scenario` draw it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError

from tests.simulation.network import Fate, Weather

if TYPE_CHECKING:
    from tests.simulation.coordinator import Place
    from tests.simulation.crew import Crew, Slot
    from tests.simulation.scenario import Blow

CHAOS_S = 20.0
"""Faults strike within this time, and are over with it."""
SOON_S = 0.1
REFUSALS = (
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_RECORD,
    KafkaError._MSG_TIMED_OUT,
)


def _crash(crew: Crew, slot: Slot, blow: Blow) -> None:
    """SIGKILL; it is started again after a while."""
    slot.crash()
    crew.world.after(blow.for_s, slot.start)


def _freeze(crew: Crew, slot: Slot, blow: Blow) -> None:
    """SIGSTOP, longer or shorter than its session and its transaction last."""
    client = slot.client
    if client is None or client.process.frozen:
        return
    client.freeze()
    crew.world.after(blow.for_s, client.thaw)


def _stall(crew: Crew, slot: Slot, blow: Blow) -> None:
    """The program does not get on (its host is overloaded), while its client's threads do."""
    if slot.client is not None:
        slot.client.process.stalled_s = min(crew.world.now + blow.for_s, CHAOS_S)


def _stop(crew: Crew, slot: Slot, blow: Blow) -> None:
    """SIGTERM; started again after a while."""
    slot.stop()
    crew.world.after(blow.for_s, slot.start)


def _weather(weather: Callable[[Blow], Weather]) -> Callable[[Crew, Slot, Blow], None]:
    def strike(crew: Crew, slot: Slot, blow: Blow) -> None:
        slot.weather = weather(blow)
        crew.world.after(blow.for_s, slot.clear_up)

    return strike


def _lossy(blow: Blow) -> Weather:
    """Requests and answers get lost."""
    return Weather(lost=blow.share / 2, unanswered=blow.share / 2)


def _late(blow: Blow) -> Weather:
    """Requests arrive when nobody waits for them any more."""
    return Weather(unanswered=blow.share / 3, late=blow.share, late_s=3.0)


def _twice(blow: Blow) -> Weather:
    """Requests arrive twice, because their sender's connection breaks."""
    return Weather(twice=blow.share)


def _slow(blow: Blow) -> Weather:
    """All takes many times as long."""
    return Weather(slow=blow.share)


def _cut(_: Blow) -> Weather:
    """Nothing gets through."""
    return Weather(lost=1.0)


AIMS = ("commit", "commit", "abort", "send offsets", "add offsets", "adds", "produces", "init",
        "frees", "asks for offsets", "asks for state", "asks for ends", "looks", "deletes",
        "joins", "leaves")  # fmt: skip
"""First words of requests."""
FATES = ("lost", "unanswered", "late", "crash before", "crash after", "freeze before",
         "freeze after", "twice")  # fmt: skip


def _aim(crew: Crew, slot: Slot, blow: Blow) -> None:
    """The next request of one kind goes astray, or is the last thing that its process does."""
    client = slot.client
    if client is None:
        return

    def befall() -> Fate:
        kind = FATES[blow.amount]
        crew.world.note("fault", "befalls", blow.where, kind)
        if kind in ("lost", "unanswered", "late", "twice"):
            return Fate(kind)
        when_s = 0.0 if kind.endswith("before") else 0.05
        if kind.startswith("crash"):
            crew.world.after(when_s, lambda: _crash(crew, slot, blow))
        elif kind.startswith("freeze"):
            crew.world.after(when_s, lambda: _freeze(crew, slot, blow))
        return Fate.LOST if when_s == 0.0 else Fate.FINE

    client.network.aims[blow.where] = befall


def _surrender(crew: Crew, slot: Slot, blow: Blow) -> None:
    """SIGKILL of whoever is next told to give partitions up, before the group hears that it did."""
    del slot

    def befall(victim: Slot) -> None:
        for each in crew.slots:
            each.spare()
        crew.world.note("fault", "befalls", victim.name, "told to give up")
        _crash(crew, victim, blow)

    for each in crew.slots:
        if each.client is not None:
            each.client.on_told = partial(befall, each)


def _told(crew: Crew, slot: Slot, blow: Blow) -> None:
    """It is killed within milliseconds of hearing that it must give partitions up."""
    client = slot.client
    if client is None:
        return

    def hear() -> None:
        client.on_told = lambda: None
        if crew.world.now < CHAOS_S and slot.client is client:
            crew.world.after(blow.share * SOON_S, lambda: _crash(crew, slot, blow))

    client.on_told = hear


def _parting(crew: Crew, slot: Slot, blow: Blow) -> None:
    """A request of its commit goes astray when it must give partitions up."""
    client = slot.client
    if client is None:
        return

    def hear() -> None:
        client.on_told = lambda: None
        if crew.world.now < CHAOS_S and slot.client is client:
            _aim(crew, slot, blow)

    client.on_told = hear


def _hold(crew: Crew, slot: Slot, blow: Blow) -> None:
    """What is written of one partition's state waits on the way, and arrives when that is over.

    Its writer dies as soon as it has aborted, which it does when it has waited for too long.
    """
    slot = crew.owner(blow.amount) or slot
    client = slot.client
    if client is None:
        return
    until_s = min(crew.world.now + blow.for_s, CHAOS_S)
    client.network.weather = Weather(held="produces ('state'", until_s=until_s)

    def abort() -> Fate:
        crew.world.after(SOON_S, slot.crash)
        crew.world.after(SOON_S + blow.share, slot.start)
        return Fate.FINE

    client.network.aims["abort"] = abort
    crew.world.after(blow.for_s, slot.clear_up)


def _tear(crew: Crew, slot: Slot, blow: Blow) -> None:
    """A partition of the state loses the marker of its next commit, whose writer dies of it.

    Its coordinator takes the marker for written; it is there again after `for_s`.
    """

    def tear(place: Place) -> None:
        log, pid = crew.kafka.log(place), crew.kafka.coordinator.of(slot.name).pid
        span = log.open[pid]
        crew.world.note("fault", "the marker of a commit is lost", slot.name, *place)

        def heal() -> None:
            if log.open.get(pid) is span:
                crew.world.note("broker", "commits at last", slot.name, *place)
                log.mark(pid, 0, committed=True)

        crew.world.after(min(blow.for_s, CHAOS_S - crew.world.now), heal)
        slot.crash()
        crew.world.after(blow.share, slot.start)

    if crew.world.now < CHAOS_S:
        crew.kafka.coordinator.tears[slot.name] = tear


def _break(crew: Crew, slot: Slot, blow: Blow) -> None:
    """The client library fails when a record is looked at."""
    slot.breaks = blow.share
    crew.world.after(blow.for_s, slot.mend)


def _rebalance(crew: Crew, slot: Slot, blow: Blow) -> None:
    """The group begins a round, and another one soon after."""
    del slot
    crew.rebalance()
    crew.world.after(blow.for_s / 4, crew.rebalance)


def _clock(crew: Crew, slot: Slot, blow: Blow) -> None:
    """The wall clock of its host is set."""
    del crew
    slot.wall_offset_ms += blow.amount
    if slot.client is not None:
        slot.client.process.wall_offset_ms = slot.wall_offset_ms


def _markers(crew: Crew, slot: Slot, blow: Blow) -> None:
    """The markers that end transactions take their time."""
    del slot
    crew.slow_markers(blow.share * 2)
    crew.world.after(blow.for_s, lambda: crew.slow_markers(0.0))


def _refuse(crew: Crew, slot: Slot, blow: Blow) -> None:
    """A topic takes no records."""
    del slot
    crew.kafka.refusals[blow.where] = REFUSALS[int(blow.share * 1000) % len(REFUSALS)]
    crew.world.after(blow.for_s, lambda: crew.kafka.refusals.pop(blow.where, None))


def _forbid(crew: Crew, slot: Slot, blow: Blow) -> None:
    """DeleteRecords is not permitted."""
    del slot
    crew.kafka.forbidden += 1
    crew.world.after(blow.for_s, crew.permit_deletes)


def _reset(crew: Crew, slot: Slot, blow: Blow) -> None:
    """An operator sets a partition back to its beginning."""
    del slot
    crew.operate(lambda: crew.reset([blow.amount]))


def _undo(crew: Crew, slot: Slot, blow: Blow) -> None:
    """The same, of all partitions; and later sets them to what they were, metadata and all."""
    del slot
    crew.kafka.forbidden += 1
    saved: dict[int, tuple[int, str]] = {}

    def save() -> None:
        saved.update(crew.kafka.committed(crew.group.name))
        crew.reset(range(crew.group.partitions))

    crew.operate(save)
    crew.operate_later(blow.for_s, lambda: crew.put_back(saved))


def _expire(crew: Crew, slot: Slot, blow: Blow) -> None:
    """All members are away for so long that the group's offsets expire."""
    del slot, blow
    crew.operate(crew.expire)


def _retain(crew: Crew, slot: Slot, blow: Blow) -> None:
    """Retention deletes what arrived, read or not."""
    del slot
    end = crew.kafka.ends("callbacks")[blow.amount]
    crew.kafka.delete_records("callbacks", {blow.amount: end})
    crew.world.note("broker", "retention deletes callbacks", blow.amount, end)


def _trim(crew: Crew, slot: Slot, blow: Blow) -> None:
    """Retention deletes what is read and committed, and nothing else."""
    del slot, blow
    starts = {number: at.offset for number, at in crew.group.offsets.items()}
    crew.kafka.delete_records("callbacks", starts)
    crew.world.note("broker", "retention deletes what is read", starts)


def _forget(crew: Crew, slot: Slot, blow: Blow) -> None:
    """An operator deletes the offset of one partition."""
    del slot
    crew.operate(lambda: crew.forget(blow.amount))


KINDS: Mapping[str, Callable[[Crew, Slot, Blow], None]] = {
    "crash": _crash,
    "freeze": _freeze,
    "stall": _stall,
    "stop": _stop,
    "lossy": _weather(_lossy),
    "late": _weather(_late),
    "slow": _weather(_slow),
    "cut": _weather(_cut),
    "aim": _aim,
    "surrender": _surrender,
    "twice": _weather(_twice),
    "told": _told,
    "parting": _parting,
    "hold": _hold,
    "tear": _tear,
    "break": _break,
    "rebalance": _rebalance,
    "clock": _clock,
    "markers": _markers,
    "refuse": _refuse,
    "forbid": _forbid,
    "reset": _reset,
    "undo": _undo,
    "expire": _expire,
    "retain": _retain,
    "trim": _trim,
    "forget": _forget,
}
