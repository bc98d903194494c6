"""Dead letters: which input records they speak for, and that they carry them as they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from consumer.audit.findings import Findings, name_record
from consumer.wire.dead_letter import PREFIX


class Record(NamedTuple):
    """One record of an output topic."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()

    @property
    def name(self) -> str:
        """What it is called."""
        return name_record(self.topic, self.partition, self.offset)


class Letter:
    """What a dead letter says of its record."""

    __slots__ = ("content", "place", "reason", "told")

    def __init__(self, reason: str, content: bytes, place: str) -> None:
        self.reason = reason
        self.content = content
        """See `fingerprint`."""
        self.place = place
        """Its own, among the dead letters."""
        self.told = False
        """Its record was met."""


class Letters:
    """All dead letters of one input topic, by partition and offset of their records."""

    def __init__(self, topic: str, partitions: Iterable[int], findings: Findings) -> None:
        self._topic = topic
        self._findings = findings
        self._by_partition: dict[int, dict[int, Letter]] = {number: {} for number in partitions}

    def of(self, partition: int) -> Mapping[int, Letter]:
        """Those of one input partition, by offset; grows while letters are read."""
        return self._by_partition[partition]

    def take(self, record: Record) -> None:
        """The next dead letter."""
        ours = {
            name.removeprefix(PREFIX): (value or b"").decode(errors="replace")
            for name, value in record.headers
            if name.startswith(PREFIX)
        }
        if ours.get("topic", self._topic) != self._topic:
            self._findings.skip("dead letters", f"their input is {ours['topic']!r}")
            return
        try:
            known, offset = self._by_partition[int(ours["partition"])], int(ours["offset"])
            letter = Letter(ours["exception"], fingerprint(record.key, record.value), record.name)
        except (KeyError, ValueError):
            self._findings.differ(record.name, "its headers name no record of the input")
            return
        if offset in known:
            place = name_record(self._topic, int(ours["partition"]), offset)
            self._findings.differ(place, f"two dead letters: {known[offset].place}, {record.name}")
        else:
            known[offset] = letter


def fingerprint(key: bytes | None, value: bytes | None) -> bytes:
    """16 bytes for a key and a value; absent is not empty."""
    seal = blake2b(digest_size=16)
    for part in (key, value):
        seal.update(b"-" if part is None else b"%d:" % len(part))
        seal.update(part or b"")
    return seal.digest()
