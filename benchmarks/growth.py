"""Does it get slower with what it holds? `steady`, while ever more other txids are open.

    python -m benchmarks.growth [--open 10000,100000,1000000] [--callbacks 500000] [--rounds 3]

The open ones lie before the gate, one callback each, so they are in when it opens. A run is that
of `race`; the sizes take turns. Flat is where the slowest is within 25 % of the fastest.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import secrets
import statistics

import msgspec

from benchmarks import machine, results, stage
from benchmarks.contenders.ours import OURS
from benchmarks.race import run
from benchmarks.traffic import Traffic
from benchmarks.workloads import Workload, workload
from consumer.simulator.plan import Plan

SEED_OF_THE_OPEN = 1
"""Another one than that of `steady`, so the txids are others."""


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--open", default="10000,100000,1000000", help="open txids")
    parser.add_argument("--callbacks", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    stage.add_option(parser)
    given = parser.parse_args()
    sizes = [int(size) for size in given.open.split(",")]
    facts = machine.described(given.bootstrap_servers)
    mix = msgspec.structs.replace(workload("steady"), settings=workload("wide").settings)
    rates: dict[int, list[float]] = {size: [] for size in sizes}
    with stage.kafka(given.bootstrap_servers) as cluster:
        for number in range(1, given.rounds + 1):
            for size in sizes:
                name = f"bench-{secrets.token_hex(3)}-growth"
                traffic = behind(size, mix, given.callbacks)
                gc.freeze()  # millions of records
                took = run(OURS, mix, traffic, cluster, number=number, name=name)
                assert not took.problems, took.problems
                rates[size].append(took.callbacks / took.seconds)
                print(f"round {number}: {size:>9,} open: {rates[size][-1]:>9,.0f}/s", flush=True)
    medians = {size: statistics.median(of_size) for size, of_size in rates.items()}
    spread = 1 - min(medians.values()) / max(medians.values())
    figures = {f"{size:,} open, callbacks/s": f"{rate:,.0f}" for size, rate in medians.items()}
    figures["slowest below fastest"] = f"{spread:.0%}"
    results.publish("growth", facts, figures, whole=stage.is_whole(parser, given))


def behind(size: int, mix: Workload, callbacks: int) -> Traffic:
    """`steady`, with `size` txids before the gate that stay open."""
    wide = workload("wide").options(size)
    opened = list(Plan(dataclasses.replace(wide, seed=SEED_OF_THE_OPEN)).records())
    steady = Traffic.of(mix, callbacks)
    return Traffic(opened + steady.records, size + steady.warm_up, steady.truth)


if __name__ == "__main__":
    main()
