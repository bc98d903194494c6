"""A member's process, without a Kafka; one that works is in `tests/integration/cli/demo`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from consumer.cli.demo.member import Member
from consumer.errors import SessionReportsError
from tests.waiting import process_is_gone, until

NOWHERE = (
    "kafka.bootstrap.servers=127.0.0.1:1",
    "kafka.connect_timeout=60s",
    "http.port=0",
    "log.format=json",
)


def checked(member: Member) -> bool:
    """False, unless the check raises."""
    member.check()
    return False


def has_begun(member: Member) -> bool:
    """Whether it has written the first line of its log."""
    return member._log_path.read_text().startswith("{")


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("completion.inactivity=soon", r"--set: completion\.inactivity"),
        ("kafka.connect_timeout=1s", r"Kafka at bootstrap\.servers=127\.0\.0\.1:1 "),
    ],
)
def test_a_member_that_ends_is_an_error(setting: str, reason: str) -> None:
    """The error is the line that the member ended with, be it before its log had begun."""
    with (
        Member("member-1", (*NOWHERE, setting)) as member,
        pytest.raises(SessionReportsError, match=f"^member-1 has ended by itself: {reason}"),
    ):
        until(lambda: checked(member), "it ends")


def test_a_member_that_gives_up_is_an_error() -> None:
    """The error is the reason that stands in its log, which has begun by then."""
    with (
        Member("member-1", (*NOWHERE, "kafka.connect_timeout=1s")) as member,
        pytest.raises(SessionReportsError, match=r"^member-1 has ended .*: Kafka at .*=127\.0\.0"),
    ):
        until(lambda: checked(member), "it ends")


def test_a_member_that_somebody_kills_is_an_error() -> None:
    """It had no last words."""
    with Member("member-1", NOWHERE) as member:
        until(lambda: has_begun(member), "it runs")
        os.kill(member.pid or 0, signal.SIGKILL)
        with pytest.raises(SessionReportsError, match="member-1 has ended by itself: exited -9"):
            until(lambda: checked(member), "it ends")


def test_it_is_killed_and_starts_again() -> None:
    """As another process; what we did ourselves is no error, and none outlives the demo."""
    with Member("member-1", NOWHERE) as member:
        first = member.pid or 0
        assert member.state == f"pid {first}"
        member.kill()
        assert (member.state, member.pid) == ("killed", None)
        assert process_is_gone(first)
        member.check()
        member.start()
        second = member.pid or 0
        assert second != first
        until(lambda: has_begun(member), "it runs")
        member.check()

    assert process_is_gone(second)


def test_it_stops_in_good_order() -> None:
    """On demand."""
    with Member("member-1", NOWHERE) as member:
        until(lambda: has_begun(member), "it runs")
        member.stop()
        member.check()

        assert member.state == "stopped"


def test_settings_of_the_environment_do_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo knows what to expect of the settings that it gives, and of no others."""
    monkeypatch.setenv("SESSION_REPORTS__COMPLETION__INACTIVITY", "soon")
    with Member("member-1", NOWHERE) as member:
        until(lambda: has_begun(member), "it runs")
        member.check()


def test_nothing_is_left_behind() -> None:
    """Its folder goes with it."""
    with Member("member-1", NOWHERE) as member:
        folder: Path = member._log_path.parent
        assert folder.exists()

    assert not folder.exists()
