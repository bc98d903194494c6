"""One history with every ending in it: it passes as it is, and nothing in it may change."""

from __future__ import annotations

import pytest

from consumer.aggregation.policy import Policy
from consumer.audit.letters import Record
from consumer.audit.terms import Cover
from consumer.wire import dead_letter, metrics
from consumer.wire.placement import partition_for
from consumer.wire.timestamps import iso
from tests.unit.aggregation.feed import DEAD_LETTER, POLICY, callback, error, usage
from tests.unit.audit.history import History, Input, Writer, lines


def written(policy: Policy = POLICY) -> History:
    """Txids that end in many ways; at the end nothing is open."""
    writer = Writer(policy, window_ms=100)
    writer.devices("full", "1", "2", at=1_000)
    writer.devices("full", "2", "3", at=1_010)
    writer.send(b"no JSON", at=1_020)
    writer.expect("asked", "1", "2", "3", "4", at=1_030)
    writer.send(callback("asked", usage("1"), error("2")), at=1_040)
    writer.devices("slow", "1", at=1_050)
    writer.tick(at=1_160)
    writer.devices("asked", "3", at=1_170)
    writer.devices("slow", "1", at=1_180)
    writer.devices("slow", "2", at=1_190)
    writer.tick(at=2_500)
    writer.devices("slow", "1", at=2_510)
    writer.tick(at=4_000)
    return writer.history()


@pytest.fixture
def history() -> History:
    """With revisions."""
    return written()


def place(history: History, txid: str, revision: int = 0) -> int:
    """Of a report on its topic."""
    wanted = b'"revision":%d,' % revision
    return next(
        number
        for number, record in enumerate(history.reports)
        if record.key == txid.encode() and wanted in (record.value or b"")
    )


@pytest.mark.parametrize("policy", [POLICY, DEAD_LETTER])
def test_what_the_daemon_writes_passes(policy: Policy) -> None:
    """Revisions, a second life of a txid, late records: all is accounted for."""
    history = written(policy)
    verdict = history.verdict()

    assert verdict.differences == []
    assert verdict.unchecked == []
    assert verdict.records == len(history.inputs)
    rows = {row.name: (row.counted, row.found) for row in verdict.rows}
    assert all(counted == found for counted, found in rows.values())
    assert rows["reports"][0] == len(history.reports)
    assert rows["deadLetters"][0] == len(history.dead_letters)
    assert rows["items reported or open"][0] > 0


def test_what_is_still_open_passes_and_is_told() -> None:
    """Items that no report holds yet: their txids are not due, by the partition's clock."""
    writer = Writer(window_ms=100)
    writer.devices("done", "1", "2", "3", at=1_000)
    writer.devices("open", "1", "2", at=1_250)
    writer.devices("done", "4", at=1_260)
    verdict = writer.history().verdict()

    assert verdict.differences == []
    (result,) = verdict.partitions.values()
    assert (result.open.txids, result.open.items) == (2, 3)
    assert result.items == 3


@pytest.mark.parametrize(
    ("txid", "revision", "words"),
    [
        ("full", 0, ("txid 'full'", "no report holds what came with 2 records: 0, 1")),
        ("asked", 0, ("txid 'asked'", "revisions before 1 are missing")),
        ("asked", 1, ("txid 'asked'", "no report after revision 0", "records: 7")),
        ("slow", 1, ("txid 'slow'", "no report after revision 0", "records: 9")),
    ],
)
def test_a_missing_report_is_named(
    history: History, txid: str, revision: int, words: tuple[str, ...]
) -> None:
    """By its txid; and the window that counted it says so as well."""
    problems = history.without("reports", place(history, txid, revision)).problems()

    assert lines(problems, *words)
    assert lines(problems, "window ", "the reports make it")


def test_items_that_nobody_holds_are_told_in_sum(history: History) -> None:
    """The headline of conservation, beside the names."""
    problems = history.without("reports", place(history, "full")).problems()

    assert (
        "partition 0: windows count 9 items merged, but last revisions hold 6, and 0 are open"
        in problems
    )


def test_the_report_of_a_second_life_is_missing(history: History) -> None:
    """Its records do not hide behind the report of the first one."""
    again = max(n for n, record in enumerate(history.reports) if record.key == b"slow")
    problems = history.without("reports", again).problems()

    assert lines(problems, "window ", "unconfirmed is 1, the reports make it 0")


def test_a_doubled_report_is_named(history: History) -> None:
    """Once, for it does not count twice."""
    (problem,) = history.doubled("reports", place(history, "full")).problems()

    assert problem == "txid 'full' of partition 0: the report is there twice"


def test_a_missing_revision_in_between_is_named() -> None:
    """Revision 1 of 0, 1, 2."""
    writer = Writer(window_ms=100)
    for number in range(3):
        writer.devices("t", str(number), at=1_000 + 200 * number)
    writer.tick(at=3_000)
    history = writer.history()
    problems = history.without("reports", place(history, "t", 1)).problems()

    assert lines(problems, "txid 't'", "revision 1 is missing before it")


def test_revisions_may_lie_in_another_partition_than_the_report_before(history: History) -> None:
    """Where partitions were added to the topic; and which is read first nobody knows."""
    assert (partition_for(b"asked", 1), partition_for(b"asked", 2)) == (0, 1)
    number = place(history, "asked", 1)
    revision = history.reports.pop(number)._replace(partition=1, offset=0)
    moved = history.changed(reports=[revision, *history.reports], cover=Cover(report_partitions=2))
    verdict = moved.verdict()

    assert verdict.differences == []
    assert lines(verdict.unchecked, "1 reports: their records lie in several partitions")
    assert lines(moved.changed(cover=Cover()).problems(), "different partitions: [0, 1]")


def test_a_revision_before_the_report_that_it_replaces_is_named(history: History) -> None:
    """A reader would take the older one for the truth."""
    turned = [one._replace(offset=-one.offset) for one in reversed(history.reports)]
    problems = history.changed(reports=turned).problems()

    assert lines(problems, "'asked' of partition 0, revision 1: it stands before the report that")
    assert lines(problems, "txid 'slow' of partition 0: the report from 11 on stands before")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'"numberOfSessions":1,"bytes', b'"numberOfSessions":2,"bytes', "lacks 1 items of record"),
        (b'"numberOfSessions":1,"bytes', b'"numberOfSessions":2,"bytes', "in no record of it"),
        (b'"reported":3', b'"reported":4', "reported is 4, but its items make it 3"),
        (b'"numberOfSessions":3,"b', b'"numberOfSessions":4,"b', "its items make it 3"),
        (b'"callbacks":2', b'"callbacks":3', "callbacks is 3, the input makes it 2"),
        (b'"duplicates":1', b'"duplicates":0', "duplicates is 0, the input makes it 1"),
        (b'"lastOffset":1', b'"lastOffset":2', "lastOffset is 2, the input makes it 1"),
        (b'"expected":null', b'"expected":3', "expected is 3, the input makes it 0"),
        (b'"complete"', b'"partial"', "complete is 1, the reports make it 0"),
        (b'"closedAt":"1970-01-01T00:00:01', b'"closedAt":"1970-01-01T00:00:02', "window "),
        (b'"partition":0', b'"partition":1', "the input has no such partition"),
        (b'"closedAt":"1970', b'"closedAt":"someday', "it cannot be read"),
        (b"{", b"", "not a report"),
    ],
)
def test_a_changed_report_is_found(history: History, old: bytes, new: bytes, words: str) -> None:
    """An item, a number of its summary, a place or a time: each is held against something."""
    problems = history.rewritten("reports", place(history, "full"), old, new).problems()

    assert lines(problems, words)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'"missing":["3","4"]', b'"missing":["3"]', "missing does not name"),
        (b'"missing":["3","4"]', b'"missing":["3","5"]', "missing does not name"),
        (b'"unexpected":[]', b'"unexpected":["1"]', "unexpected does not name"),
        (b'"expected":4', b'"expected":3', "expected is 3, the input makes it 4"),
        (b'{"E1":1}', b'{"E2":1}', "errorCodes is"),
    ],
)
def test_what_a_report_says_of_expected_devices_is_held_against_the_expectation(
    history: History, old: bytes, new: bytes, words: str
) -> None:
    """Who is missing is what the receiver of a report acts upon."""
    problems = history.rewritten("reports", place(history, "asked"), old, new).problems()

    assert lines(problems, "txid 'asked'", words)


def test_an_invented_report_is_named(history: History) -> None:
    """Of a txid that no record of the input knows."""
    number = place(history, "full")
    changed = history.rewritten("reports", number, b'"full"', b'"gone"')
    changed.reports[number] = changed.reports[number]._replace(key=b"gone")
    problems = changed.problems()

    assert lines(problems, "txid 'gone'", "3 of its items are in no record of it")
    assert lines(problems, "txid 'full'", "no report holds")


def test_a_report_under_another_key_is_named(history: History) -> None:
    """Compaction would lose one."""
    number = place(history, "full")
    history.reports[number] = history.reports[number]._replace(key=b"other")

    (problem,) = history.problems()
    assert problem == "txid 'full' of partition 0: reports[0]@0 has the key b'other'"


def test_each_missing_window_is_named(history: History) -> None:
    """Whichever it is."""
    for number, record in enumerate(history.metrics):
        problems = history.without("metrics", number).problems()
        key = (record.key or b"").decode()
        assert lines(problems, key) or lines(problems, "records from here on are in no window")


def test_a_doubled_window_is_named(history: History) -> None:
    """It would count twice in every sum."""
    (problem,) = history.doubled("metrics", 1).problems()

    assert problem.startswith(f"window {iso(1_100)}/0: is twice")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'"callbacks":4', b'"callbacks":3', "in no window"),
        (b'"callbacks":4', b'"callbacks":5', "in two windows"),
        (b'"callbacks":4,"expectations":1', b'"callbacks":3,"expectations":2', "records.callbacks"),
        (b'"items":{"usage":5', b'"items":{"usage":6', "items.usage is 6, the records make it 5"),
        (b'"duplicates":1', b'"duplicates":0', "items.duplicates is 0, the records make it 1"),
        (b'"reports":{"complete":1', b'"reports":{"complete":2', "complete is 2"),
        (b'"reported":3', b'"reported":2', "reported is 2, the reports make it 3"),
        (b'"numberOfSessions":3', b'"numberOfSessions":4', "sessions is 4"),
        (b'"bytesTransferred":30', b'"bytesTransferred":31', "transferred is 31"),
        (b'"errorCodes":{}', b'"errorCodes":{"E1":1}', "codes is {'E1': 1}, the reports make it"),
        (b'"timeToCompleteMs":{"count":1', b'"timeToCompleteMs":{"count":2', "first_emissions"),
        (b'"max":10', b'"max":11', "to_complete_max is 11"),
    ],
)
def test_a_changed_window_is_found(history: History, old: bytes, new: bytes, words: str) -> None:
    """Every number in it is held against records or reports."""
    problems = history.rewritten("metrics", 0, old, new).problems()

    assert lines(problems, words)


def test_windows_of_other_applications_are_not_looked_at(history: History) -> None:
    """And of windows that nobody can read it is said so."""
    other = history.metrics[0]._replace(
        value=(history.metrics[0].value or b"").replace(b'"app":"app"', b'"app":"b"')
    )
    garbage = other._replace(value=b"{}", offset=99)
    elsewhere = history.metrics[0]._replace(key=metrics.key(7, 0), offset=98)
    changed = history.changed(metrics=[*history.metrics, other, garbage, elsewhere])
    verdict = changed.verdict()

    assert verdict.unchecked == ["1 metrics records: their application is 'b'"]
    assert [one.subject for one in verdict.differences] == ["metrics[0]@99", "metrics[0]@98"]


def test_a_missing_dead_letter_is_named(history: History) -> None:
    """By the record that it should speak for."""
    (problem, *_) = history.without("dead_letters", 0).problems()

    assert problem.startswith("callbacks[0]@2: no dead letter, but it is none: malformed_json (")


def test_a_doubled_dead_letter_is_named(history: History) -> None:
    """Once per record."""
    (problem,) = history.doubled("dead_letters", 0).problems()

    assert problem == "callbacks[0]@2: two dead letters: letters[0]@0, letters[0]@0"


def test_dead_letters_carry_their_record(history: History) -> None:
    """Another value, another reason, or no place at all: each is a difference."""
    letter = history.dead_letters[0]
    reason = dead_letter.headers((), "callbacks", 0, 2, dead_letter.Reason.SCHEMA, "x")
    for changed, words in (
        (letter._replace(value=b"other"), "has another key or value"),
        (letter._replace(key=b""), "has another key or value"),
        (
            letter._replace(headers=reason),
            "its dead letter says 'schema', but it is none: malformed",
        ),
        (letter._replace(headers=()), "its headers name no record of the input"),
    ):
        assert lines(history.changed(dead_letters=[changed]).problems(), words)


@pytest.mark.parametrize(
    ("offset", "reason", "words"),
    [
        (0, "schema", "callbacks[0]@0: it is good, but a dead letter ('schema')"),
        (0, "oversized_item", "it is good, but a dead letter ('oversized_item')"),
        (1, "late", "txid 'full' of partition 0: 1 is a late dead letter, but reports went on"),
        (8, "late", "txid 'slow' of partition 0: 8 is a late dead letter, but reports went on"),
        (99, "schema", "callbacks[0]@99: no such record, but a dead letter of it: letters[0]@9"),
        (-1, "schema", "callbacks[0]@-1: no such record, but a dead letter of it: letters[0]@9"),
    ],
)
def test_an_invented_dead_letter_is_found(
    history: History, offset: int, reason: str, words: str
) -> None:
    """A good record is nobody's dead letter, nor is what was never consumed."""
    taken = next((one for one in history.inputs if one.offset == offset), Input(99, 0, None, None))
    headers = dead_letter.headers((), "callbacks", 0, offset, dead_letter.Reason(reason), "x")
    invented = history.dead_letters[0]._replace(
        offset=9, key=taken.key, value=taken.value, headers=headers
    )
    changed = history.changed(dead_letters=[*history.dead_letters, invented])

    assert lines(changed.problems(), words)
    if offset > history.end:  # it may have been consumed meanwhile, or lie behind the range
        assert changed.changed(still=False).problems() == []
        assert changed.changed(span={"to_end": False}).problems() == []


@pytest.mark.parametrize(
    ("before", "words"),
    [([], "is a late dead letter with no report"), (["1", "2", "3"], "but nothing new")],
)
def test_a_late_dead_letter_needs_a_report_and_news(before: list[str], words: str) -> None:
    """A record must not vanish as late where it was in time, or had been counted."""
    writer = Writer(DEAD_LETTER, window_ms=100)
    if before:
        writer.devices("t", *before, at=1_000)
    writer.devices("t", "1", at=1_010)
    writer.tick(at=3_000)
    history = writer.history()
    taken = history.inputs[len(before) > 0]
    headers = dead_letter.headers(
        (), "callbacks", 0, taken.offset, dead_letter.Reason.LATE, "said so"
    )
    letter = Record("letters", 0, 0, 0, taken.key, taken.value, headers)
    reports = history.reports if before else []
    problems = history.changed(dead_letters=[letter], reports=reports).problems()

    assert lines(problems, f"txid 't' of partition 0: {taken.offset} is a late", words)


def test_a_dead_letter_of_no_record_is_found(history: History) -> None:
    """Within the range, where the input has no such offset."""
    inputs = [one for one in history.inputs if one.offset != 2]

    assert lines(history.changed(inputs=inputs).problems(), "@2: no such record, but a dead letter")


def test_what_belongs_to_another_input_is_not_looked_at(history: History) -> None:
    """Output topics may be shared."""
    report = history.reports[0]._replace(
        value=(history.reports[0].value or b"").replace(b'"callbacks","part', b'"others","part')
    )
    headers = dead_letter.headers((), "others", 0, 0, dead_letter.Reason.SCHEMA, "x")
    letter = history.dead_letters[0]._replace(headers=headers)
    changed = history.changed(
        reports=[*history.reports, report], dead_letters=[*history.dead_letters, letter]
    )
    verdict = changed.verdict()

    assert verdict.differences == []
    assert sorted(verdict.unchecked) == [
        "1 dead letters: their input is 'others'",
        "1 reports: their input is 'others'",
    ]
