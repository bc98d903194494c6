"""Throughput of all contenders, side by side: rounds of them in turn, on one Kafka.

    python -m benchmarks [--workload steady] [--callbacks N] [--rounds 3]
                         [--contenders bare,ours] [--bootstrap-servers HOST:PORT]

Each round begins with another contender, so that no one always runs on what a certain other
one left behind. Who does not come to the end is left out from then on, and the others go on.
What was found is kept after each round. Exits 1 if any contender failed or its reports were
wrong.
"""

from __future__ import annotations

import argparse
import gc
import secrets
import sys
from collections.abc import Callable, Container, Iterator, Sequence

from confluent_kafka import KafkaException

from benchmarks import machine, results, stage, table
from benchmarks.contenders.every import CONTENDERS
from benchmarks.contenders.protocol import Contender
from benchmarks.race import Run, RunError, run
from benchmarks.traffic import Traffic
from benchmarks.workloads import WORKLOADS, Workload, workload
from tests.harness import Cluster


def main() -> None:
    """Run, print, save."""
    parser = _parser()
    given = parser.parse_args()
    whole = stage.is_whole(parser, given, "workload")
    wrong = False
    with stage.kafka(given.bootstrap_servers) as cluster:
        for name in given.workload:
            found = results.Throughput(
                workload=name, machine=machine.described(given.bootstrap_servers), runs=[]
            )
            for _ in rounds(cluster, workload(name), given, found):
                path = results.save(f"throughput-{name}", found, whole=whole)
            print(f"\n{table.throughput(found)}\n\nsaved as {path}")
            wrong |= bool(found.failed) or any(one.problems for one in found.runs)
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


def rounds(
    cluster: Cluster, mix: Workload, given: argparse.Namespace, found: results.Throughput
) -> Iterator[int]:
    """One round after the other on one workload; what comes of each is added to `found`."""
    able = _able(given.contenders, found)
    traffic = Traffic.of(mix, given.callbacks or mix.callbacks)
    gc.freeze()  # millions of records that nobody lets go
    print(f"{mix.name}: {traffic.measured:,} records behind the gate; {mix.says}")
    prefix = f"bench-{secrets.token_hex(3)}"
    for number in range(1, given.rounds + 1):
        first = (number - 1) % max(len(able), 1)
        for one in able[first:] + able[:first]:
            if one.name in found.failed:
                continue
            name = f"{prefix}-{one.name}-{number}"
            try:
                took = run(one, mix, traffic, cluster, number=number, name=name)
            except (RunError, KafkaException, OSError) as error:
                print(f"round {number}: {one.name} failed: {error}", flush=True)
                why = error.why if isinstance(error, RunError) else type(error).__name__
                found.failed[one.name] = f"round {number}, {why}"
            else:
                found.runs.append(took)
                _tell(took)
        yield number


def _able(names: Container[str], found: results.Throughput) -> list[Contender]:
    """Those of the contenders that this machine can run; of the others `found` is told why."""
    able: list[Contender] = []
    for one in CONTENDERS:
        if one.name not in names:
            continue
        if reason := one.missing():
            found.skipped[one.name] = reason
            print(f"{one.name} is skipped: {reason}")
        else:
            able.append(one)
    return able


def _tell(took: Run) -> None:
    rate = took.callbacks / took.seconds
    megabytes = took.peak_bytes / 1e6
    print(
        f"round {took.round}: {took.contender:<22} {rate:>9,.0f}/s   {took.seconds:6.2f} s   "
        f"cpu {took.cpu_s:6.2f} s   peak {megabytes:5,.0f} MB   {'; '.join(took.problems)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
