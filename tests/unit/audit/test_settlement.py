"""What became of every item: when a report is overdue, and when nobody can tell."""

from __future__ import annotations

import pytest

from consumer.audit.emissions import Numbers
from consumer.audit.findings import Findings
from consumer.audit.lives import Account, Life
from consumer.audit.settlement import DUPLICATES, LATE_ITEMS, USAGE, Open, Settlement
from consumer.audit.terms import Span, Terms
from consumer.audit.trail import CALLBACK, EXPECTATION, LATE, Entry, imei_digest, usage_digest
from consumer.audit.windows import Sums, Window

TERMS = Terms(
    topic="in", app="app", inactivity_ms=100, remember_ms=500, window_ms=10, largest_item=1_000
)
NEVER = float("-inf")


class Case:
    """A txid, whose record at offset n was counted in the window from 10 n to 10 n + 10 ms."""

    def __init__(self, *entries: Entry, lives: tuple[Life, ...] = ()) -> None:
        self.account = Account()
        for entry in entries:
            self.account.trail.add(entry)
        self.account.lives += lives
        self.windows = {
            offset: Window(10 * offset, 10 * offset + 10, (1, 0, 0, 0), (0, 0, 0, 0), Sums())
            for offset in range(200)
        }
        self.findings = Findings()

    def settle(
        self,
        clock_ms: int,
        *,
        complete_since_ms: float = NEVER,
        begin: int = 0,
        compacted: bool = False,
    ) -> list[str]:
        """What is wrong when the clock stands there, and what was not checked."""
        self.findings = Findings()
        settlement = Settlement(
            0,
            TERMS,
            self.findings,
            self.windows.get,
            clock_ms=clock_ms,
            complete_since_ms=complete_since_ms,
            span=Span(begin=begin, end=200),
            compacted=compacted,
        )
        settlement.settle("t", self.account)
        self.open, self.items = settlement.open, settlement.items
        return [one.problem for one in self.findings.differences] + self.findings.unchecked()

    def counted(self, offset: int) -> list[int]:
        """What the record at an offset makes of its window."""
        return [*self.windows[offset].merged, self.windows[offset].doubtful]


def came(offset: int, *items: bytes, kind: int = CALLBACK) -> Entry:
    """A record with usage items."""
    return Entry(offset, kind, [usage_digest(item) for item in items])


def life(first: int, last: int, revision: int = 0, first_revision: int = 0) -> Life:
    """By its reports, the latest of which was closed with its last record."""
    return Life(
        first,
        last,
        first_revision,
        revision,
        10 * first,
        10 * last,
        numbers=Numbers(),
        items=1,
        at=(0, 0),
    )


def test_without_a_report_a_txid_is_open_until_its_time_has_passed() -> None:
    """Inactivity counts from the end of the window in which its last record was counted."""
    case = Case(came(1, b"a"), came(3, b"a", b"b"))

    assert case.settle(139) == []
    assert case.open == Open(1, 2)
    assert case.settle(140) == ["no report holds what came with 2 records: 1, 3"]
    assert case.open == Open()


def test_duplicates_put_no_report_off() -> None:
    """Neither the first one nor a revision."""
    case = Case(came(1, b"a"), came(12, b"a"), came(13))
    assert case.settle(119) == []
    assert case.settle(120) == ["no report holds what came with 3 records: 1, 12, 13"]

    case = Case(came(1, b"a"), came(2, b"b"), came(12, b"b"), lives=(life(1, 1),))
    assert case.settle(129) == []
    assert case.settle(130) == ["no report after revision 0 holds what came with 2 records: 2, 12"]


def test_what_is_no_duplicate_to_a_txid_that_was_forgotten_puts_its_report_off() -> None:
    """With its second record it may have been opened anew; the third would be news to it."""
    case = Case(came(1, b"a"), came(2, b"b"), came(12, b"a"), lives=(life(1, 1),))

    assert case.settle(229) == []
    assert case.settle(230) == ["no report after revision 0 holds what came with 1 records: 2"]


def test_a_record_in_no_known_window_is_held_against_nobody() -> None:
    """Its time is unknown."""
    case = Case(came(1, b"a"))
    case.windows.clear()

    assert case.settle(10_000) == []


@pytest.mark.parametrize("kind", ["bare", "expectation"])
def test_a_txid_may_be_opened_without_items(kind: str) -> None:
    """It is to be reported all the same."""
    entry = came(1)
    if kind == "expectation":
        entry = Entry(1, EXPECTATION, imeis=[imei_digest("1")])

    assert Case(entry).settle(1_000) == ["no report holds what came with 1 records: 1"]


def test_after_a_report_only_what_is_new_is_due() -> None:
    """A duplicate changes nothing; a new item must be in a revision when its time has come."""
    assert Case(came(1, b"a"), came(2, b"a"), lives=(life(1, 1),)).settle(1_000) == []
    case = Case(came(1, b"a"), came(2, b"a"), came(3, b"b"), lives=(life(1, 1),))
    assert case.settle(139) == []
    assert case.open == Open(1, 1)
    assert case.settle(1_000) == ["no report after revision 0 holds what came with 1 records: 3"]


def test_what_a_second_life_should_have_closed_is_due_at_once() -> None:
    """The txid was forgotten since, so it was emitted before."""
    lives = (life(1, 1), life(70, 70))
    case = Case(came(1, b"a"), came(2, b"b"), came(70, b"a"), lives=lives)

    assert case.settle(705) == ["no report after revision 0 holds what came with 1 records: 2"]
    assert case.counted(70) == [1, 0, 0, 0, 0]
    assert case.settle(705, compacted=True) == [
        "1 records: their reports may be older than what is read of the reports"
    ]


def test_lives_do_not_overlap() -> None:
    """A txid is not opened while it is known; in whatever order its reports were read."""
    items = came(1, b"a"), came(5, b"a"), came(7, b"a"), came(9, b"a")
    case = Case(*items, lives=(life(5, 9), life(1, 7)))

    assert case.settle(1_000) == ["a report goes on to 7, but the next begins at 5"]


def test_reports_that_nobody_reads_any_more_are_not_missing() -> None:
    """A record may belong to a report from before as long as that was remembered."""
    note = ["1 records: their reports may be older than what is read of the reports"]
    case = Case(came(60, b"a"))

    assert case.settle(10_000, complete_since_ms=99) == [
        "no report holds what came with 1 records: 60"
    ]
    assert case.settle(10_000, complete_since_ms=100) == note
    assert case.counted(60)[-1] == 1


def test_first_revisions_may_be_missing_only_where_the_topic_has_lost_them() -> None:
    """That is, where the txid was opened before that, or compaction took them."""
    case = Case(came(5, b"a"), lives=(life(5, 5, revision=2, first_revision=1),))

    assert case.settle(10_000) == ["revisions before 1 are missing"]
    assert case.settle(10_000, complete_since_ms=49) == ["revisions before 1 are missing"]
    assert case.settle(10_000, complete_since_ms=50) == []
    assert case.settle(10_000, compacted=True) == []


def test_the_report_that_a_dead_letter_was_late_for_may_be_compacted_away() -> None:
    """By that of a second life, which has its key."""
    case = Case(came(1, b"a"), came(9, b"b", kind=LATE), came(70, b"a"), lives=(life(70, 70),))

    assert "9 is a late dead letter with no report" in case.settle(1_000)
    assert not any("late" in line for line in case.settle(1_000, compacted=True))


def test_counts_items_as_the_daemon_does() -> None:
    """New ones once, in the window of their record; late ones as often as they come."""
    case = Case(
        came(1, b"a", b"a", b"b"),
        came(2, b"b"),
        came(3, b"a", b"c", b"c", kind=LATE),
        lives=(life(1, 2),),
    )

    assert case.settle(10_000) == []
    assert case.counted(1)[USAGE] == 2
    assert case.counted(1)[DUPLICATES] == 1
    assert case.counted(2) == [0, 0, 1, 0, 0]
    assert (case.counted(3)[DUPLICATES], case.counted(3)[LATE_ITEMS]) == (1, 2)


def test_of_a_moment_ago_nobody_knows_what_is_a_duplicate() -> None:
    """The txid may have been forgotten for want of memory, and be open anew."""
    case = Case(came(1, b"a"), came(2, b"a"), lives=(life(1, 1),))
    case.settle(25)
    assert case.counted(2) == [0, 0, 0, 0, 1]

    case = Case(came(1, b"a"), came(2, b"a"), lives=(life(1, 1),))
    case.settle(1_000)
    assert case.counted(2) == [0, 0, 1, 0, 0]


def test_what_a_report_held_from_before_the_range_is_known_from_the_report() -> None:
    """But not which of the records in the range brought it, nor whom it expected."""
    cut = life(1, 5)
    cut.held = frozenset([usage_digest(b"a"), usage_digest(b"b")])
    case = Case(
        came(5, b"a"),
        came(6, b"b"),
        Entry(7, EXPECTATION, imeis=[imei_digest("1")]),
        lives=(cut,),
    )

    assert case.settle(1_000, begin=3) == []
    assert case.counted(5) == [0, 0, 0, 0, 1]
    assert case.counted(6) == [0, 0, 1, 0, 0]


def test_of_a_report_that_came_after_the_end_only_known_records_count() -> None:
    """The daemon went on; in its windows of that time the others were not counted yet."""
    later = life(1, 250)
    later.items = 3
    case = Case(came(1, b"a"), came(2, b"a", b"b"), lives=(later,))
    case.settle(10_000)

    assert case.items == 2
