"""The command as a newcomer runs it: on a terminal, into a pipe, and interrupted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.harness.cluster import Cluster, Sending
from tests.oracle.topics import read_topic
from tests.waiting import process_is_gone, until

pytestmark = pytest.mark.kafka

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
SHORT = ("--requests", "60", "--rate", "60", "--seed", "1")
PASSED = "Every request has exactly one report with exactly its devices."


class Demo:
    """A demo in a process of its own, on a terminal of 80 by 24 or into a pipe."""

    def __init__(self, arguments: Sequence[str], *, terminal: bool) -> None:
        self.out = ""
        ours, its = os.openpty() if terminal else os.pipe()
        if terminal:
            termios.tcsetwinsize(its, (24, 80))
        env = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "consumer", "demo", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=its,
            stderr=subprocess.PIPE,
            env={**env, "TERM": "xterm-256color"},
        )
        os.close(its)
        self._reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self._reader.start()

    def _read(self, ours: int) -> None:
        with os.fdopen(ours, "rb", buffering=0) as pipe:
            try:
                while piece := pipe.read(65_536):
                    self.out += piece.decode("utf-8", "replace")
            except OSError:  # how a terminal says that nobody is left to write
                return

    def until(self, words: str, timeout_s: float = 60) -> None:
        """Wait until it has said that."""
        until(lambda: words in self.out, words, timeout_s)

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        self._popen.send_signal(signal.SIGINT)

    def end(self, timeout_s: float = 90) -> tuple[int, str]:
        """Its exit code and what it wrote to standard error."""
        _, complaints = self._popen.communicate(timeout=timeout_s)
        self._reader.join()
        return self._popen.returncode, complaints.decode()

    def close(self) -> None:
        """Leave nothing behind."""
        self._popen.kill()
        self._popen.wait()

    def family(self) -> list[int]:
        """The process ids of all that it has started."""
        found = [self._popen.pid]
        for pid in found:
            children = Path(f"/proc/{pid}/task").glob("*/children")
            found += [int(child) for path in children for child in path.read_text().split()]
        return found[1:]


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    """Those that a test has started."""
    started: list[Demo] = []
    yield started
    for demo in started:
        demo.close()


def test_on_a_terminal(demos: list[Demo]) -> None:
    """With a Kafka of its own: a live view redrawn in place, a table, exit code 0."""
    demo = Demo(SHORT, terminal=True)
    demos.append(demo)

    assert demo.end() == (0, "")
    assert "Starting an Apache Kafka" in demo.out
    assert "\x1b[1A" in demo.out
    assert re.search(r"kill -9 member-\d, with partitions \d and \d and \d+ open txids", demo.out)
    assert PASSED in demo.out
    assert "DIFFERS" not in demo.out


def test_into_a_pipe_and_tampered_with(demos: list[Demo], bootstrap_servers: str) -> None:
    """Plain lines; a report that somebody copies meanwhile makes it exit code 1."""
    cluster = Cluster(bootstrap_servers)
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    before = set(admin.list_topics().topics)
    demo = Demo((*SHORT, "--bootstrap-servers", bootstrap_servers), terminal=False)
    demos.append(demo)
    demo.until("first of its kind")
    (topic,) = (
        name
        for name in set(admin.list_topics().topics) - before
        if re.fullmatch(r"demo\.\d+\.reports", name)
    )
    copied = read_topic(bootstrap_servers, topic)[0]
    cluster.send(topic, [Sending(copied.value, copied.key)])
    code, complaints = demo.end()

    assert code == 1
    assert complaints == "session-reports: the outputs are not what was sent: 2 differences\n"
    assert f"{(copied.key or b'').decode()}: revision 0, part 1 is there 2 times" in demo.out
    assert PASSED not in demo.out
    assert "Starting an Apache Kafka" not in demo.out
    assert not CONTROL.search(demo.out)
    assert re.search(r"^ 0:\d\d  kill -9 member-\d, with", demo.out, re.MULTILINE)


@pytest.mark.skipif(not Path("/proc").exists(), reason="this system does not tell of children")
def test_interrupted(demos: list[Demo]) -> None:
    """It says so, exits as shells expect it, and nothing of it is left, Kafka included."""
    demo = Demo((), terminal=False)
    demos.append(demo)
    demo.until("member-1 has partition")
    family = demo.family()
    demo.interrupt()

    assert demo.end(30) == (130, "")
    assert demo.out.endswith("Interrupted: everything that the demo started is gone.\n")
    assert len(family) == 6  # Kafka, two members, and the guardian of each
    assert all(map(process_is_gone, family))


def test_more_requests_are_needed_to_kill_a_member_with_open_ones(
    demos: list[Demo], bootstrap_servers: str
) -> None:
    """Of none that is answered, all is out at once: an error, not a demo that shows nothing."""
    demo = Demo(("--requests", "0", "--bootstrap-servers", bootstrap_servers), terminal=False)
    demos.append(demo)
    code, complaints = demo.end()

    assert code == 1
    assert "let there be more --requests" in complaints
