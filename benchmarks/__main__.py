"""Throughput of all contenders, side by side: rounds of them in turn, on one Kafka.

    python -m benchmarks [--workload steady] [--callbacks N] [--rounds 3]
                         [--contenders bare,ours] [--bootstrap-servers HOST:PORT]

What was found is kept after each round. Exits 1 if any contender failed or its reports were
wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks import machine, results, stage, table
from benchmarks.contenders.every import CONTENDERS
from benchmarks.rounds import rounds
from benchmarks.workloads import WORKLOADS, workload


def main() -> None:
    """Run, print, save."""
    parser = _parser()
    given = parser.parse_args()
    whole = stage.is_whole(parser, given, "workload")
    contenders = [one for one in CONTENDERS if one.name in given.contenders]
    wrong = False
    with stage.kafka(given.bootstrap_servers) as cluster:
        for name in given.workload:
            found = results.Throughput(
                workload=name, machine=machine.described(given.bootstrap_servers), runs=[]
            )
            done = rounds(
                cluster,
                workload(name),
                contenders,
                found,
                callbacks=given.callbacks,
                count=given.rounds,
            )
            for _ in done:
                path = results.save(f"throughput-{name}", found, whole=whole)
            print(f"\n{table.throughput(found)}\n\nsaved as {path}")
            wrong |= found.is_wrong
    sys.exit(wrong)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    workloads = [one.name for one in WORKLOADS]
    contenders = [one.name for one in CONTENDERS]
    parser.add_argument("--workload", type=_some_of(workloads), default=["steady"], metavar="NAMES")
    parser.add_argument("--callbacks", type=int, help="by default 1,000,000; heavy: 100,000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contenders", type=_some_of(contenders), default=contenders)
    stage.add_option(parser)
    return parser


def _some_of(names: Sequence[str]) -> Callable[[str], list[str]]:
    """Reads a list with commas in between."""

    def read(text: str) -> list[str]:
        if unknown := set(text.split(",")) - set(names):
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; some of {','.join(names)}")
        return text.split(",")

    return read


if __name__ == "__main__":
    main()
