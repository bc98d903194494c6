from __future__ import annotations

import pytest
from rich.console import Console

from consumer.cli.demo import MOST_PROBLEMS, overrides_for, pronounce, report_line
from consumer.cli.demo_verdict import Row, Verdict
from consumer.errors import SessionReportsError
from consumer.settings.load import load
from consumer.wire import report as report_wire
from tests.unit.cli.conftest import Command

AGREED = Row("reports", 2, 2, 2)
OFF = Row("bytes", 1_000, 1_000, 999)


def test_a_good_run_is_said_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    """The table, and a sentence."""
    pronounce(Verdict([AGREED], []), Console())
    out = capsys.readouterr().out

    assert "Sent, and what came of it" in out
    assert "Every request has exactly one report" in out


def test_any_difference_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The table and the differences are printed, and the exit code is 1."""
    with pytest.raises(SessionReportsError, match="1 differences") as raised:
        pronounce(Verdict([AGREED, OFF], ["t-1: no report"]), Console())
    out = capsys.readouterr().out

    assert raised.value.exit_code == 1
    assert "t-1: no report" in out
    assert "999" in out
    assert "Every request" not in out


def test_a_flood_of_differences_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """The first ones tell enough; the error tells how many there are."""
    problems = [f"t-{number}: no report" for number in range(100)]
    with pytest.raises(SessionReportsError, match="100 differences"):
        pronounce(Verdict([], problems), Console())

    assert capsys.readouterr().out.count("no report") == MOST_PROBLEMS


def test_a_report_is_one_line() -> None:
    """When, which, how it ended, and the sums."""
    value = report_wire.encode(
        "01234567-89ab",
        [],
        [],
        report_wire.Summary(
            outcome=report_wire.Outcome.COMPLETE,
            completed_by=report_wire.CompletedBy.DEVICE_LIMIT,
            revision=0,
            part=report_wire.Part(),
            devices=report_wire.Devices(None, 9, 1, [], [], [], []),
            number_of_sessions=17,
            bytes_transferred=1_234_567,
            error_codes={},
            callbacks=11,
            duplicates=1,
            opened_at="2026-11-24T02:31:52.123Z",
            closed_at="2026-11-24T02:31:58.001Z",
            source=report_wire.Source("callbacks", 2, 17, 77),
        ),
    )

    assert report_line(report_wire.decode(value)) == (
        "02:31:58 01234567 complete     9 reported 1 failed  1,234,567 bytes device_limit"
    )


def test_each_demo_has_topics_of_its_own() -> None:
    """On a Kafka that is given, nothing of anybody else's is read or written."""
    settings = load(None, overrides_for("broker:9092"))
    names = (
        *(settings.topics.callbacks, settings.topics.reports, settings.topics.metrics),
        *(settings.topics.dead_letters, settings.topics.state),
    )

    assert len(set(names)) == 5
    assert all(name.startswith(f"{settings.app.id}.") for name in names)
    assert settings.app.id.startswith("demo.")


@pytest.mark.kafka
def test_the_demo_works(process: Command) -> None:
    """On a Kafka of its own: reports, a table in which all agrees, exit code 0, no errors."""
    ended = process("demo", "--requests", "12", "--rate", "300", timeout_s=120)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count(" reported ") >= 11
    assert "Every request has exactly one report, and the metrics add up." in ended.out


@pytest.mark.kafka
def test_the_demo_works_on_a_kafka_that_is_given(process: Command, bootstrap_servers: str) -> None:
    """It starts none then."""
    words = ("demo", "--requests", "5", "--rate", "0", "--bootstrap-servers", bootstrap_servers)
    ended = process(*words, timeout_s=120)

    assert (ended.code, ended.err) == (0, "")
    assert "Starting an Apache Kafka" not in ended.out
