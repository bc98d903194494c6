"""The whole story on a real Kafka, and tampering with what it has left behind."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from rich.console import Console

from consumer.cli.demo import play as module
from consumer.cli.demo.closing import pronounce
from consumer.cli.demo.play import Play, named
from consumer.cli.demo.scaled import options_for, overrides_for
from consumer.cli.demo.scene import Scene
from consumer.cli.demo.verdict import Kill, Verdict
from consumer.errors import SessionReportsError
from consumer.settings.load import load
from consumer.simulator.plan import Plan
from consumer.wire import report as report_wire
from tests.harness.cluster import Cluster, Sending
from tests.oracle.topics import read_topic

pytestmark = pytest.mark.kafka


class Film:
    """Keeps all scenes."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []

    def update(self, scene: Scene) -> None:
        """Keep this one."""
        self.scenes.append(scene)


class Played(NamedTuple):
    """A demo that is over, and what it said of itself."""

    play: Play
    scenes: list[Scene]
    kill: Kill
    verdict: Verdict
    reports: str
    """The topic."""


@pytest.fixture(scope="module")
def played(bootstrap_servers: str) -> Played:
    """A short run with a short session time-out."""
    overrides = [*overrides_for(bootstrap_servers), "kafka.consumer.session.timeout.ms=4000"]
    plan = Plan(options_for(requests=240, rate=150, seed=1))
    film = Film()
    play = Play(plan, overrides, film)
    kill = play.perform()
    reports = load(None, overrides).topics.reports
    return Played(play, film.scenes, kill, play.verdict(kill), reports)


def test_all_that_was_sent_has_come_out(played: Played) -> None:
    """Once, with revisions, partial reports and dead letters in it."""
    rows = {row.name.strip(): row for row in played.verdict.rows}

    assert played.verdict.problems == []
    assert all(row.ok for row in rows.values())
    assert (rows["reports"].reports or 0) > 230
    assert (rows["partial"].reports or 0) > 10
    assert (rows["with all revisions"].reports or 0) > (rows["reports"].reports or 0)


def test_the_kill_hit_something(played: Played) -> None:
    """The member had partitions and open txids; the view says so, and showed it dead."""
    killed = f"kill -9 {played.kill.member}, with {named(played.kill.partitions)}"
    (event,) = (one for one in played.scenes[-1].events if one.text.startswith(killed))

    assert len(played.kill.partitions) == 2
    assert event.text.endswith(f" and {len(played.kill.open_txids)} open txids")
    assert len(played.kill.open_txids) > 0
    assert any(member.process == "killed" for scene in played.scenes for member in scene.members)


def test_the_lag_of_the_dead_grows_and_falls(played: Played) -> None:
    """Its partitions stand still until they are taken over."""
    dead = [scene for scene in played.scenes if any(one.is_orphaned for one in scene.partitions)]
    lags = [[scene.partitions[number].lag for scene in dead] for number in played.kill.partitions]

    assert all(max(found) > 20 for found in lags)
    assert all(one.lag == 0 for one in played.scenes[-1].partitions)


def test_the_dead_member_comes_back(played: Played) -> None:
    """Under its name, as another process, and gets partitions."""
    name = played.kill.member
    processes = {
        member.process for scene in played.scenes for member in scene.members if member.name == name
    }

    assert len([process for process in processes if process.startswith("pid ")]) == 2
    assert any(one.owner == name for one in played.scenes[-1].partitions)
    assert [one.text for one in played.scenes[-1].events][-1] == (
        "every report is out; the members stop"
    )


def test_the_scenes_tell_what_happens(played: Played) -> None:
    """Rates and open txids while there are any; in the end the counts of the verdict."""
    rows = {row.name.strip(): row.reports for row in played.verdict.rows}
    counts = played.scenes[-1].counts

    assert any(scene.sent_rate > 50 and scene.read_rate > 50 for scene in played.scenes)
    assert any(scene.report_rate > 10 and scene.open_txids > 10 for scene in played.scenes)
    assert (counts.complete, counts.partial, counts.unconfirmed) == (
        *(rows["complete"], rows["partial"], rows["unconfirmed"]),
    )
    assert played.scenes[-1].open_txids == 0
    assert {report.summary.completed_by for report in played.scenes[-1].examples} == (
        {"device_limit", "expected_devices", "inactivity"}
    )


def judged(played: Played) -> list[str]:
    """What a new reading finds, and that it ends the command with exit code 1."""
    verdict = played.play.verdict(played.kill)
    with pytest.raises(SessionReportsError, match="not what was sent") as raised:
        pronounce(verdict, Console(quiet=True))
    assert raised.value.exit_code == 1
    return verdict.problems


def test_a_report_doubled_behind_its_back(played: Played, bootstrap_servers: str) -> None:
    """A record of the topic is produced once more, byte by byte."""
    copied = read_topic(bootstrap_servers, played.reports)[-1]
    Cluster(bootstrap_servers).send(played.reports, [Sending(copied.value, copied.key)])
    txid = (copied.key or b"").decode()
    revision = report_wire.decode(copied.value or b"").summary.revision

    assert f"{txid}: revision {revision}, part 1 is there 2 times" in judged(played)


def test_a_report_removed_behind_its_back(played: Played, bootstrap_servers: str) -> None:
    """The first record of a partition is deleted (DeleteRecords)."""
    records = read_topic(bootstrap_servers, played.reports)
    last = {record.key: record for record in records}
    gone = next(record for record in records if last[record.key] is record)
    Cluster(bootstrap_servers).delete_records(played.reports, {gone.partition: gone.offset + 1})

    assert f"{(gone.key or b'').decode()}: no report" in judged(played)


def test_a_story_that_does_not_go_on_is_an_error(
    bootstrap_servers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what was to come next; members that are slow to start are one case."""
    monkeypatch.setattr(module, "STALLED_S", 0.01)
    plan = Plan(options_for(requests=10, rate=0, seed=1))
    play = Play(plan, overrides_for(bootstrap_servers), Film())

    with pytest.raises(SessionReportsError, match=r"nothing has moved for 0.01 s; next was: start"):
        play.perform()


def test_partitions_are_named() -> None:
    """As people say it."""
    assert named([3]) == "partition 3"
    assert named([0, 2]) == "partitions 0 and 2"
    assert named([0, 1, 3]) == "partitions 0, 1 and 3"
