"""How long a report takes: from its txid's last callback until anyone can read it.

    python -m benchmarks.latency [--rate 10000] [--seconds 60] [--bootstrap-servers HOST:PORT]

Requests of ten devices at a constant rate. The time runs from the moment at which the last
callback is handed to the producer, in the feeder's process, to the moment at which a
read_committed consumer returns the report, in this one. Both read the clock of the machine.
The first seconds do not count.
"""

from __future__ import annotations

import argparse
import secrets
import time
from contextlib import closing

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from benchmarks import machine, results, stage
from benchmarks.contenders import ours
from benchmarks.feeder import Feeder, feeding
from benchmarks.figures import percentile
from benchmarks.job import Job
from consumer.simulator.options import Options
from tests.harness import Cluster, Member

DEVICES = 10
WARM_UP_S = 5
LIMIT_S = 120.0


class Report(msgspec.Struct):
    """All that is looked at."""

    txid: str


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("--rate", type=int, default=10_000, help="callbacks per second")
    parser.add_argument("--seconds", type=int, default=60)
    stage.add_option(parser)
    given = parser.parse_args()
    facts = machine.described(given.bootstrap_servers)
    options = Options(
        requests=given.rate * (given.seconds + WARM_UP_S) // DEVICES,
        devices_min=DEVICES,
        devices_max=DEVICES,
        silent=0,
        retries=0,
        acknowledgements=0,
        interleaving=2_000,
        rate=given.rate,
    )
    with stage.kafka(given.bootstrap_servers) as cluster:
        waits_s, rate = measured(cluster, options)
    figures = {"callbacks/s": f"{rate:,.0f}", "reports": f"{len(waits_s):,}"}
    for name, share in {"p50": 0.5, "p90": 0.9, "p99": 0.99, "longest": 1.0}.items():
        figures[name] = f"{percentile(waits_s, share) * 1_000:,.0f} ms"
    results.publish("latency", facts, figures, whole=stage.is_whole(parser, given))


def measured(cluster: Cluster, options: Options) -> tuple[list[float], float]:
    """Seconds that each report took, and the rate at which callbacks were sent."""
    name = f"bench-{secrets.token_hex(3)}-latency"
    job = Job(servers=cluster.bootstrap_servers, name=name)
    with stage.topics(cluster, job), closing(Member(ours.settings(job))) as member:
        member.await_ready(stage.PARTITIONS, LIMIT_S)
        with feeding(job.servers, job.callbacks, options) as feeder:
            read = _read(job, feeder, options.requests)
            sent = feeder.last_sent()
    assert read.keys() == {txid.decode() for txid in sent}
    first_s, last_s = min(sent.values()), max(sent.values())
    waits_s = [
        read[txid.decode()] - sent_s
        for txid, sent_s in sent.items()
        if sent_s > first_s + WARM_UP_S
    ]
    return waits_s, options.requests * DEVICES / (last_s - first_s)


def _read(job: Job, feeder: Feeder, reports: int) -> dict[str, float]:
    """By txid, when its report was there to be read."""
    consumer = Consumer(
        {
            "bootstrap.servers": job.servers,
            "group.id": f"{job.name}-reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }
    )
    places = range(stage.PARTITIONS)
    consumer.assign([TopicPartition(job.reports, number, OFFSET_BEGINNING) for number in places])
    read: dict[str, float] = {}
    quiet_since_s = time.time()
    with closing(consumer):
        while len(read) < reports:
            message = consumer.poll(1.0)
            now_s = time.time()
            if message is not None:
                read[msgspec.json.decode(message.value() or b"", type=Report).txid] = now_s
                quiet_since_s = now_s
            elif feeder.is_done() and now_s > quiet_since_s + LIMIT_S:
                raise SystemExit(f"only {len(read):,} of {reports:,} reports")
    return read


if __name__ == "__main__":
    main()
