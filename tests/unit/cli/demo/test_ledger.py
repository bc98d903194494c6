"""Txids are open from the commit that read them until their first report."""

from __future__ import annotations

from consumer.cli.demo.ledger import LATEST, Ledger
from consumer.cli.demo.outputs import Opening, Seen
from consumer.cli.demo.scene import Counts
from consumer.wire.report import CompletedBy, Outcome
from tests.unit.cli.demo import made


def test_what_is_read_and_has_no_report_is_open() -> None:
    """By partition; what stands unread is not open, whatever was read of it by the demo."""
    ledger = Ledger()
    openings = [Opening("a", 0, 3), Opening("b", 0, 5), Opening("a", 0, 6), Opening("c", 1, 0)]
    ledger.add(Seen(openings=openings))

    assert [ledger.open_count(0, committed) for committed in (0, 3, 4, 5, 6, 9)] == [
        *(0, 0, 1, 1, 2, 2)
    ]
    assert ledger.open_txids(0, 6) == ["a", "b"]
    assert ledger.open_txids(1, 1) == ["c"]


def test_a_report_closes_it() -> None:
    """Its first one; a revision, or the same once more, closes no other txid."""
    ledger = Ledger()
    ledger.add(Seen(openings=[Opening("a", 0, 0), Opening("b", 0, 1), Opening("c", 0, 2)]))
    for revision in (0, 1, 1):
        ledger.add(Seen(reports=[made.report("b", revision=revision)]))

    assert ledger.open_count(0, 3) == 2
    assert ledger.open_txids(0, 3) == ["a", "c"]


def test_counts_are_of_last_revisions() -> None:
    """So each txid counts once, and revisions are counted apart."""
    ledger = Ledger()
    partial = {"outcome": Outcome.PARTIAL, "by": CompletedBy.INACTIVITY}
    ledger.add(Seen(reports=[made.report("a", **partial), made.report("b", **partial)]))  # type: ignore[arg-type]
    ledger.add(Seen(reports=[made.report("a", revision=1)], dead_letters=["schema"]))

    assert ledger.counts() == Counts(complete=1, partial=1, revised=1, dead_letters=1)
    assert ledger.emitted == 3


def test_the_latest_come_first_and_are_few() -> None:
    """However long the run."""
    ledger = Ledger()
    ledger.add(Seen(reports=[made.report(str(number)) for number in range(1_000)]))

    assert [report.txid for report in ledger.latest][:2] == ["999", "998"]
    assert len(ledger.latest) == LATEST


def test_there_is_one_example_of_each_kind() -> None:
    """Kinds are outcome, rule, and whether it is a revision."""
    ledger = Ledger()
    ledger.add(Seen(reports=[made.report("a"), made.report("b"), made.report("b", revision=1)]))

    assert [report.txid for report in ledger.examples.values()] == ["a", "b"]


def test_parts_of_a_report_are_one_report() -> None:
    """The first one counts."""
    ledger = Ledger()
    ledger.add(Seen(reports=[made.report("a", part=(index, 3)) for index in (1, 2, 3)]))

    assert ledger.emitted == 1
    assert ledger.counts().complete == 1
