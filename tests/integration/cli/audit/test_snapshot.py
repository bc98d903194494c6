"""Audits of what is not all there, or not at rest."""

from __future__ import annotations

import threading

import pytest

from consumer.cli.audit.range import Range
from consumer.errors import ConfigError
from consumer.simulator.options import Options
from consumer.wire.placement import partition_for
from tests.harness import Stage
from tests.harness.records import OLD_MS, callback, simulated, tick, usage
from tests.integration.cli.audit.conftest import END_MS
from tests.integration.cli.audit.test_reading import verdict
from tests.waiting import until

pytestmark = pytest.mark.kafka


def settled(stage: Stage, requests: int = 100) -> None:
    """Some traffic of long ago, all of it closed and the daemon gone."""
    stage.create(partitions=2, inactivity_ms=1_000, window_ms=1_000, remember_ms=5_000)
    stage.settings = {"completion.idle": "1h", "commit.interval": "5ms", "commit.max_reports": "20"}
    member = stage.member()
    stage.send(simulated(Options(requests=requests, rate=100, hostile=0.05, seed=3), OLD_MS))
    stage.send(tick(partition, END_MS) for partition in range(2))
    stage.await_exact()
    assert member.stop() == 0


def test_a_range_is_proven_by_itself(lived: Stage) -> None:
    """Cut at either end or both, it passes, and tells what it could not look at."""
    for range_ in (
        Range(OLD_MS + 6_000, None),
        Range(None, OLD_MS + 12_000),
        Range(OLD_MS + 6_000, OLD_MS + 12_000),
    ):
        found = verdict(lived, range_)
        assert found.differences == []
        assert 0 < found.records < sum(lived.committed().values())
        assert all(result.windows > 0 for result in found.partitions.values())
        assert any("the range cuts them" in line for line in found.unchecked)


def test_an_empty_range_proves_nothing(lived: Stage) -> None:
    """Exit code 1, and it says why."""
    ended = lived.command("audit", "--from", "1h")

    assert ended.wait() == 1
    assert ended.stderr() == [
        "session-reports: nothing was consumed in this range: nothing is proven"
    ]


def test_a_daemon_at_work_can_be_audited(stage: Stage) -> None:
    """Again and again, while txids open and close, windows too, and the clock is the present's."""
    stage.create(partitions=2, inactivity_ms=1_000, window_ms=1_000)
    stage.settings = {"completion.idle": "200ms"}
    stage.member().await_ready(partitions=2)
    options = Options(requests=3_000, interleaving=100, silent=0.3, retries=0.1, hostile=0.01)
    records = list(simulated(options))
    sending = threading.Thread(
        target=lambda: [stage.send(records[at : at + 100]) for at in range(0, len(records), 100)]
    )
    sending.start()
    until(lambda: sum(stage.committed().values()) > 0, "the first commit")
    audits, records_seen = 0, 0
    while sending.is_alive() or audits < 2:
        found = verdict(stage)
        assert found.differences == []
        audits, records_seen = audits + 1, found.records
    sending.join()
    stage.await_consumed()
    assert verdict(stage).records > records_seen or records_seen == len(records)


def test_outputs_that_retention_has_taken_are_not_missed(stage: Stage) -> None:
    """Of any topic, the input included: the rest is proven, and what is not is said."""
    settled(stage)
    for topic in (stage.metrics, stage.reports, stage.dead_letters, stage.callbacks):
        starts, ends = stage.cluster.starts(topic), stage.cluster.ends(topic)
        half = {number: (starts[number] + ends[number]) // 2 for number in ends}
        stage.cluster.delete_records(topic, half)
        until(lambda topic=topic, half=half: stage.cluster.starts(topic) == half, "deletion")  # type: ignore[misc]
        found = verdict(stage)
        assert found.differences == []
        assert found.unchecked != []
        if topic != stage.dead_letters:
            assert found.records > 0


def test_a_daemon_may_have_begun_late(stage: Stage) -> None:
    """What lay there before is not missed where the setting says so; else there is a hint."""
    stage.create(partitions=1)
    stage.settings = {"completion.idle": "1h", "app.start_at": "latest"}
    stage.send(callback(f"old{number}", usage("1"), at_ms=OLD_MS) for number in range(20))
    member = stage.member()
    member.await_ready(partitions=1)
    stage.send(callback(f"t{number}", usage("1"), at_ms=OLD_MS + 1_000) for number in range(10))
    stage.send([tick(0, END_MS)])
    stage.await_consumed()
    assert member.stop() == 0
    found = verdict(stage)

    assert found.differences == []
    assert found.records == 11
    why = "the daemon began after them, as app.start_at=latest has it"
    assert found.unchecked == [f"20 records: {why}"]
    del stage.settings["app.start_at"]
    (gap,) = verdict(stage).differences
    assert "20 records from here on are in no window (if the daemon first began" in gap.problem
    assert verdict(stage, Range(OLD_MS + 1_000, None)).differences == []


def test_the_reports_may_get_more_partitions(stage: Stage) -> None:
    """Revisions lie elsewhere than the reports that they replace; that is said, and no more."""
    stage.create(partitions=1, inactivity_ms=1_000, window_ms=1_000)
    stage.settings = {"completion.idle": "1h"}
    moved = sum(partition_for(f"t{number}".encode(), 3) > 0 for number in range(20))
    assert 0 < moved < 20
    for round_ in range(2):
        member = stage.member()
        at_ms = OLD_MS + 10_000 * round_
        stage.send(callback(f"t{number}", usage(f"{round_}"), at_ms=at_ms) for number in range(20))
        stage.send([tick(0, at_ms + 5_000)])
        stage.await_consumed()
        assert member.stop() == 0
        if not round_:
            stage.cluster.add_partitions(stage.reports, 3)
    found = verdict(stage)

    assert found.differences == []
    why = "their records lie in several partitions, as if the topic had been given some since"
    assert found.unchecked == [f"{moved} reports: {why}"]
    assert {row.name: row.counted for row in found.rows}["revised"] == 20


def test_a_compacted_topic_proves_less(stage: Stage) -> None:
    """Earlier revisions need not be there; that is said."""
    settled(stage)
    stage.cluster.configure(stage.reports, "cleanup.policy", "compact")
    found = verdict(stage)

    assert found.differences == []
    assert any("the topic is compacted" in line for line in found.unchecked)


def test_without_the_state_log_the_open_window_is_unknown(stage: Stage) -> None:
    """It is internal to the daemon, and an auditor may not be permitted to read it."""
    settled(stage)
    found = verdict(stage, state=f"{stage.app}.elsewhere")

    assert found.differences == []
    why = "the state log does not tell what their last window holds"
    assert found.unchecked[0] == f"2 partitions: {why}"


def test_an_offset_set_by_hand_is_told(stage: Stage) -> None:
    """Records that were consumed twice are reported twice: that is no conservation."""
    settled(stage, requests=20)
    stage.cluster.reset_offsets(stage.app, stage.callbacks, {0: 0, 1: 0})
    member = stage.member()
    stage.await_consumed()
    assert member.stop() == 0
    found = verdict(stage)

    assert any("the report is there twice" in one.problem for one in found.differences)


def test_what_is_not_there_is_named(stage: Stage) -> None:
    """Topics with the command that makes them; a group that nobody knows."""
    stage.create(partitions=1)
    with pytest.raises(ConfigError, match=f"app.id: the group {stage.app} has committed nothing"):
        verdict(stage)
    with pytest.raises(ConfigError) as caught:
        verdict(stage, reports="none", metrics="nor.this")

    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["topics.metrics", "topics.reports"]
    assert all("session-reports topics create" in line for line in lines)


def test_txids_that_are_open_are_counted(stage: Stage) -> None:
    """With the items that no report holds yet; the open window is proven as well."""
    stage.create(partitions=1, inactivity_ms=60_000)
    stage.settings = {"completion.idle": "1h"}
    member = stage.member()
    stage.send(callback(f"t{number}", usage("1"), at_ms=OLD_MS) for number in range(50))
    stage.await_consumed()
    assert member.stop() == 0
    found = verdict(stage)

    assert (found.differences, found.unchecked) == ([], [])
    (result,) = found.partitions.values()
    assert (result.open.txids, result.open.items, result.windows) == (50, 50, 0)
    assert {row.name: row.counted for row in found.rows}["items.usage"] == 50
