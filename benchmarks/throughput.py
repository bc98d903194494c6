"""A first figure: `session-reports run` against the bare consume loop, in one run.

Both read the same topic of the same Kafka, in turns, so that whatever else the machine does
hits both. The bare loop (`consume(10000)`, tuned fetching, nothing done with the records) is
the ceiling of any Python consumer. Ours is the daemon with default settings, exactly once,
from its first partition being ready to the commit of the last report; what it wrote is then
read back and checked.

    python -m benchmarks.throughput [--callbacks 1000000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from consumer.cli.simulate import send
from consumer.daemon import client_options, topics_of
from consumer.embedded import EmbeddedKafka
from consumer.kafka import properties
from consumer.settings.load import load
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan

DEVICES = 10
PARTITIONS = 4
LIMIT_S = 600.0
LOOK_S = 0.05


def main() -> None:
    """Produce once, then measure both in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callbacks", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    requests = given.callbacks // DEVICES
    plan = Plan(
        Options(
            requests=requests,
            devices_min=DEVICES,
            devices_max=DEVICES,
            silent=0,
            retries=0,
            acknowledgements=0,
            interleaving=2_000,
            rate=200_000,
        )
    )
    with EmbeddedKafka(on_progress=print) as kafka:
        base = [
            f"kafka.bootstrap.servers={kafka.bootstrap_servers}",
            f"topics.partitions={PARTITIONS}",
            "http.port=0",
        ]
        settings = load(None, base, {})
        options = client_options(settings)
        topics_of(settings, options).create()
        producer = properties.create(Producer, properties.simulator(options))
        sent = send(plan.records(), producer, settings.topics.callbacks, paced=False)
        print(f"{sent:,} callbacks of {requests:,} txids on {PARTITIONS} partitions")
        ratios = []
        for number in range(1, given.rounds + 1):
            bare = sent / bare_loop(kafka.bootstrap_servers, settings.topics.callbacks, sent)
            ours = sent / daemon(base, number, requests)
            ratios.append(ours / bare)
            print(
                f"round {number}: bare loop {bare:>9,.0f}/s   run {ours:>9,.0f}/s   "
                f"ratio {ours / bare:.2f}"
            )
    print(f"median ratio to the bare loop: {statistics.median(ratios):.2f}")


def bare_loop(servers: str, topic: str, records: int) -> float:
    """Seconds from the first record to the last."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "bare",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 5,
        }
    )
    consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(PARTITIONS)])
    read, began_s = 0, 0.0
    while read < records:
        messages = consumer.consume(10_000, 0.05)
        if messages and not read:
            began_s = time.monotonic()
        read += len(messages)
    seconds = time.monotonic() - began_s
    consumer.close()
    return seconds


def daemon(base: list[str], number: int, requests: int) -> float:
    """Seconds from the first partition being ready to the commit of the last report."""
    reports = f"reports.{number}"
    overrides = [
        *base,
        f"app.id=round{number}",
        f"topics.reports={reports}",
        f"topics.metrics=metrics.{number}",
        f"topics.dead_letters=dead-letters.{number}",
        "log.format=json",
    ]
    settings = load(None, overrides, {})
    topics_of(settings, client_options(settings)).create()
    with tempfile.TemporaryDirectory() as folder, member(overrides, Path(folder)) as log_path:
        deadline_s = time.monotonic() + LIMIT_S
        while emitted(log_path) < requests:
            if time.monotonic() > deadline_s:
                raise SystemExit(f"only {emitted(log_path)} of {requests} reports")
            time.sleep(LOOK_S)
        ended_s = time.time()
        began_s = min(
            datetime.fromisoformat(entry["timestamp"]).timestamp()
            for entry in entries(log_path)
            if entry["event"] == "restored"
        )
    verify(client_options(settings).bootstrap_servers, reports, requests)
    return ended_s - began_s


@contextmanager
def member(overrides: list[str], folder: Path) -> Iterator[Path]:
    """The daemon as a process; yields the path of its log."""
    log_path = folder / "log"
    command = [sys.executable, "-m", "consumer", "run"]
    command += [part for override in overrides for part in ("--set", override)]
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield log_path
    finally:
        process.terminate()
        process.wait()


def entries(log_path: Path) -> list[dict[str, str]]:
    """The log so far."""
    return [json.loads(line) for line in log_path.read_text().splitlines() if line[:1] == "{"]


def emitted(log_path: Path) -> int:
    """Reports committed, by the daemon's own counter (what it wrote is checked afterwards)."""
    urls = [entry["http"] for entry in entries(log_path) if "http" in entry]
    if not urls:
        return 0
    with urllib.request.urlopen(f"{urls[0]}/metrics", timeout=10) as answer:  # noqa: S310 - http
        families = text_string_to_metric_families(answer.read().decode())
        return sum(
            int(sample.value)
            for family in families
            if family.name == "session_reports_reports_emitted"
            for sample in family.samples
        )


def verify(servers: str, topic: str, requests: int) -> None:
    """Every txid has one report with all its devices, as a read_committed reader sees it."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "verify",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(PARTITIONS)])
    txids: set[str] = set()
    ended = 0
    while ended < PARTITIONS:
        for message in consumer.consume(5_000, 0.2):
            if message.error() is not None:
                ended += 1
                continue
            report = json.loads(message.value() or b"")
            devices = len(report["usage"]) + len(report["errors"])
            if devices != DEVICES or report["txid"] in txids:
                raise SystemExit(f"wrong report: {report['txid']}")
            txids.add(report["txid"])
    consumer.close()
    if len(txids) != requests:
        raise SystemExit(f"{len(txids)} of {requests} reports")


if __name__ == "__main__":
    main()
