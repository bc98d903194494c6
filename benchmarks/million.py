"""A million open txids of one device each: what they take in memory, and how long a restart.

Memory is measured twice: what the process takes (resident set, of Linux) and what the daemon's
own account says (`session_reports_state_bytes`), which is what `limits.state_bytes` bounds.
Nothing is emitted meanwhile. After the restart all txids are there again, from the state log.

    python -m benchmarks.million [--txids 1000000]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Producer
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.throughput import entries
from consumer.cli.simulate import send
from consumer.daemon import client_options, topics_of
from consumer.embedded import EmbeddedKafka
from consumer.kafka import properties
from consumer.settings.load import load

PARTITIONS = 4
LIMIT_S = 900.0
LOOK_S = 0.5
SETTLED_S = 12.0
"""Gauges are set every 10 s."""


class Member(NamedTuple):
    """The daemon as a process, and its log."""

    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def resident_bytes(self) -> int:
        """What it takes in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        (line,) = (one for one in status.splitlines() if one.startswith("VmRSS:"))
        return int(line.split()[1]) * 1_024

    def ready(self) -> list[dict[str, str]]:
        """Log lines of the partitions that run."""
        return [one for one in entries(self.log_path) if one["event"] == "restored"]

    def gauge(self, name: str) -> float:
        """A metric; -1 before all partitions run."""
        if len(self.ready()) < PARTITIONS:
            return -1
        url = next(one["http"] for one in entries(self.log_path) if "http" in one)
        with urllib.request.urlopen(f"{url}/metrics", timeout=60) as answer:  # noqa: S310 - http
            families = text_string_to_metric_families(answer.read().decode())
            (family,) = (one for one in families if one.name == f"session_reports_{name}")
            return sum(sample.value for sample in family.samples)

    def await_open(self, txids: int) -> None:
        """Wait until so many txids are open."""
        deadline_s = time.monotonic() + LIMIT_S
        while (found := self.gauge("open_txids")) != txids:
            if time.monotonic() > deadline_s or self.process.poll() is not None:
                raise SystemExit(f"{found:,.0f} of {txids:,} txids are open")
            time.sleep(LOOK_S)


def main() -> None:
    """Fill the state, look at it, restart, and look again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--txids", type=int, default=1_000_000)
    txids = parser.parse_args().txids
    with EmbeddedKafka(on_progress=print) as kafka, tempfile.TemporaryDirectory() as folder:
        overrides = [
            f"kafka.bootstrap.servers={kafka.bootstrap_servers}",
            f"topics.partitions={PARTITIONS}",
            "http.port=0",
            "log.format=json",
            "completion.inactivity=12h",
            "limits.state_bytes=8GiB",
        ]
        settings = load(None, overrides, {})
        options = client_options(settings)
        topics_of(settings, options).create()
        producer = properties.create(Producer, properties.simulator(options))
        with running(overrides, Path(folder)) as member:
            member.await_open(0)
            empty_bytes = member.resident_bytes
            began_s = time.monotonic()
            send(callbacks(txids), producer, settings.topics.callbacks, paced=False)
            member.await_open(txids)
            print(f"{txids:,} txids open after {time.monotonic() - began_s:.0f} s")
            tell(member, txids, empty_bytes)
        began_s = time.time()
        with running(overrides, Path(folder)) as member:
            member.await_open(txids)
            ready = member.ready()
            restored = sum(int(one["txids"]) for one in ready)
            took = [float(one["seconds"]) for one in ready]
            last_s = max(datetime.fromisoformat(one["timestamp"]).timestamp() for one in ready)
            print(
                f"restart: {restored:,} txids restored, the last of {len(ready)} partitions ready "
                f"{last_s - began_s:.1f} s after the start (restore alone {max(took):.1f} s)"
            )
            tell(member, txids, empty_bytes)


@contextmanager
def running(overrides: list[str], folder: Path) -> Iterator[Member]:
    """A member until the block ends; it must end in good order."""
    log_path = folder / "log"
    command = [sys.executable, "-m", "consumer", "run"]
    command += [part for override in overrides for part in ("--set", override)]
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield Member(process, log_path)
    finally:
        process.terminate()
        if code := process.wait():
            print(f"the member ended with {code}", log_path.read_text()[-2_000:], sep="\n")


def callbacks(txids: int) -> Iterator[tuple[bytes | None, bytes, int]]:
    """One of each txid, with names as long as ThingSpace's."""
    for number in range(txids):
        txid = b"%08x-9c0b-4c8e-8b5f-0123456789ab" % number
        item = b'{"imei":"%015d","numberOfSessions":%d,"bytesTransferred":%d}'
        item %= (number, number % 50, number % 99_991)
        yield txid, b'{"txid":"%s","usage":[%s]}' % (txid, item), 0


def tell(member: Member, txids: int, empty_bytes: int) -> None:
    """What they take."""
    time.sleep(SETTLED_S)
    resident, account = member.resident_bytes, member.gauge("state_bytes")
    print(
        f"    resident {resident / 1e6:,.0f} MB, {(resident - empty_bytes) / txids:,.0f} bytes "
        f"per txid; by the daemon's own account {account / txids:,.0f} bytes per txid"
    )


if __name__ == "__main__":
    main()
