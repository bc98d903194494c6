"""Signals end processes, so each test has one of its own to send them to."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest

from consumer.stopping import FORCED, Stop, exit_on_signals

_PROGRAM = """
import sys, time
from consumer.stopping import Stop

stop = Stop(float(sys.argv[1]))
with stop.on_signals():
    print("ready", flush=True)
    stop.wait(60)
    print("asked" if stop.asked() else "not asked", flush=True)
    time.sleep(float(sys.argv[2]))
print("left", flush=True)
stop.wait(0)
time.sleep(float(sys.argv[3]))
"""
_IN_C = """
import contextlib, sys
from confluent_kafka import KafkaException, Producer
from consumer.stopping import Stop

nowhere = {"bootstrap.servers": "127.0.0.1:1", "transactional.id": "t", "log_level": 2}
producer = Producer(nowhere)
with Stop(float(sys.argv[1])).on_signals(), contextlib.suppress(KafkaException):
    print("ready", flush=True)
    producer.init_transactions(30)
"""
_HANGING = 60.0
BOTH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@contextmanager
def program(
    timeout_s: float, *, finishing_s: float = 0.0, after_s: float = 0.0
) -> Iterator[subprocess.Popen[str]]:
    """A process that waits for a signal, takes its time to finish, and goes on after that."""
    arguments = [str(seconds) for seconds in (timeout_s, finishing_s, after_s)]
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        expect(process, "ready")
        try:
            yield process
        finally:
            process.kill()


def expect(process: subprocess.Popen[str], line: str) -> None:
    """The next line that is not a log line is this one."""
    assert process.stdout is not None
    for found in process.stdout:
        if "[" not in found:  # structlog's own format, as nothing is configured here
            assert found.strip() == line
            return
    raise AssertionError(f"ended before it said {line!r}")


@BOTH
def test_the_first_signal_asks_for_an_orderly_stop(number: signal.Signals) -> None:
    """A wait is interrupted at once, what is under way is finished, the process ends well."""
    with program(timeout_s=30) as process:
        began_s = time.monotonic()
        process.send_signal(number)
        expect(process, "asked")
        expect(process, "left")

        assert process.wait(10) == 0
        assert time.monotonic() - began_s < 10


@BOTH
def test_the_second_signal_forces(number: signal.Signals) -> None:
    """Who asks twice does not want to wait."""
    with program(timeout_s=30, finishing_s=_HANGING) as process:
        process.send_signal(signal.SIGTERM)
        expect(process, "asked")
        process.send_signal(number)

        assert process.wait(10) == FORCED


def test_a_stop_that_takes_too_long_is_forced() -> None:
    """After `shutdown.timeout` the process ends, with a line that says so, and not with 0."""
    with program(timeout_s=0.2, finishing_s=_HANGING) as process:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)

        assert process.returncode == FORCED
        assert "stop_overdue" in out


def test_signals_mean_what_they_did_once_it_is_over() -> None:
    """Outside of the block SIGTERM kills, as it does any process."""
    with program(timeout_s=30, after_s=_HANGING) as process:
        process.send_signal(signal.SIGTERM)
        expect(process, "asked")
        expect(process, "left")
        process.send_signal(signal.SIGTERM)

        assert process.wait(10) == -signal.SIGTERM


@pytest.mark.parametrize("handled", [Stop(30).on_signals, exit_on_signals])
def test_handlers_are_put_back(handled: Callable[[], AbstractContextManager[None]]) -> None:
    """Also when the block ends with an exception."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with suppress(RuntimeError), handled():
        assert signal.getsignal(signal.SIGTERM) != before[0]
        raise RuntimeError

    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


@BOTH
def test_a_signal_at_the_start_exits(number: signal.Signals) -> None:
    """In good order, since there is nothing to finish."""
    with pytest.raises(SystemExit) as raised, exit_on_signals():
        signal.raise_signal(number)

    assert not raised.value.code


def test_without_a_signal_a_wait_just_ends() -> None:
    """Nobody asked, so the answer is no."""
    stop = Stop(30)

    assert not stop.wait(0.001)
    assert not stop.asked()


@contextmanager
def deep_in_c(timeout_s: float) -> Iterator[subprocess.Popen[str]]:
    """A process whose main thread waits within the C library, and has heard one SIGTERM there."""
    with subprocess.Popen(
        [sys.executable, "-c", _IN_C, str(timeout_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        expect(process, "ready")
        try:
            process.send_signal(signal.SIGTERM)
            assert process.stdout is not None
            assert "stopping" in process.stdout.readline()
            yield process
        finally:
            process.kill()


@BOTH
def test_a_second_signal_is_heard_within_a_long_call(number: signal.Signals) -> None:
    """Python's own handlers would have to wait until the call is over."""
    with deep_in_c(timeout_s=30) as process:
        process.send_signal(number)

        assert process.wait(10) == FORCED


def test_the_time_limit_holds_within_a_long_call() -> None:
    """It begins with the signal, wherever that meets the process."""
    with deep_in_c(timeout_s=0.2) as process:
        out, _ = process.communicate(timeout=10)

        assert process.returncode == FORCED
        assert "stop_overdue" in out
