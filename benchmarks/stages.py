"""Where the daemon's time goes: processor time per callback, by stage.

    python -m benchmarks.stages [--workload steady] [--callbacks N]

Two runs as in `race`. The first is of the daemon as it is, and tells the time, and the processor
time of the loop's thread and of the whole process, as the system counts them. In the second one
the daemon has a sampler in it (see `probe`), which looks where the loop's thread is each time it
has worked 5 ms more. A sample counts to the stage of the innermost function of ours: what msgspec
or librdkafka do for `wire/callback.py` is decoding. The shares of the second run are applied to the
processor time of the first. Timing the calls themselves would cost more than many of them take.

Two checks stand below the budget: what the samples add up to, over the processor time that the
system counted for that thread meanwhile; and the processor time of the second run over that of the
first. Where one of them is far from 1, the budget is not to be trusted.
"""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks import machine, probe, results, stage, usage
from benchmarks.contenders import ours
from benchmarks.job import Job
from benchmarks.probe import Snapshot
from benchmarks.race import Position, Process, all_visible, started
from benchmarks.sampled import STAGES, by_stage
from benchmarks.traffic import Channel, Traffic
from benchmarks.workloads import WORKLOADS, Workload, workload
from tests.harness import Cluster


class Measured(NamedTuple):
    """One run."""

    wall_s: float
    thread_s: float
    """Processor time of the loop's thread."""
    process_s: float
    """That of all threads; those that are not the loop's are librdkafka's, nearly all of it."""
    samples: int
    worked_ns: Mapping[str, int]
    """By `file:function`; nothing of the daemon as it is."""


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__)
    parser.add_argument("--workload", choices=[one.name for one in WORKLOADS], default="steady")
    parser.add_argument("--callbacks", type=int, help="by default 1,000,000; heavy: 100,000")
    stage.add_option(parser)
    given = parser.parse_args()
    facts = machine.described(given.bootstrap_servers)
    mix = workload(given.workload)
    traffic = Traffic.of(mix, given.callbacks or mix.callbacks)
    gc.freeze()  # millions of records that nobody lets go
    with stage.kafka(given.bootstrap_servers) as cluster:
        plain = measured(cluster, mix, traffic, probed=False)
        watched = measured(cluster, mix, traffic, probed=True)
    figures = budget(plain, watched, traffic.measured)
    title = f"ns per callback of `{mix.name}`"
    results.publish("stages", facts, figures, title=title, whole=stage.is_whole(parser, given))


def budget(plain: Measured, watched: Measured, callbacks: int) -> dict[str, str]:
    """What one callback takes, by stage and in all, and whether the samples are the whole."""
    each_ns = 1e9 / callbacks
    wall_ns, thread_ns, process_ns = (each_ns * one for one in plain[:3])
    stages = by_stage(watched.worked_ns)
    sampled_ns = sum(stages.values())
    figures = {
        f"{name} ({STAGES[name]})": f"{thread_ns * ns / sampled_ns:,.0f} ({ns / sampled_ns:.0%})"
        for name, ns in stages.items()
    }
    sum_of_all = sampled_ns / 1e9 / watched.thread_s
    return figures | {
        "the loop's thread in all": f"{thread_ns:,.0f}",
        "other threads, beside it (librdkafka)": f"{process_ns - thread_ns:,.0f}",
        "the process in all": f"{process_ns:,.0f}",
        "the loop waiting for Kafka or a core": f"{max(wall_ns - thread_ns, 0.0):,.0f}",
        "check: samples over processor time": f"{sum_of_all:.2f} ({watched.samples:,} samples)",
        "check: with the sampler over without": f"{watched.thread_s / plain.thread_s:.2f}",
    }


def measured(cluster: Cluster, mix: Workload, traffic: Traffic, *, probed: bool) -> Measured:
    """One run, from the gate's opening to the last visible report."""
    name = f"bench-{secrets.token_hex(3)}-stages"
    job = Job(servers=cluster.bootstrap_servers, name=name, settings=mix.settings)
    with (
        stage.topics(cluster, job),
        tempfile.TemporaryDirectory() as folder,
        closing(Position(job)) as position,
    ):
        channel = Channel(cluster, job.callbacks, traffic)
        found = Path(folder) / "samples"
        command = ours.OURS.command(job)
        if probed:
            run = command.index("run")
            command = [sys.executable, "-m", probe.__name__, str(found), *command[run:]]
        with started(command, Path(folder) / "log") as process:

            def taken() -> Snapshot:
                return _snapshot(process, found) if probed else _counted(process)

            process.until(lambda: position.has_reached(channel.before_gate), "the warm-up")
            before = taken()
            channel.open_gate()
            began_s = time.monotonic()
            process.until(lambda: position.has_reached(channel.end), "the last record")
            process.until(lambda: all_visible(cluster, job), "the last report")
            wall_s = time.monotonic() - began_s
            after = taken()
    return Measured(
        wall_s,
        after.thread_s - before.thread_s,
        after.process_s - before.process_s,
        after.samples - before.samples,
        Counter(after.worked_ns) - Counter(before.worked_ns),
    )


def _counted(process: Process) -> Snapshot:
    """What the system has counted for the daemon as it is."""
    return Snapshot(0, {}, usage.thread_cpu_s(process.pid), usage.cpu_s(process.pid))


def _snapshot(process: Process, path: Path) -> Snapshot:
    """What the daemon with the sampler has counted."""
    path.unlink(missing_ok=True)
    os.kill(process.pid, signal.SIGUSR1)
    process.until(path.exists, "it told its samples")
    return msgspec.json.decode(path.read_bytes(), type=Snapshot)


if __name__ == "__main__":
    main()
