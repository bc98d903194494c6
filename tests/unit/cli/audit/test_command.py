from __future__ import annotations

import pytest

from consumer.cli.audit.command import conclude
from consumer.errors import SessionReportsError
from tests.unit.audit.history import History, Writer
from tests.unit.cli.conftest import NOWHERE, Command


def test_a_wrong_range_is_bad_configuration(command: Command) -> None:
    """Nothing is asked of Kafka for it."""
    ended = command("audit", "--from", "1h", "--to", "2h", *NOWHERE)

    assert (ended.code, ended.out) == (78, "")
    assert ended.complaints == ["session-reports: --from: 1h does not lie before 2h"]


def test_a_kafka_that_does_not_answer_is_unreachable(command: Command) -> None:
    """As for every verb."""
    ended = command("audit", *NOWHERE)

    assert ended.code == 69
    (line,) = ended.complaints
    assert "did not answer within kafka.connect_timeout" in line


def test_the_verdict_is_the_exit_code() -> None:
    """Differences are one, and so is nothing at all: nothing would be proven."""
    writer = Writer(device_limit=1)
    writer.devices("t", "1", at=1_000)
    history = writer.history()
    conclude(history.verdict())

    with pytest.raises(SessionReportsError, match=r"^\d differences$"):
        conclude(history.changed(reports=[]).verdict())
    with pytest.raises(SessionReportsError, match="nothing was consumed in this range"):
        conclude(History(history.policy, []).verdict())
