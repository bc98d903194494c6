"""What a process takes of the machine, as Linux tells."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_STATUS = {"now": "VmRSS:", "peak": "VmHWM:"}


def cpu_s(pid: int) -> float:
    """Processor time of all its threads so far, user and system."""
    return _time_s(Path(f"/proc/{pid}/stat"))


def thread_cpu_s(pid: int) -> float:
    """Likewise of its first thread alone."""
    return _time_s(Path(f"/proc/{pid}/task/{pid}/stat"))


def resident_bytes(pid: int) -> int:
    """Memory that it takes."""
    return _memory_bytes(pid, "now")


def peak_bytes(pid: int) -> int:
    """The most memory that it ever took."""
    return _memory_bytes(pid, "peak")


def _time_s(stat: Path) -> float:
    after_name = stat.read_text("ascii").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


def _memory_bytes(pid: int, when: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    (line,) = (one for one in lines if one.startswith(_STATUS[when]))
    return int(line.split()[1]) * 1_024
