"""The log of a member's life: sentences for a person, objects for a program, nothing to hide."""

from __future__ import annotations

import json
import re

import pytest

from consumer.simulator.options import Options
from tests.harness import Member, Sending, Stage
from tests.harness.records import OLD_MS, callback, simulated, tick, usage
from tests.waiting import until

pytestmark = pytest.mark.kafka

LINE = re.compile(r"\d\d:\d\d:\d\d (DEBUG|INFO |WARN |ERROR) [A-Z].*\.")
CLIENT_LINE = re.compile(r"\d\d:\d\d:\d\d \S+ +librdkafka: .*")
LIFE = [
    *("starting", "state_topic_made", "assigned", "restored", "first_commit"),
    *("stopping", "revoked", "stopped"),
]
PLAN = Options(requests=200, rate=200, silent=0.2, hostile=0.05, seed=41)


def live(stage: Stage, form: str) -> list[str]:
    """What a member writes from its start over some work to its end."""
    stage.create(device_limit=1)
    life = stage.command("run", settings={"log.format": form})
    stage.send([callback("t", usage("1"), at_ms=OLD_MS)])
    until(lambda: stage.txids() == ["t"], "a report")
    assert life.stop() == 0
    return life.stderr()


def test_a_person_reads_sentences(stage: Stage) -> None:
    """One for each thing that happens in a member's life, in order."""
    lines = live(stage, "console")

    assert all(LINE.fullmatch(line) or CLIENT_LINE.fullmatch(line) for line in lines)
    told = [line.split(maxsplit=2)[2] for line in lines if not CLIENT_LINE.fullmatch(line)]
    patterns = [
        rf"Starting session-reports \S+ as \S+ of {stage.app}, on Kafka at \S+; HTTP at http://\S+.",
        rf"Made the state topic {stage.state}.",
        r"(Joined the group, .*)?",
        r"Assigned partition 0.",
        r"Restored no txids of partition 0 in [\d.]+ s, going on at offset 0.",
        r"First commit since the assignment: 1 record, 1 report.",
        r"Stopping on SIGTERM: .* within 15 s.",
        r"Revoked partition 0.",
        r"Stopped in good order.",
    ]
    assert re.fullmatch(r"\n?".join(patterns), "\n".join(told)), told


def test_a_program_reads_objects(stage: Stage) -> None:
    """The same, one JSON object to a line."""
    lines = [json.loads(line) for line in live(stage, "json")]

    events = [line["event"] for line in lines if line["logger"] != "librdkafka"]
    assert [event for event in events if event != "joined"] == LIFE
    (first,) = (line for line in lines if line["event"] == "first_commit")
    assert (first["records"], first["reports"]) == (1, 1)


@pytest.fixture
def crowded(stage: Stage) -> tuple[Stage, list[Member]]:
    """A stage on which two members of one name have met, and written all that they can."""
    stage.create(partitions=2, inactivity_ms=2_000)
    stage.settings = {
        "app.instance": "one",
        "completion.idle": "1h",
        "log.level": "debug",
    }
    first = stage.member()
    stage.send(simulated(PLAN, OLD_MS))
    stage.await_consumed()
    second = stage.member()
    twins = [first, second]

    def ended() -> bool:
        stage.send([tick(partition, OLD_MS + 60_000) for partition in range(2)])
        return any(twin.exit_code is not None for twin in twins)

    until(ended, "the end of one of the two", 60)
    return stage, twins


def contents(records: list[Sending]) -> set[str]:
    """Txids and IMEIs of records, as far as they can be told from other text."""
    found = {(record.key or b"").decode() for record in records}
    for record in records:
        found.update(re.findall(r"\d{15}", (record.value or b"").decode(errors="replace")))
    return {text for text in found if len(text) >= 15}


def test_no_record_shows_in_any_line(crowded: tuple[Stage, list[Member]]) -> None:
    """Work, dead letters, restores and a teardown, with all that the clients say: no contents."""
    stage, twins = crowded
    hidden = contents([*simulated(PLAN)])
    written = "\n".join(line for twin in twins for line in twin.stderr())

    assert len(hidden) > 2 * PLAN.requests
    assert stage.read(stage.dead_letters)
    events = {line["event"] for twin in twins for line in twin.log()}
    assert {"torn_down", "restarting", "restored", "first_commit", "failed"} <= events
    assert [text for text in sorted(hidden) if text in written] == []


def test_debug_adds_what_the_clients_do(crowded: tuple[Stage, list[Member]]) -> None:
    """In the group, and in transactions."""
    _, twins = crowded
    lines = [line for twin in twins for line in twin.log() if line["logger"] == "librdkafka"]
    debugged = {line["event"].split()[0] for line in lines if line["level"] == "debug"}

    assert {"CGRPSTATE", "TXNSTATE"} <= debugged
    assert {line["level"] for line in lines} <= {"debug", "info", "warning"}
