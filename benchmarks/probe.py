"""The daemon with a sampler in it: where its loop's thread is, each time it has worked 5 ms more.

    python -m benchmarks.probe FILE run --set=...

The timer is one of the system's on the processor time of the thread that starts it. So a thread
that waits, for Kafka or for a core, is not sampled. A sample is taken where the interpreter looks
for signals next: after the call of C that ran, in the function that made it. What the thread has
worked since the sample before (more than 5 ms where that call was a long one) counts to the
innermost function of ours. A sample costs some microseconds.

`SIGUSR1` has everything so far written to FILE, as a `Snapshot`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import msgspec

import consumer
from consumer.cli.app import main

PERIOD_MS = 5
_CLOCK_THREAD_CPUTIME_ID = 3
_SIGEV_THREAD_ID = 4
_ROOT = f"{Path(consumer.__file__).parent}{os.sep}"


class Snapshot(msgspec.Struct):
    """All since the start of the process."""

    samples: int
    worked_ns: Mapping[str, int]
    """By `file:function`, the file below `consumer/`; no name is where none of ours ran."""
    thread_s: float
    """Processor time of the loop's thread."""
    process_s: float
    """That of all threads."""


class Event(ctypes.Structure):
    """`struct sigevent`, 64 bytes."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread", ctypes.c_int),
        ("_rest", ctypes.c_int * 11),
    )


class Interval(ctypes.Structure):
    """`struct itimerspec`: how often, and when first."""

    _fields_ = (
        ("every_s", ctypes.c_long),
        ("every_ns", ctypes.c_long),
        ("first_s", ctypes.c_long),
        ("first_ns", ctypes.c_long),
    )


class Sampler:
    """Samples the thread that makes it, which has to be the first one: it handles signals."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._worked_ns: Counter[str] = Counter()
        self._samples = 0
        self._last_ns = time.thread_time_ns()
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR1, self._write)
        _start_timer()

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        while frame is not None and not frame.f_code.co_filename.startswith(_ROOT):
            frame = frame.f_back
        now_ns = time.thread_time_ns()
        self._worked_ns[_place(frame)] += now_ns - self._last_ns
        self._last_ns = now_ns
        self._samples += 1

    def _write(self, _number: int, _frame: FrameType | None) -> None:
        snapshot = Snapshot(self._samples, self._worked_ns, time.thread_time(), time.process_time())
        unfinished = self._path.with_suffix(".new")
        unfinished.write_bytes(msgspec.json.encode(snapshot))
        unfinished.replace(self._path)


def _place(frame: FrameType | None) -> str:
    if frame is None:
        return ""
    code = frame.f_code
    return f"{code.co_filename.removeprefix(_ROOT)}:{code.co_name}"


def _start_timer() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    thread = threading.get_native_id()
    event = Event(signal=signal.SIGPROF, notify=_SIGEV_THREAD_ID, thread=thread)
    timer = ctypes.c_void_p()
    period_ns = PERIOD_MS * 1_000_000
    interval = Interval(every_ns=period_ns, first_ns=period_ns)
    clock = ctypes.c_int(_CLOCK_THREAD_CPUTIME_ID)
    for failed in (
        libc.timer_create(clock, ctypes.byref(event), ctypes.byref(timer)),
        libc.timer_settime(timer, 0, ctypes.byref(interval), None),
    ):
        if failed:
            raise OSError(ctypes.get_errno(), "no timer on processor time")


if __name__ == "__main__":
    Sampler(Path(sys.argv.pop(1)))
    main()
