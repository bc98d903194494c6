"""Where a member begins: with no offsets, with those of an operator, and where it must not."""

from __future__ import annotations

import time

import pytest

from tests.harness import Member, Stage
from tests.harness.records import OLD_MS, callback, tick, usage
from tests.oracle.topics import read_topic
from tests.waiting import until

pytestmark = pytest.mark.kafka


@pytest.fixture
def still(stage: Stage) -> Stage:
    """Topics with one partition; time is the records' alone."""
    stage.create(inactivity_ms=1_000, remember_ms=10_000)
    stage.settings = {"completion.idle": "1h"}
    return stage


def first_life(stage: Stage) -> None:
    """A member reports t1, keeps t2 open, and stops: offsets, outputs and state are there."""
    stage.send(
        [
            callback("t1", usage("1"), at_ms=OLD_MS),
            callback("t1", usage("2"), at_ms=OLD_MS + 100),
            callback("t2", usage("3"), at_ms=OLD_MS + 1_050),
            callback("t2", usage("4"), at_ms=OLD_MS + 1_100),
        ]
    )
    member = stage.member()
    stage.await_exact()
    assert stage.txids() == ["t1"]
    assert member.stop() == 0


def only_error(member: Member) -> str:
    """The one line that says why a member gave up; nothing else may be there."""
    (line,) = member.errors()
    return line


def untouched(stage: Stage) -> tuple[object, ...]:
    """All that a refusal must leave as it is."""
    topics = (stage.reports, stage.metrics, stage.dead_letters, stage.state)
    return (
        stage.cluster.committed(stage.app, stage.callbacks),
        [read_topic(stage.cluster.bootstrap_servers, topic) for topic in topics],
    )


def test_a_new_group_begins_with_the_first_record(still: Stage) -> None:
    """`app.start_at` unset and no state yet: earliest."""
    still.send([callback("t", usage("1"), at_ms=OLD_MS), tick(0, OLD_MS + 60_000)])
    still.member()
    still.await_exact()
    assert still.txids() == ["t"]


def test_latest_leaves_out_what_came_before_the_group(still: Stage) -> None:
    """`app.start_at=latest`, a group with no offsets: only what comes from now on counts."""
    still.send([callback("before", usage("1"), at_ms=OLD_MS), tick(0, OLD_MS + 60_000)])
    member = still.member({"app.start_at": "latest"})
    member.await_ready(partitions=1)
    still.await_consumed()
    still.judge_from({0: 2})
    still.send([callback("after", usage("1"), at_ms=OLD_MS), tick(0, OLD_MS + 60_000)])
    still.await_exact()
    assert still.txids() == ["after"]


def test_the_start_of_a_silent_group_is_kept(still: Stage) -> None:
    """`latest` is resolved once: what comes while the member is away is not left out."""
    still.send([callback("before", usage("1"), at_ms=OLD_MS)])
    member = still.member({"app.start_at": "latest"})
    still.await_consumed()
    assert member.stop() == 0
    still.send([callback("away", usage("1"), at_ms=OLD_MS), tick(0, OLD_MS + 60_000)])
    still.judge_from({0: 1})
    still.member({"app.start_at": "latest"})
    still.await_exact()
    assert still.txids() == ["away"]


def test_latest_does_not_hold_for_a_partition_of_a_group_with_offsets(stage: Stage) -> None:
    """A partition that the group has no offset for, as a new one, is read from its beginning."""
    stage.create(partitions=2, inactivity_ms=1_000)
    stage.settings = {"completion.idle": "1h", "app.start_at": "latest"}
    stage.send(callback(f"t{part}", usage("1"), at_ms=OLD_MS, partition=part) for part in (0, 1))
    stage.cluster.reset_offsets(stage.app, stage.callbacks, {0: 1})
    stage.judge_from({0: 1, 1: 0})
    stage.member()
    stage.send(tick(part, OLD_MS + 60_000) for part in (0, 1))
    stage.await_exact()
    assert stage.txids() == ["t1"]


@pytest.mark.parametrize("offset", [1, 3])
def test_an_offset_set_by_an_operator_begins_a_new_history(still: Stage, offset: int) -> None:
    """With empty state, exactly as if the topic began there; the old state does not mix in."""
    first_life(still)
    still.cluster.reset_offsets(still.app, still.callbacks, {0: offset})
    still.judge_from({0: offset})
    still.send([tick(0, OLD_MS + 60_000)])
    member = still.member()
    still.await_exact()
    assert member.seen("restored", offset=offset, txids=0)
    assert "t2" in still.txids()
    assert member.stop() == 0
    still.send([callback("t3", usage("1"), at_ms=OLD_MS + 61_000), tick(0, OLD_MS + 90_000)])
    still.member()
    still.await_exact()


def test_offsets_that_expired_are_not_taken_for_a_new_group(still: Stage) -> None:
    """State without offsets: starting over would report everything twice, so it gives up."""
    first_life(still)
    still.cluster.delete_group(still.app)
    before = untouched(still)
    member = still.member()
    assert member.wait() == 1
    line = only_error(member)
    for part in (f"{still.callbacks}[0]", still.state, "app.start_at=earliest", "--reset-offsets"):
        assert part in line
    assert untouched(still) == before


def test_earliest_starts_over_where_offsets_expired(still: Stage) -> None:
    """`app.start_at=earliest` says that starting over is meant: all is reported again."""
    first_life(still)
    still.cluster.delete_group(still.app)
    still.judge_from({0: 0})
    still.send([tick(0, OLD_MS + 60_000)])
    still.member({"app.start_at": "earliest"})
    still.await_exact()
    assert still.txids() == ["t1", "t2"]


def test_an_input_offset_that_is_gone_stops_the_daemon(still: Stage) -> None:
    """Records deleted before they were read: it says so and skips nothing."""
    first_life(still)
    still.send([callback("gone", usage("1"), at_ms=OLD_MS + 2_000), tick(0, OLD_MS + 60_000)])
    still.cluster.delete_records(still.callbacks, {0: 5})
    before = untouched(still)
    member = still.member()
    assert member.wait() == 1
    line = only_error(member)
    assert f"offset 4 of {still.callbacks}[0]" in line
    assert "--reset-offsets" in line
    assert untouched(still) == before


def test_an_input_offset_beyond_the_end_stops_the_daemon(still: Stage) -> None:
    """As after the topic was made anew: the old offset means other records now."""
    first_life(still)
    still.cluster.reset_offsets(still.app, still.callbacks, {0: 7})
    before = untouched(still)
    member = still.member()
    assert member.wait() == 1
    assert f"offset 7 of {still.callbacks}[0]" in only_error(member)
    assert untouched(still) == before


def test_an_input_offset_that_goes_while_running_stops_the_daemon(still: Stage) -> None:
    """The client library says it once and stalls; the daemon must not stall with it."""
    member = still.member()
    member.await_ready(partitions=1)
    still.send([callback("t", usage("1"), at_ms=OLD_MS)])
    still.await_consumed()
    member.pause()
    paused_s = time.monotonic()
    until(lambda: time.monotonic() > paused_s + 0.5, "the end of the fetch that is under way")
    still.send([callback("gone", usage("1"), at_ms=OLD_MS + 2_000), tick(0, OLD_MS + 60_000)])
    still.cluster.delete_records(still.callbacks, {0: 2})
    before = untouched(still)
    member.resume()
    assert member.wait() == 1
    line = only_error(member)
    assert still.callbacks in line
    assert untouched(still) == before
