"""A guarded process and its folder are gone when their owner is, whichever way it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consumer.embedded.guarded import GuardedProcess
from consumer.errors import EmbeddedKafkaError
from tests.unit.embedded.owner import SLEEPER
from tests.waiting import process_is_gone, until

StartOwner = Callable[[str], tuple["subprocess.Popen[str]", int]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the guarded process."""
    path = tmp_path / "folder"
    path.mkdir()
    return path


@pytest.fixture
def guarded(folder: Path) -> Iterator[GuardedProcess]:
    """A guarded process that has not been started yet."""
    process = GuardedProcess(SLEEPER, folder, folder / "log")
    yield process
    process.close()


@pytest.fixture
def start_owner(folder: Path) -> Iterator[StartOwner]:
    """Start an owner in a process group of its own; returns it and its guarded process' id."""
    owners = []

    def start(manner: str) -> tuple[subprocess.Popen[str], int]:
        owner = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.embedded.owner", manner, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        owners.append(owner)
        assert owner.stdout is not None
        return owner, int(owner.stdout.readline())

    yield start
    for owner in owners:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(owner.pid, signal.SIGKILL)
        with owner:
            pass  # collects it and closes the pipe


@pytest.mark.parametrize("manner", ["waits", "forks"])
def test_a_killed_owner_takes_all_with_it(
    manner: str, folder: Path, start_owner: StartOwner
) -> None:
    """SIGKILL to the owner ends the process, even while a forked child still has its pipe."""
    owner, pid = start_owner(manner)
    assert not process_is_gone(pid)
    owner.kill()
    until(lambda: process_is_gone(pid), "the guarded process is gone")
    until(lambda: not folder.exists(), "its folder is gone")


@pytest.mark.parametrize(("manner", "status"), [("raises", 1), ("returns", 0)])
def test_an_owner_that_never_closes_leaves_nothing(
    manner: str, status: int, folder: Path, start_owner: StartOwner
) -> None:
    """An owner that ends without `close`, in order or by an exception, leaves nothing behind."""
    owner, pid = start_owner(manner)
    assert owner.wait() == status
    until(lambda: process_is_gone(pid), "the guarded process is gone")
    until(lambda: not folder.exists(), "its folder is gone")


def test_ctrl_c_is_the_owners_alone(folder: Path, start_owner: StartOwner) -> None:
    """An interrupt of the whole foreground group leaves the process to its owner to close."""
    owner, pid = start_owner("waits")
    os.killpg(owner.pid, signal.SIGINT)
    said, _ = owner.communicate()
    assert (said, owner.returncode) == ("alive\n", 0)
    assert process_is_gone(pid)
    assert not folder.exists()


def test_it_starts_and_stops_again_and_again(guarded: GuardedProcess, folder: Path) -> None:
    """Stopping ends the process and keeps the folder; starting twice starts one process."""
    guarded.stop()  # not started yet: nothing to do
    pids = []
    for _ in range(2):
        guarded.start()
        guarded.start()
        assert guarded.pid is not None
        pids.append(guarded.pid)
        guarded.stop()
        assert guarded.pid is None
        assert process_is_gone(pids[-1])
    assert len(set(pids)) == 2
    assert folder.exists()
    guarded.close()
    guarded.close()
    assert not folder.exists()


def test_a_process_that_ends_by_itself_is_reported(guarded: GuardedProcess) -> None:
    """The end of the process is told with its status, and it can be started anew."""
    guarded.start()
    assert guarded.pid is not None
    assert guarded.ended(0) is None
    os.kill(guarded.pid, signal.SIGKILL)
    assert guarded.ended(10) == "exited -9"
    guarded.start()
    assert guarded.ended(0) is None


def test_a_stop_after_the_process_ended_is_in_order(guarded: GuardedProcess) -> None:
    """Stopping a process that ended unnoticed succeeds, and it can be started anew."""
    guarded.start()
    assert guarded.pid is not None
    os.kill(guarded.pid, signal.SIGKILL)
    until(lambda: process_is_gone(guarded.pid or 0), "it is gone")
    guarded.stop()
    guarded.start()
    assert guarded.ended(0) is None


def test_a_killed_guardian_is_noticed(guarded: GuardedProcess, folder: Path) -> None:
    """Without its guardian nothing can be ordered, and `close` ends the process all the same."""
    guarded.start()
    pid = guarded.pid
    assert pid is not None
    guarded._guardian.kill()
    assert guarded.ended(10) == "guardian is gone"
    with pytest.raises(EmbeddedKafkaError, match="guardian"):
        guarded.start()
    guarded.close()
    until(lambda: process_is_gone(pid), "the guarded process is gone")
    assert folder.exists()


def test_a_terminated_guardian_ends_its_process_first(guarded: GuardedProcess) -> None:
    """SIGTERM to the guardian alone (someone tidies up by hand) orphans nothing."""
    guarded.start()
    pid = guarded.pid
    assert pid is not None
    guarded._guardian.terminate()
    until(lambda: process_is_gone(pid), "the guarded process is gone")


def test_a_command_that_cannot_run_is_told_in_the_log(folder: Path) -> None:
    """Where there is no such program, the order fails and the log says why."""
    log = folder.parent / "log"
    process = GuardedProcess(["/no/such/program"], folder, log)
    with pytest.raises(EmbeddedKafkaError, match="guardian"):
        process.start()
    process.close()
    assert "/no/such/program" in log.read_text()
