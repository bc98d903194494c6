"""One member and two, on the four partitions of `steady`.

    python -m benchmarks.scale_out [--callbacks 1000000] [--rounds 3] [--members 1,2]

As in `race`, with all members ready before the gate opens, each with its share of partitions.
On one machine they share its cores with Kafka: what this shows is that members do not get in each
other's way, and what a second one brings where there are cores for it.
"""

from __future__ import annotations

import argparse
import gc
import secrets
import statistics
import time
from contextlib import ExitStack, closing

from benchmarks import machine, results, stage
from benchmarks.contenders import ours
from benchmarks.job import Job
from benchmarks.race import LIMIT_S, Position, all_visible, reports
from benchmarks.traffic import Channel, Traffic
from benchmarks.truth import problems
from benchmarks.workloads import workload
from tests.harness import Cluster, Member


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_out", description=__doc__)
    parser.add_argument("--callbacks", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--members", default="1,2", help="divisors of 4")
    stage.add_option(parser)
    given = parser.parse_args()
    groups = [int(size) for size in given.members.split(",")]
    facts = machine.described(given.bootstrap_servers)
    traffic = Traffic.of(workload("steady"), given.callbacks)
    gc.freeze()  # millions of records that nobody lets go
    rates: dict[int, list[float]] = {size: [] for size in groups}
    with stage.kafka(given.bootstrap_servers) as cluster:
        for number in range(1, given.rounds + 1):
            for size in groups:
                rates[size].append(traffic.measured / seconds_of(size, traffic, cluster))
                print(f"round {number}: members {size}: {rates[size][-1]:>9,.0f}/s", flush=True)
    medians = {size: statistics.median(of_size) for size, of_size in rates.items()}
    one = medians[groups[0]]
    figures = {
        f"members: {size}, callbacks/s": f"{rate:,.0f} ({rate / one:.2f})"
        for size, rate in medians.items()
    }
    results.publish("scale-out", facts, figures, whole=stage.is_whole(parser, given))


def seconds_of(members: int, traffic: Traffic, cluster: Cluster) -> float:
    """From the gate's opening to the last visible report."""
    name = f"bench-{secrets.token_hex(3)}-scale"
    job = Job(servers=cluster.bootstrap_servers, name=name, settings={"log.format": "json"})
    with stage.topics(cluster, job), ExitStack() as stack:
        channel = Channel(cluster, job.callbacks, traffic)
        position = stack.enter_context(closing(Position(job)))
        group = [Member(ours.settings(job)) for _ in range(members)]
        for member in group:
            stack.callback(member.close)
        for member in group:
            member.await_ready(stage.PARTITIONS // members, LIMIT_S)
        first = group[0]
        first.until(lambda: position.has_reached(channel.before_gate), "the warm-up", LIMIT_S)
        channel.open_gate()
        began_s = time.monotonic()
        first.until(lambda: position.has_reached(channel.end), "the last record", LIMIT_S)
        first.until(lambda: all_visible(cluster, job), "the last report", LIMIT_S)
        seconds = time.monotonic() - began_s
        wrong = problems(traffic.truth, reports(cluster, job))
        assert not wrong, wrong
    return seconds


if __name__ == "__main__":
    main()
