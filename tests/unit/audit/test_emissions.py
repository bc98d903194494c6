"""Putting reports together from their parts."""

from __future__ import annotations

import itertools
import re
import tracemalloc

import pytest

from consumer.audit.emissions import Emission, Emissions
from consumer.audit.findings import Findings
from consumer.audit.letters import Record
from consumer.wire.placement import partition_for
from consumer.wire.report import CompletedBy, Outcome
from tests.unit.aggregation.feed import callback, error, usage
from tests.unit.audit.history import Writer

FAT = "y" * 2_000


@pytest.fixture
def parts() -> list[Record]:
    """A report in three parts: items of both arrays, error codes."""
    writer = Writer(device_limit=6, report_bytes=9_000)
    writer.send(callback("t", *(usage(imei, x=FAT) for imei in "123")), at=1_000)
    writer.send(callback("t", *(error(imei, f"E{imei}", x=FAT) for imei in "456")), at=1_010)
    reports = writer.history().reports
    assert len(reports) == 3
    return reports


def told(
    records: list[Record], begins: dict[int, int] | None = None, *, partitions: int = 1
) -> tuple[list[Emission], list[str], Findings]:
    """Whole reports, and what is wrong with them."""
    findings = Findings()
    emissions = Emissions("callbacks", partitions, findings)
    whole = [found for record in records if (found := emissions.take(record)) is not None]
    emissions.finish(begins or {0: 0}, None)
    return whole, [one.problem for one in findings.differences], findings


def test_parts_make_one_report(parts: list[Record]) -> None:
    """Everything that was divided is whole again."""
    (emission,), problems, _ = told(parts)

    assert problems == []
    assert (len(emission.usage), len(emission.errors)) == (3, 3)
    assert emission.seen == set("123456")
    assert emission.numbers.codes == {"E4": 1, "E5": 1, "E6": 1}
    assert emission.name == "txid 't' of partition 0"


def test_a_missing_part_is_named(parts: list[Record]) -> None:
    """Whichever it is."""
    for place in range(3):
        whole, problems, _ = told(parts[:place] + parts[place + 1 :])
        assert whole == []
        assert problems == [f"parts {place + 1} of 3 are missing"]


def test_what_a_part_says_of_itself_takes_no_memory(parts: list[Record]) -> None:
    """However many there are to be, or whatever number it has."""

    def rewritten(old: bytes, new: bytes) -> Record:
        return parts[0]._replace(value=(parts[0].value or b"").replace(old, new))

    tracemalloc.start()
    many = told([rewritten(b'"count":3', b'"count":5000000')])[1]
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert many == ["parts 2, 3, 4, 5, 6, ... of 5000000 are missing"]
    assert most_bytes < 1_000_000
    assert told([rewritten(b'"index":1', b'"index":4'), *parts])[1][-1] == "part 4 is there, of 3"


def test_first_parts_may_be_lost_with_the_beginning_of_the_topic(parts: list[Record]) -> None:
    """Retention does not look for whole reports."""
    _, problems, findings = told(parts[1:], {0: 5})

    assert problems == []
    assert findings.unchecked() == ["1 split reports: the topic has lost their first parts"]


def test_a_doubled_part_is_named(parts: list[Record]) -> None:
    """At once, or after the report was whole."""
    _, early, _ = told([parts[0], *parts])
    _, late, _ = told([*parts, parts[1]])

    assert early == ["part 1 is there twice: reports[0]@0, reports[0]@0"]
    assert late == ["parts [2] are there twice"]


def test_a_doubled_report_comes_twice(parts: list[Record]) -> None:
    """Whoever follows its life tells that."""
    whole, problems, _ = told([*parts, *parts])

    assert (len(whole), problems) == (2, [])


def test_parts_agree_and_lie_together(parts: list[Record]) -> None:
    """In one partition, with one summary, under the keys that compaction needs."""
    elsewhere = parts[1]._replace(partition=1)
    value = (parts[1].value or b"").replace(b'"callbacks":2', b'"callbacks":3')
    keyed = parts[1]._replace(key=b"t")

    assert told([parts[0], elsewhere, parts[2]])[1] == [
        "its records lie in different partitions: [0, 1]"
    ]
    assert told([parts[0], parts[1]._replace(value=value), parts[2]])[1] == [
        "its parts do not agree with each other"
    ]
    assert told([parts[0], keyed, parts[2]])[1] == ["reports[0]@1 has the key b't'"]


def test_partitions_may_have_been_added_to_the_topic(parts: list[Record]) -> None:
    """Then a key belongs elsewhere than before: nobody knows whether it was so."""
    assert {partition_for(b"t", count) for count in (1, 2, 3)} == {0, 1}
    records = [*parts[:2], parts[2]._replace(partition=1)]
    _, problems, findings = told(records, partitions=3)

    assert problems == []
    why = "their records lie in several partitions, as if the topic had been given some since"
    assert findings.unchecked() == [f"1 reports: {why}"]
    records[2] = parts[2]._replace(partition=2)
    assert told(records, partitions=3)[1] == ["its records lie in different partitions: [0, 2]"]


def test_parts_may_come_in_any_order(parts: list[Record]) -> None:
    """Of several output partitions, nobody knows which is read first."""
    for order in itertools.permutations(parts):
        whole, problems, _ = told(list(order))
        assert (len(whole), problems) == (1, [])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b'"repeated":["1"]', b'"repeated":[]', "repeated is [], but its items make it ['1']"),
        (b'"conflicting":["2"]', b'"conflicting":[]', "conflicting is []"),
        (b'"failed":1', b'"failed":2', "failed is 2, but its items make it 1"),
        (b'{"E1":1}', b"{}", "errorCodes is {}, but its items make it {'E1': 1}"),
        (b'"bytesTransferred":60', b'"bytesTransferred":6', "bytesTransferred is 6, but"),
    ],
)
def test_the_summary_follows_from_the_items(old: bytes, new: bytes, problem: str) -> None:
    """Everything in it that does."""
    writer = Writer()
    items = (usage("1"), usage("1", 2), usage("2", 3), error("2"), usage("3", 0))
    writer.send(callback("t", *items), at=1_000)
    (record,) = writer.history().reports
    value = record.value or b""
    assert old in value, value
    _, problems, _ = told([record._replace(value=value.replace(old, new))])

    assert len(problems) == 1
    assert problems[0].startswith(problem)


def closed(**changes: bytes) -> list[str]:
    """What is wrong with a report of 2 of 3 expected devices in which this reads differently."""
    writer = Writer()
    writer.expect("t", "1", "2", "3", at=1_000)
    writer.devices("t", "1", "2", at=1_010)
    writer.tick(at=2_000)
    (record,) = writer.history().reports
    value = record.value or b""
    for name, text in changes.items():
        value, count = re.subn(
            rb'("%s":)("\w+"|\[.*?\]|\w+)' % name.encode(), rb"\g<1>" + text, value
        )
        assert count == 1, (name, value)
    return told([record._replace(value=value)])[1]


def test_the_outcome_follows_from_the_rule_and_from_who_is_missing() -> None:
    """Complete is proven by a part alone; a rule that proves it needs what it compares."""
    right = {
        (CompletedBy.EXPECTED_DEVICES, b"2", b"[]"): Outcome.COMPLETE,
        (CompletedBy.DEVICE_LIMIT, b"null", b"[]"): Outcome.COMPLETE,
    }
    for by_time in (CompletedBy.INACTIVITY, CompletedBy.MAX_AGE, CompletedBy.CAPACITY):
        right[by_time, b"2", b'["3"]'] = Outcome.PARTIAL
        right[by_time, b"2", b"[]"] = right[by_time, b"null", b"[]"] = Outcome.UNCONFIRMED
    for rule, outcome, expected, missing in itertools.product(
        CompletedBy, Outcome, (b"null", b"2"), (b"[]", b'["3"]')
    ):
        problems = closed(
            outcome=b'"%s"' % outcome.encode(),
            completedBy=b'"%s"' % rule.encode(),
            expected=expected,
            missing=missing,
        )
        passes = right.get((rule, expected, missing)) is outcome
        assert (problems == []) == passes, (rule, outcome, expected, missing, problems)


def test_without_an_expectation_nobody_is_missing_or_unexpected() -> None:
    """Whoever receives the report would act upon it."""
    why = "missing or unexpected names devices, but it expected none"

    assert closed(unexpected=b'["1"]') == []
    for field in ("missing", "unexpected"):
        lists = {"missing": b"[]", "unexpected": b"[]", field: b'["1"]'}
        outcome = b'"partial"' if field == "missing" else b'"unconfirmed"'
        assert closed(expected=b"null", outcome=outcome, **lists) == [why]
