"""Rounds of several contenders in turn, on one workload and one Kafka.

Each round begins with another contender, so that no one always runs on what a certain other
one left behind; over all rounds the beginnings are spread evenly. Who does not come to the end is
left out from then on, and the others go on.
"""

from __future__ import annotations

import gc
import secrets
from collections.abc import Iterator, Sequence

from confluent_kafka import KafkaException

from benchmarks.contenders.protocol import Contender
from benchmarks.race import Run, RunError, run
from benchmarks.results import Throughput
from benchmarks.traffic import Traffic
from benchmarks.workloads import Workload
from tests.harness import Cluster


def rounds(
    cluster: Cluster,
    mix: Workload,
    contenders: Sequence[Contender],
    found: Throughput,
    *,
    callbacks: int | None,
    count: int,
) -> Iterator[int]:
    """The numbers of `count` rounds, each after it was run; what comes of it is in `found` then.

    `callbacks` are those behind the gate, by default as many as `mix` says.
    """
    able = _able(contenders, found)
    width = max((len(one.name) for one in able), default=0)
    traffic = Traffic.of(mix, callbacks or mix.callbacks)
    gc.freeze()  # millions of records that nobody lets go
    print(f"{mix.name}: {traffic.measured:,} records behind the gate; {mix.says}")
    prefix = f"bench-{secrets.token_hex(3)}"
    for number in range(1, count + 1):
        first = (number - 1) * len(able) // count
        for place, one in enumerate(able[first:] + able[:first]):
            if one.name in found.failed:
                continue
            name = f"{prefix}-{number}-{place}"  # not every contender's name is one of a topic
            try:
                took = run(one, mix, traffic, cluster, number=number, name=name)
            except (RunError, KafkaException, OSError) as error:
                print(f"round {number}: {one.name} failed: {error}", flush=True)
                why = error.why if isinstance(error, RunError) else type(error).__name__
                found.failed[one.name] = f"round {number}, {why}"
            else:
                found.runs.append(took)
                _tell(took, width)
        yield number


def _able(contenders: Sequence[Contender], found: Throughput) -> list[Contender]:
    """Those that this machine can run; of the others `found` is told why."""
    able: list[Contender] = []
    for one in contenders:
        if reason := one.missing():
            found.skipped[one.name] = reason
            print(f"{one.name} is skipped: {reason}")
        else:
            able.append(one)
    return able


def _tell(took: Run, width: int) -> None:
    rate = took.callbacks / took.seconds
    megabytes = took.peak_bytes / 1e6
    print(
        f"round {took.round}: {took.contender:<{width}} {rate:>9,.0f}/s   {took.seconds:6.2f} s   "
        f"cpu {took.cpu_s:6.2f} s   peak {megabytes:5,.0f} MB   {'; '.join(took.problems)}",
        flush=True,
    )
