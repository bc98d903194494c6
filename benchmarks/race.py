"""One contender on one workload, measured from outside, the same way for all.

1. The topic is filled: a tenth of the records to warm up, a gate, then the records that
   count (see `traffic`). Nobody produces while a contender runs.
2. The contender starts. It is ready once its group has committed everything before the
   gate: it has joined, has its partitions, has run, and waits for more. However long that
   takes does not matter.
3. The gate opens. As soon as all records are free the time runs. Its processor time does, too.
4. It ends as soon as the group has committed the last record's position and no record of
   the reports topic is held back from a read_committed reader. Those that promise exactly
   once commit both at once; the others are told how many records there will be, so they
   flush and commit right after the last one, as if they had done nothing else.
5. The reports are read and compared with what was sent. For a workload that leaves its
   txids open, some are closed first.

Committed offsets are asked for as often as an error of half a percent allows, and each time
costs no more than a request that the broker answers from memory. No reader of reports runs
meanwhile: it would take the processor from those who write any.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from confluent_kafka import Consumer, TopicPartition

from benchmarks import stage, usage
from benchmarks.contenders.protocol import Contender
from benchmarks.job import Job
from benchmarks.traffic import Channel, Traffic
from benchmarks.truth import problems
from benchmarks.workloads import Workload
from tests.harness import Cluster
from tests.harness.cluster import patiently
from tests.oracle.topics import read_topic

LIMIT_S = 900.0
_LOOK_S = 0.004
_PRECISION = 0.01
"""Between two looks passes at most this share of the time that has passed already."""
_REQUEST_S = 20.0
_TAIL = 3_000
_SETTINGS = "SESSION_REPORTS__"


class RunError(Exception):
    """A contender that did not come to its end; the end of its log, then why, in a line."""

    def __init__(self, why: str, log: str) -> None:
        super().__init__(f"{log}\n{why}".strip())
        self.why = why


class Run(msgspec.Struct, kw_only=True):
    """What one contender did in one round."""

    contender: str
    round: int
    callbacks: int
    """Records behind the gate."""
    seconds: float
    cpu_s: float
    """Processor time of its process and of all that this started, in these seconds."""
    peak_bytes: int
    """The most memory that they took, start and warm-up included."""
    problems: list[str] = []
    """What is wrong with its reports."""


def run(
    contender: Contender,
    workload: Workload,
    traffic: Traffic,
    cluster: Cluster,
    *,
    number: int,
    name: str,
) -> Run:
    """Run `contender` in round `number`; `name` is not used by any other run of this Kafka.

    Raises:
        RunError: It ended by itself, or takes too long.
    """
    with tempfile.TemporaryDirectory() as folder:
        job = Job(
            servers=cluster.bootstrap_servers,
            name=name,
            records=len(traffic.records),
            device_limit=workload.device_limit,
            commit_interval_ms=workload.commit_interval_ms,
            folder=folder,
            settings=workload.settings,
        )
        with stage.topics(cluster, job):
            return _run(contender, traffic, cluster, job, number)


def _run(contender: Contender, traffic: Traffic, cluster: Cluster, job: Job, number: int) -> Run:
    channel = Channel(cluster, job.callbacks, traffic)
    position = Position(job)
    with started(contender.command(job), Path(job.folder) / "log") as process:
        process.until(lambda: position.has_reached(channel.before_gate), "the warm-up")
        before_s = usage.cpu_s(process.pid)
        channel.open_gate()
        began_s = time.monotonic()
        process.until(lambda: position.has_reached(channel.end), "the last record")
        process.until(lambda: all_visible(cluster, job), "the last report")
        seconds = time.monotonic() - began_s
        cpu_s = usage.cpu_s(process.pid) - before_s
        peak = usage.peak_bytes(process.pid)
        wrong = []
        if contender.reports:
            channel.add(traffic.closing)
            process.until(lambda: position.has_reached(channel.end), "the end")
            process.until(lambda: all_visible(cluster, job), "the last report")
            wrong = problems(traffic.truth, reports(cluster, job))
    position.close()
    return Run(
        contender=contender.name,
        round=number,
        callbacks=traffic.measured,
        seconds=seconds,
        cpu_s=cpu_s,
        peak_bytes=peak,
        problems=wrong,
    )


class Process:
    """A contender's process, and its log."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.pid = popen.pid
        self._popen, self._log = popen, log

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that only a living process brings about. Raises `RunError`."""
        began_s = time.monotonic()
        while not condition():
            waited_s = time.monotonic() - began_s
            if (code := self._popen.poll()) is not None or waited_s > LIMIT_S:
                how = f"ended with {code}" if code is not None else f"took over {LIMIT_S:.0f} s"
                log = self._log.read_text(errors="replace")[-_TAIL:]
                raise RunError(f"its process {how} before {what}", log)
            time.sleep(max(_LOOK_S, _PRECISION * waited_s))


@contextmanager
def started(command: list[str], log: Path) -> Iterator[Process]:
    """A process until the block ends. No settings of ours reach it from the environment."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    with log.open("wb") as output:
        popen = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=env)
    try:
        yield Process(popen, log)
    finally:
        popen.kill()  # all is measured: how it would end is no matter here
        popen.wait()


class Position:
    """How far the group has committed. Read uncommitted: what is pending is not waited for."""

    def __init__(self, job: Job) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": job.servers,
                "group.id": job.name,
                "isolation.level": "read_uncommitted",
                "log_level": 2,  # what goes wrong is raised
            }
        )
        self._places = [TopicPartition(job.callbacks, number) for number in range(stage.PARTITIONS)]

    def has_reached(self, wanted: Mapping[int, int]) -> bool:
        """Whether all before these offsets is committed."""
        found = patiently(lambda: self._consumer.committed(self._places, _REQUEST_S))
        return all(max(at.offset, 0) >= wanted[at.partition] for at in found)

    def close(self) -> None:
        """Free the client."""
        self._consumer.close()


def all_visible(cluster: Cluster, job: Job) -> bool:
    """Whether no report is held back from a read_committed reader."""
    return cluster.stable_ends(job.reports) == cluster.ends(job.reports)


def reports(cluster: Cluster, job: Job) -> Iterator[bytes | None]:
    """All that such a reader sees."""
    return (one.value for one in read_topic(cluster.bootstrap_servers, job.reports))
