"""What a process and all that it started take of the machine, as Linux tells."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM, _USER_OF_ENDED, _SYSTEM_OF_ENDED = range(11, 15)
"""Where `stat` tells the times: of the process, and of its children that have ended."""
_STATUS = {"now": "VmRSS:", "peak": "VmHWM:"}


def cpu_s(pid: int) -> float:
    """Processor time so far, user and system, of all threads and all descendants."""
    fields = (_USER, _SYSTEM, _USER_OF_ENDED, _SYSTEM_OF_ENDED)
    return sum(_time_s(Path(f"/proc/{one}/stat"), fields) for one in family(pid))


def thread_cpu_s(pid: int) -> float:
    """Likewise of the first thread alone."""
    return _time_s(Path(f"/proc/{pid}/task/{pid}/stat"), (_USER, _SYSTEM))


def resident_bytes(pid: int) -> int:
    """Memory that the process takes, without descendants."""
    return _memory_bytes(pid, "now")


def peak_bytes(pid: int) -> int:
    """The most memory that the process and each of its living descendants ever took, added up.

    Raises:
        ValueError: The process has ended.
    """
    return sum(_memory_bytes(one, "peak") for one in family(pid))


def family(pid: int) -> Iterator[int]:
    """The process and all that descend from it and live."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError):  # a thread that has ended since
            for child in children.read_text("ascii").split():
                yield from family(int(child))


def _memory_bytes(pid: int, when: str) -> int:
    """`now` or `peak`, of one process."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    (line,) = (one for one in lines if one.startswith(_STATUS[when]))
    return int(line.split()[1]) * 1_024


def _time_s(stat: Path, fields: tuple[int, ...]) -> float:
    after_name = stat.read_text("ascii").rpartition(")")[2].split()
    return sum(int(after_name[field]) for field in fields) / _TICKS
