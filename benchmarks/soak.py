"""Does anything grow? Traffic of all kinds at a constant rate, for long; memory over time.

    python -m benchmarks.soak [--minutes 20] [--rate 10000] [--bootstrap-servers HOST:PORT]

Txids are remembered for a tenth of the time and closed after a fortieth of it, so the state is as
large as it will ever be well before half of the time is over. From then on memory must not rise:
the slope is that of the second half. A member that restarted itself, or does not end in good
order, fails the run.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import time
from contextlib import closing

from benchmarks import machine, results, stage, usage
from benchmarks.contenders import ours
from benchmarks.feeder import feeding
from benchmarks.figures import slope
from benchmarks.job import Job
from consumer.simulator.options import Options
from tests.harness import Cluster, Member

LOOK_S = 5.0
LIMIT_S = 120.0

RATE = "records/s"
MEMORY = "resident MB"
TXIDS = "txids in state"
Curves = dict[str, list[tuple[float, float]]]


def main() -> None:
    """Run, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rate", type=int, default=10_000, help="records per second")
    stage.add_option(parser)
    given = parser.parse_args()
    facts = machine.described(given.bootstrap_servers)
    with stage.kafka(given.bootstrap_servers) as cluster:
        curves = soaked(cluster, given.minutes, given.rate)
    later = {name: points[len(points) // 2 :] for name, points in curves.items()}
    memory = [megabytes for _, megabytes in later[MEMORY]]
    per_minute = slope(later[MEMORY])
    rise = per_minute * given.minutes / 2
    figures = {
        "minutes": f"{given.minutes:g}",
        "records per second, sent": f"{given.rate:,}",
        "records per second, consumed": f"{statistics.median(y for _, y in later[RATE]):,.0f}",
        "txids in state": f"{statistics.median(y for _, y in later[TXIDS]):,.0f}",
        "resident, second half": f"{min(memory):,.0f} … {max(memory):,.0f} MB",
        "slope of the second half": f"{per_minute:+.2f} MB/min, {rise / memory[0]:+.1%} in all",
    }
    results.publish("soak", facts, figures, points=curves, whole=stage.is_whole(parser, given))


def soaked(cluster: Cluster, minutes: float, rate: int) -> Curves:
    """What was seen, over minutes."""
    seconds = minutes * 60
    settings = {
        "late.remember": f"{seconds * 100:.0f}ms",
        "completion.inactivity": f"{seconds * 25:.0f}ms",
        "log.format": "json",
    }
    options = Options(
        requests=int(rate * seconds),  # more than will be sent: they have several records each
        rate=rate,
        hostile=0.001,
        expectations=0.3,
        late=0.01,
        late_after_ms=int(seconds * 50),
    )
    name = f"bench-{secrets.token_hex(3)}-soak"
    job = Job(servers=cluster.bootstrap_servers, name=name, settings=settings)
    curves: Curves = {RATE: [], MEMORY: [], TXIDS: []}
    with stage.topics(cluster, job), closing(Member(ours.settings(job))) as member:
        member.await_ready(stage.PARTITIONS, LIMIT_S)
        with feeding(job.servers, job.callbacks, options, remember=False) as feeder:
            began_s = last_s = time.monotonic()
            last = 0.0
            while last_s < began_s + seconds:
                time.sleep(LOOK_S)
                assert not feeder.is_done(), "the feeder is gone"
                now_s, consumed = time.monotonic(), member.metric("records_consumed_total")
                at = (now_s - began_s) / 60
                curves[RATE].append((at, (consumed - last) / (now_s - last_s)))
                curves[MEMORY].append((at, usage.resident_bytes(member.pid) / 1e6))
                txids = member.metric("open_txids") + member.metric("remembered_txids")
                curves[TXIDS].append((at, txids))
                last, last_s = consumed, now_s
        assert member.metric("restarts_total") == 0, member.errors()
        assert member.stop(LIMIT_S) == 0, member.errors()
    return curves


if __name__ == "__main__":
    main()
