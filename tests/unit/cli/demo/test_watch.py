"""Rates and the first scene; whole runs are in `tests/integration/cli/demo`."""

from __future__ import annotations

from consumer.cli.demo.outputs import Opening, Seen
from consumer.cli.demo.scaled import overrides_for
from consumer.cli.demo.watch import RATE_S, Rate, Watch
from consumer.daemon import client_options
from consumer.settings.load import load


def test_a_rate_is_of_the_last_seconds() -> None:
    """Not of the whole run, so that it shows when something stands still."""
    rate = Rate()
    assert rate.per_s() == 0
    for second in range(10):
        rate.add(second, 100 * second)
    assert rate.per_s() == 100
    for second in range(10, 10 + int(RATE_S) + 1):
        rate.add(second, 900)
    assert rate.per_s() == 0


def test_one_sample_is_no_rate() -> None:
    """Nor are two of the same moment."""
    rate = Rate()
    rate.add(1, 100)
    rate.add(1, 200)

    assert rate.per_s() == 0


def test_before_anybody_has_answered_there_is_a_scene() -> None:
    """All partitions are there, nobody has them, and nothing is open."""
    settings = load(None, overrides_for("127.0.0.1:1"))
    watch = Watch(settings, client_options(settings))
    scene = watch.scene([], [], sent=0, total=10)

    assert [(one.number, one.owner, one.lag) for one in scene.partitions] == [
        (number, "", 0) for number in range(settings.topics.partitions)
    ]
    assert not any(one.is_orphaned for one in scene.partitions)
    assert (scene.kafka, scene.total, scene.open_txids) == ("127.0.0.1:1", 10, 0)


def test_open_txids_are_those_that_commits_have_read() -> None:
    """In the partitions asked for."""
    settings = load(None, overrides_for("127.0.0.1:1"))
    watch = Watch(settings, client_options(settings))
    watch.ledger.add(Seen(openings=[Opening("a", 0, 0), Opening("b", 1, 0), Opening("c", 1, 1)]))
    watch.group.standing.committed |= {0: 1, 1: 1}

    assert watch.open_count([0, 1]) == 2
    assert watch.open_txids([1]) == ["b"]
