"""What processes take, of processes that take a known amount."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks import usage

CHUNK = 100_000_000
BUSY = "import time\nwhile time.process_time() < 0.3: pass\n"
HOLD = f"held = b'x' * {CHUNK}\n"
WAIT = "print('ready', flush=True)\ninput()\n"


@contextmanager
def running(program: str) -> Iterator[int]:
    """A program that has done its part and waits."""
    command = [sys.executable, "-c", program + WAIT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.communicate(b"\n")


def test_time_and_memory_of_a_process() -> None:
    """All of it, in seconds and bytes; one that does nothing takes hardly any."""
    with running(BUSY + HOLD) as busy, running("") as idle:
        assert 0.25 < usage.thread_cpu_s(busy) <= usage.cpu_s(busy) < 5
        assert usage.cpu_s(idle) < 0.25
        assert CHUNK < usage.resident_bytes(busy) < 2 * CHUNK
        assert usage.peak_bytes(idle) < CHUNK


def test_a_peak_stays() -> None:
    """When the memory has been given back."""
    with running(HOLD + "del held\n") as pid:
        assert usage.resident_bytes(pid) < CHUNK < usage.peak_bytes(pid)


@pytest.mark.parametrize("end", ["", "; input()"], ids=["ended", "living"])
def test_time_of_children_counts(end: str) -> None:
    """Of those that have ended, and of those that live."""
    program = (
        "import subprocess, sys\n"
        f"command = [sys.executable, '-c', {BUSY + 'print(flush=True)' + end!r}]\n"
        "child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
    )
    with running(program + ("" if end else "child.wait()\n")) as pid:
        assert len(list(usage.family(pid))) == (2 if end else 1)
        assert usage.thread_cpu_s(pid) < 0.25 < usage.cpu_s(pid)


def test_memory_of_children_counts() -> None:
    """Of those that live, on top of the process's own."""
    program = (
        "import subprocess, sys\n"
        f"command = [sys.executable, '-c', {HOLD + 'print(flush=True); input()'!r}]\n"
        "child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
    )
    with running(program) as pid:
        assert len(list(usage.family(pid))) == 2
        assert usage.peak_bytes(pid) > CHUNK > usage.resident_bytes(pid)


def test_who_has_ended_has_no_peak() -> None:
    """A process that nobody has waited for yet."""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ValueError, match="values to unpack"):
            usage.peak_bytes(process.pid)
