"""Contenders as the race sees them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from confluent_kafka import Consumer

from benchmarks.contenders.every import CONTENDERS
from benchmarks.contenders.kafka_streams import SOURCE, STREAMS
from benchmarks.contenders.loops import Progress
from benchmarks.contenders.ours import OURS
from benchmarks.figures import REFERENCE
from benchmarks.job import Job
from consumer.embedded.jars import KAFKA_VERSION

JOB = Job(servers="host:1", name="n", settings={"commit.interval": "50ms"})


def test_every_contender_has_a_name_of_its_own() -> None:
    """By which it is chosen; the one that all are measured by is among them."""
    names = [one.name for one in CONTENDERS]
    assert len(set(names)) == len(names) == 9
    assert REFERENCE in names


def test_ours_runs_with_defaults() -> None:
    """Told where its topics are, and what the workload asks for; nothing else."""
    given = dict(one.removeprefix("--set=").split("=", 1) for one in OURS.command(JOB)[4:])
    assert given.pop("commit.interval") == "50ms"
    assert {name.partition(".")[0] for name in given} == {"kafka", "app", "topics", "http"}


def test_a_program_gets_the_job_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, by its command line."""
    (argument,) = JOB.arguments()
    monkeypatch.setattr("sys.argv", ["program", argument])
    assert Job.of_command_line() == JOB
    assert json.loads(argument)["name"] == "n"


def test_without_maven_kafka_streams_is_skipped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a line that says why."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert {one.missing() for one in STREAMS} == {
        "there is no mvn and no javac and no java to build it with"
    }


def test_kafka_streams_is_of_the_version_of_our_kafka() -> None:
    """Both are raised together."""
    pom = "{http://maven.apache.org/POM/4.0.0}"
    dependencies = ET.parse(SOURCE / "pom.xml").iter(f"{pom}dependency")  # noqa: S314 - our own
    versions = {
        one.findtext(f"{pom}artifactId"): one.findtext(f"{pom}version") for one in dependencies
    }
    assert versions["kafka-streams"] == KAFKA_VERSION


def test_a_loop_commits_in_a_pause_and_at_the_end() -> None:
    """And never asks for more records than there will be, for that would be waited for."""
    consumer = Consumer({"bootstrap.servers": "localhost:1", "group.id": "g", "log_level": 2})
    progress = Progress(consumer, records=250)
    assert (progress.most(100), progress.pauses(0)) == (100, False)
    assert (progress.pauses(100), progress.pauses(0)) == (False, True)
    assert (progress.pauses(100), progress.most(100)) == (False, 50)
    assert (progress.pauses(50), progress.most(100)) == (True, 100)
    consumer.close()
