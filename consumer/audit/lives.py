"""The lives of a txid: from the record that opened it to its last revision.

A txid that was forgotten may come again: then its next report begins with revision 0 at
another first offset, and that is another life. What a report must hold follows from the
input alone: the items of the records between its first and its last offset, each once.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from consumer.audit.emissions import Emission, Numbers, judge_places
from consumer.audit.findings import Findings
from consumer.audit.terms import Cover
from consumer.audit.trail import CALLBACK, EXPECTATION, LATE, Entry, Trail, imei_digest


class Life(Struct):
    """What is known of one life by its reports so far."""

    first: int
    last: int
    """Offset of the last record of the latest report."""
    first_revision: int
    """Of the first report that was read."""
    revision: int
    opened_ms: int
    closed_ms: int
    """Of the latest report."""
    numbers: Numbers
    items: int
    """In the latest report."""
    at: tuple[int, int]
    """Its partition and offset in the reports topic."""
    held: frozenset[bytes] | None = None
    """Digests of these, where the input does not reach back to the first record."""


class Account:
    """A txid: its records, and its lives in the order of their first reports."""

    __slots__ = ("lives", "trail")

    def __init__(self) -> None:
        self.trail = Trail()
        self.lives: list[Life] = []

    def life_of(self, emission: Emission) -> Life | None:
        """The one that a report belongs to, if it has begun."""
        return next((life for life in reversed(self.lives) if life.first == emission.first), None)


def follow(account: Account, emission: Emission, findings: Findings, cover: Cover) -> Life | None:
    """The life that `emission` continues or begins, as it was before; None for a doubled one.

    Take the emission up with `continued` afterwards.
    """
    life = account.life_of(emission)
    if life is None:
        life = Life(
            first=emission.first,
            last=-1,
            first_revision=emission.revision,
            revision=emission.revision - 1,
            opened_ms=emission.opened_ms,
            closed_ms=0,
            numbers=Numbers(),
            items=0,
            at=emission.at,
        )
        account.lives.append(life)
        return life
    if emission.opened_ms != life.opened_ms:
        findings.differ(emission.name, "it opened at another time than the report before it")
    if emission.revision <= life.revision:
        findings.differ(emission.name, "the report is there twice")
        return None
    if emission.revision > life.revision + 1 and not cover.reports_compacted:
        findings.differ(emission.name, f"revision {life.revision + 1} is missing before it")
    places = {life.at[0], emission.at[0]}
    judge_places(emission.name, emission.txid, places, cover.report_partitions, findings)
    if len(places) == 1 and emission.at < life.at:
        findings.differ(emission.name, "it stands before the report that it replaces")
    return life


def continued(life: Life, emission: Emission, *, cut: bool) -> None:
    """Note `emission` as the latest of its life; `cut`: the input begins within it."""
    life.last = emission.last
    life.revision = emission.revision
    life.closed_ms = emission.closed_ms
    life.numbers = emission.numbers
    life.at = emission.at
    life.items = len(emission.usage) + len(emission.errors)
    life.held = frozenset(emission.usage + emission.errors) if cut else None


def weigh(emission: Emission, trail: Trail, findings: Findings, begin: int, end: int) -> None:
    """Compare a report with the records of its txid, of which those in begin..end are known."""
    held = [*emission.usage, *emission.errors]
    if len(set(held)) < len(held):
        findings.differ(emission.name, f"{len(held) - len(set(held))} items are in it twice")
    own = [
        entry
        for entry in trail
        if emission.first <= entry.offset <= emission.last and entry.kind != LATE
    ]
    brought = {item: entry.offset for entry in reversed(own) for item in entry.items}
    lacking = brought.keys() - set(held)
    if lacking:
        places = sorted({brought[item] for item in lacking})
        findings.differ(emission.name, f"it lacks {len(lacking)} items of records {_few(places)}")
    if emission.first < begin or emission.last >= end:
        if emission.first < end and emission.last >= begin:
            findings.skip("reports", "the range cuts them; held against the records in it only")
        return
    if invented := set(held) - brought.keys():
        findings.differ(emission.name, f"{len(invented)} of its items are in no record of it")
    _weigh_counts(emission, own, findings)
    _weigh_devices(emission, own, findings)


def _weigh_counts(emission: Emission, own: list[Entry], findings: Findings) -> None:
    """Offsets and counts of a report whose records are all known."""
    callbacks = [entry for entry in own if entry.kind == CALLBACK]
    items = [item for entry in callbacks for item in entry.items]
    found = {
        "firstOffset": emission.first,
        "lastOffset": emission.last,
        "callbacks": emission.callbacks,
        "duplicates": emission.duplicates,
    }
    due = {
        "firstOffset": own[0].offset if own else None,
        "lastOffset": own[-1].offset if own else None,
        "callbacks": len(callbacks),
        "duplicates": len(items) - len(set(items)),
    }
    for name, number in found.items():
        if due[name] != number:
            findings.differ(emission.name, f"{name} is {number}, the input makes it {due[name]}")


def _weigh_devices(emission: Emission, own: list[Entry], findings: Findings) -> None:
    """What a report says about expected devices."""
    expected = {imei for entry in own if entry.kind == EXPECTATION for imei in entry.imeis}
    if not expected and emission.expected is None:
        return
    seen = {imei_digest(imei): imei for imei in emission.seen}
    if emission.expected != len(expected):
        findings.differ(
            emission.name, f"expected is {emission.expected}, the input makes it {len(expected)}"
        )
    missing = sorted(imei_digest(imei) for imei in emission.missing)
    if missing != sorted(expected - seen.keys()):
        findings.differ(emission.name, "missing does not name the devices that are")
    unexpected = sorted(imei for form, imei in seen.items() if form not in expected)
    if expected and sorted(emission.unexpected) != unexpected:
        findings.differ(emission.name, "unexpected does not name the devices that are")


def _few(offsets: Iterable[int]) -> str:
    """The first ones."""
    some = list(offsets)
    return ", ".join(map(str, some[:3])) + (" ..." if len(some) > 3 else "")  # noqa: PLR2004
