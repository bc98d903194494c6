"""Where the daemon's time goes: processor time per callback, by stage.

    python -m benchmarks.stages [--workload steady] [--callbacks N]

Two runs as in `race`. The first tells the time and the processor time of the loop's thread, as
the system measures it. Beside the second one runs `py-spy`, which reads the stack of the process
from outside, 200 times a second. A sample counts to the stage of the innermost frame that is ours:
what msgspec or librdkafka do for `wire/callback.py` is decoding. Only samples in which the loop's
thread ran count, and their shares are applied to the first run's processor time. So what is
waited for is told apart, and that sampling stops the process for moments does not matter. Timing
the calls themselves would cost more than many of them take.
"""

from __future__ import annotations

import argparse
import gc
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from benchmarks import machine, results, stage, usage
from benchmarks.contenders import ours
from benchmarks.contenders.quix import PYTHON
from benchmarks.job import Job
from benchmarks.race import Position, all_visible, started
from benchmarks.sampled import STAGES, shares
from benchmarks.traffic import Channel, Traffic
from benchmarks.workloads import WORKLOADS, Workload, workload
from tests.harness import Cluster

PY_SPY = PYTHON.with_name("py-spy")
RATE = 200
_READY = b"Sampling process"


class Measured(NamedTuple):
    """One run."""

    wall_s: float
    cpu_s: float
    """Of the loop's thread."""
    stacks: str
    """What py-spy saw, if it looked."""


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__)
    parser.add_argument("--workload", choices=[one.name for one in WORKLOADS], default="steady")
    parser.add_argument("--callbacks", type=int, help="by default 1,000,000; heavy: 100,000")
    stage.add_option(parser)
    given = parser.parse_args()
    if not PY_SPY.exists():
        raise SystemExit("there is no .venv-bench with py-spy in it (`make bench-stages` makes it)")
    facts = machine.described(given.bootstrap_servers)
    mix = workload(given.workload)
    traffic = Traffic.of(mix, given.callbacks or mix.callbacks)
    gc.freeze()  # millions of records that nobody lets go
    with stage.kafka(given.bootstrap_servers) as cluster:
        plain = measured(cluster, mix, traffic, sampling=False)
        stacks = measured(cluster, mix, traffic, sampling=True).stacks
    each_ns = 1e9 / traffic.measured
    figures = budget(stacks, plain.wall_s * each_ns, plain.cpu_s * each_ns)
    title = f"ns per callback of `{mix.name}`"
    results.publish("stages", facts, figures, title=title)


def budget(stacks: str, wall_ns: float, cpu_ns: float) -> dict[str, str]:
    """By stage, what one callback takes; `stacks` is py-spy's raw output."""
    by_stage = shares(stacks)
    figures = {
        f"{name} ({STAGES[name]})": f"{cpu_ns * share:,.0f} ({share:.0%})"
        for name, share in by_stage.items()
    }
    figures["the loop's thread in all"] = f"{cpu_ns:,.0f}"
    figures["waiting for Kafka or a core"] = f"{max(wall_ns - cpu_ns, 0.0):,.0f}"
    return figures


def measured(cluster: Cluster, mix: Workload, traffic: Traffic, *, sampling: bool) -> Measured:
    """One run, from the gate's opening to the last visible report."""
    name = f"bench-{secrets.token_hex(3)}-stages"
    job = Job(servers=cluster.bootstrap_servers, name=name, settings=mix.settings)
    with (
        stage.topics(cluster, job),
        tempfile.TemporaryDirectory() as folder,
        closing(Position(job)) as position,
    ):
        channel = Channel(cluster, job.callbacks, traffic)
        stacks = Path(folder) / "stacks"
        with started(ours.OURS.command(job), Path(folder) / "log") as process:
            process.until(lambda: position.has_reached(channel.before_gate), "the warm-up")
            with _sampling(process.pid, stacks) if sampling else nullcontext():
                before_s = usage.thread_cpu_s(process.pid)
                channel.open_gate()
                began_s = time.monotonic()
                process.until(lambda: position.has_reached(channel.end), "the last record")
                process.until(lambda: all_visible(cluster, job), "the last report")
                wall_s = time.monotonic() - began_s
                cpu_s = usage.thread_cpu_s(process.pid) - before_s
        return Measured(wall_s, cpu_s, stacks.read_text("utf-8") if sampling else "")


@contextmanager
def _sampling(pid: int, stacks: Path) -> Iterator[None]:
    """Sample a process while the block runs; afterwards its stacks are in that file."""
    command = [str(PY_SPY), "record", "--pid", str(pid), "--rate", str(RATE), "--full-filenames"]
    command += ["--format", "raw", "--output", str(stacks), "--duration", "unlimited"]
    log = stacks.with_suffix(".log")
    with log.open("wb") as output:
        sampler = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        while _READY not in log.read_bytes():
            if sampler.poll() is not None:
                said = " ".join(log.read_text().split())
                raise SystemExit(f"py-spy cannot look into the process: {said}")
            time.sleep(0.05)
        yield
    finally:
        sampler.send_signal(signal.SIGINT)
        sampler.wait()


if __name__ == "__main__":
    main()
