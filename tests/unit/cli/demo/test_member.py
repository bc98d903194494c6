"""A member that does not come up; one that does is in `test_demo.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.cli import demo_member
from consumer.cli.demo_member import MemberProcess
from consumer.errors import SessionReportsError
from tests.waiting import process_is_gone, until

NOWHERE = ("kafka.bootstrap.servers=127.0.0.1:1", "http.port=0")


def test_a_member_that_ends_is_an_error(tmp_path: Path) -> None:
    """The error has its exit code and what it said last."""
    settings = (*NOWHERE, "completion.inactivity=soon")
    with (
        MemberProcess(settings, tmp_path / "log") as member,
        pytest.raises(SessionReportsError, match=r"(?s)exited 78.*completion\.inactivity"),
    ):
        member.wait_until_ready()


def test_a_member_that_does_not_get_ready_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not waited for for ever, and does not outlive the error."""
    settings = (*NOWHERE, "kafka.connect_timeout=60s")
    with MemberProcess(settings, tmp_path / "log") as member:
        pid = member.pid
        assert pid is not None
        until(lambda: member._url() is not None, "it listens")
        monkeypatch.setattr(demo_member, "READY_S", 0.2)
        with pytest.raises(SessionReportsError, match=r"(?s)not ready after 0.2 s.*starting"):
            member.wait_until_ready()

    assert process_is_gone(pid)
