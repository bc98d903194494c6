"""The lives of a txid, report by report."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.audit.emissions import Emission, Emissions
from consumer.audit.findings import Findings
from consumer.audit.lives import Account, continued, follow, weigh
from consumer.audit.terms import Cover
from consumer.audit.trail import CALLBACK, LATE, Entry, usage_digest
from tests.unit.audit.history import Writer


def emission(**changes: Any) -> Emission:
    """The report of a txid with items 1, 2, 3 in records 0, 2."""
    writer = Writer(device_limit=3)
    writer.devices("t", "1", at=1_000)
    writer.tick(at=1_001)
    writer.devices("t", "2", "3", at=1_002)
    (record,) = writer.history().reports
    found = Emissions("callbacks", 1, Findings()).take(record)
    assert found is not None
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def account(found: Emission) -> Account:
    """The records that such a report was made of."""
    made = Account()
    made.trail.add(Entry(0, CALLBACK, found.usage[:1]))
    made.trail.add(Entry(2, CALLBACK, found.usage[1:]))
    return made


def weighed(found: Emission, known: Account, begin: int = 0, end: int = 10) -> list[str]:
    """What is wrong with it."""
    findings = Findings()
    weigh(found, known.trail, findings, begin, end)
    return [one.problem for one in findings.differences] + findings.unchecked()


class TestFollow:
    def test_revisions_continue_a_life(self) -> None:
        """Each knows what the one before added up to."""
        known, findings = Account(), Findings()
        for revision in range(3):
            found = emission(revision=revision, last=2 + revision, at=(0, revision))
            life = follow(known, found, findings, Cover())
            assert life is not None
            assert life.revision == revision - 1
            assert life.numbers.reported == (3 if revision else 0)
            continued(life, found, cut=False)

        assert findings.differences == []
        (life,) = known.lives
        assert (life.last, life.revision, life.first_revision, life.items) == (4, 2, 0, 3)
        assert life.held is None

    def test_another_first_offset_is_another_life(self) -> None:
        """With revision 0 again, as a txid has that was forgotten."""
        known, findings = Account(), Findings()
        for first in (0, 5):
            found = emission(first=first, last=first + 2)
            life = follow(known, found, findings, Cover())
            assert life is not None
            continued(life, found, cut=True)

        assert findings.differences == []
        assert [life.first for life in known.lives] == [0, 5]
        assert known.lives[0].held == frozenset(emission().usage)

    @pytest.mark.parametrize(
        ("at", "problems"),
        [
            ((0, 6), []),
            ((0, 4), ["it stands before the report that it replaces"]),
            ((1, 9), ["its records lie in different partitions: [0, 1]"]),
        ],
    )
    def test_a_revision_stands_behind_the_report_that_it_replaces(
        self, at: tuple[int, int], problems: list[str]
    ) -> None:
        """The last record of a key is the truth, in its partition."""
        known, findings = Account(), Findings()
        for revision, place in enumerate([(0, 5), at]):
            found = emission(revision=revision, at=place)
            life = follow(known, found, findings, Cover())
            assert life is not None
            continued(life, found, cut=False)

        assert [one.problem for one in findings.differences] == problems

    def test_a_gap_is_a_difference_unless_the_topic_is_compacted(self) -> None:
        """There only the last revision is sure to be left."""
        for compacted in (False, True):
            known, findings = Account(), Findings()
            for revision in (0, 2):
                found = emission(revision=revision)
                life = follow(known, found, findings, Cover(reports_compacted=compacted))
                assert life is not None
                continued(life, found, cut=False)

            assert len(findings.differences) == (not compacted)


class TestWeigh:
    def test_a_report_holds_what_its_records_brought(self) -> None:
        """No more, no less, whatever other records the txid has."""
        found = emission()
        known = account(found)
        known.trail.add(Entry(3, CALLBACK, [usage_digest(b"later")]))

        assert weighed(found, known) == []

    def test_what_was_late_is_not_part_of_it(self) -> None:
        """Also where it came between its records."""
        found = emission()
        known = Account()
        known.trail.add(Entry(0, CALLBACK, found.usage[:1]))
        known.trail.add(Entry(1, LATE, [usage_digest(b"late")]))
        known.trail.add(Entry(2, CALLBACK, found.usage[1:]))

        assert weighed(found, known) == []

    def test_an_item_twice_is_once_too_often(self) -> None:
        """Items of a report are unique."""
        found = emission()
        known = account(found)
        found.usage.append(found.usage[0])

        assert "1 items are in it twice" in weighed(found, known)

    def test_lacking_items_are_told_by_their_records(self) -> None:
        """The first few of them."""
        found = emission()
        known = account(found)
        for offset in range(3, 9):
            known.trail.add(Entry(offset, CALLBACK, [usage_digest(b"%d" % offset)]))
        found.last = 8

        assert weighed(found, known)[0] == "it lacks 6 items of records 3, 4, 5 ..."

    def test_a_report_that_the_range_cuts_holds_what_lies_in_it(self) -> None:
        """More cannot be said, and that is said."""
        found = emission()
        known = Account()
        known.trail.add(Entry(2, CALLBACK, found.usage[1:]))
        note = ["1 reports: the range cuts them; held against the records in it only"]
        assert weighed(found, known, begin=1) == note
        assert weighed(found, known, end=2) == note

        known.trail.add(Entry(2, CALLBACK, [usage_digest(b"lacking")]))
        assert weighed(found, known, begin=1) == ["it lacks 1 items of records 2", *note]

    def test_a_report_outside_of_the_range_is_nobodys_business(self) -> None:
        """Neither before nor after it."""
        assert weighed(emission(), Account(), begin=3) == []
        assert weighed(emission(first=12, last=14), Account()) == []
