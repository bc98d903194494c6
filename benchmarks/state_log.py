"""What an hour of traffic leaves in the state log, and what it writes there per callback.

    python -m benchmarks.state_log [--rate 1000] [--minutes 60]

An hour of simulated time, so it takes minutes: records carry the simulation's times, every 200 ms
of those one commit is made of what came. The aggregation and the state log are the real ones,
of one partition, with default settings; a counter stands in for Kafka. *Live* is what the log
would hold if every known txid were written whole now.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks import machine, results, stage
from benchmarks.figures import percentile
from consumer.aggregation.partition import PartitionAggregator
from consumer.daemon import pipeline_policy
from consumer.kafka.topics import Facts
from consumer.pipeline.state_log import StateLog
from consumer.settings.load import load
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan

BEGAN_MS = 1_700_000_000_000
COMMIT_MS = 200
WITHOUT_BOUND = 2**63


class Batch(NamedTuple):
    """The records of one commit, as the aggregation takes them."""

    offsets: list[int]
    timestamps: list[int]
    keys: list[bytes | None]
    values: list[bytes | None]


class Log(NamedTuple):
    """What the log came to."""

    callbacks: int
    commits: int
    written_bytes: int
    ratios: list[float]
    """Length over live bytes, once a minute."""
    length_bytes: int
    live_bytes: int
    txids: int


def main() -> None:
    """Simulate, print, save."""
    gc.disable()  # as the daemon does; there are no cycles
    parser = argparse.ArgumentParser(prog="python -m benchmarks.state_log", description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000, help="callbacks per second")
    parser.add_argument("--minutes", type=int, default=60)
    given = parser.parse_args()
    facts = machine.described(None)
    log = simulated(
        Options(requests=given.rate * given.minutes * 60 // 10, devices_min=10, rate=given.rate)
    )
    figures = {
        "callbacks": f"{log.callbacks:,} in {log.commits:,} commits",
        "written per callback": f"{log.written_bytes / log.callbacks:,.0f} bytes",
        "txids in state at the end": f"{log.txids:,}",
        "live at the end": f"{log.live_bytes / 1e6:,.1f} MB",
        "length over live at the end": f"{log.length_bytes / log.live_bytes:.2f}",
        "the most in any minute after the first": f"{percentile(log.ratios[1:], 1.0):.2f}",
    }
    results.publish("state-log", facts, figures, whole=stage.is_whole(parser, given))


def simulated(options: Options) -> Log:
    """All of a simulation through one partition."""
    policy = pipeline_policy(load(None, (), {}), Facts(1, 1, 1_000_000, 1_000_000)).aggregation
    aggregator, log = PartitionAggregator(0, policy), StateLog("simulated", 0)
    commits = written = callbacks = next_offset = 0
    ratios: list[float] = []
    for batch in _commits(options):
        end_ms = batch.timestamps[-1]
        applied = aggregator.apply(batch, 0, end_ms, WITHOUT_BOUND)
        assert applied == len(batch.offsets)
        values = log.append(aggregator, aggregator.take())
        log.delivered(next_offset)
        next_offset += len(values) + 1  # Kafka's own mark at the end of a transaction
        commits += 1
        callbacks += len(batch.offsets)
        written += sum(map(len, values))
        if end_ms - BEGAN_MS >= (len(ratios) + 1) * 60_000:
            ratios.append(log.length_bytes / log.live_bytes)
    txids = len(aggregator.table)
    ratios = ratios or [log.length_bytes / log.live_bytes]
    return Log(callbacks, commits, written, ratios, log.length_bytes, log.live_bytes, txids)


def _commits(options: Options) -> Iterator[Batch]:
    """The simulation's records, those of one commit interval at a time."""
    batch, until_ms = Batch([], [], [], []), BEGAN_MS + COMMIT_MS
    for offset, (key, value, after_ms) in enumerate(Plan(options).records()):
        at_ms = BEGAN_MS + after_ms
        if at_ms >= until_ms and batch.offsets:
            yield batch
            batch, until_ms = Batch([], [], [], []), at_ms + COMMIT_MS
        batch.offsets.append(offset)
        batch.timestamps.append(at_ms)
        batch.keys.append(key)
        batch.values.append(value)
    yield batch


if __name__ == "__main__":
    main()
