"""Many open txids: what a restart takes, and what they take in memory.

    python -m benchmarks.restore [--txids 1000000] [--bootstrap-servers HOST:PORT]

Twice: so many txids of one device each, and a tenth of them with ten devices each. A member
takes them all in and is stopped; another one takes over. Memory is measured twice: what the
process has resident beyond what it had empty, and the daemon's own account, which is what
`limits.state_bytes` bounds. Nothing is emitted meanwhile.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import msgspec

from benchmarks import machine, results, stage, usage
from benchmarks.contenders import ours
from benchmarks.job import Job
from benchmarks.traffic import deliver
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
from tests.harness import Cluster, Member

LIMIT_S = 1_800.0
SETTINGS = {
    "completion.device_limit": "0",
    "completion.inactivity": "12h",
    "limits.state_bytes": "16GiB",
    "log.format": "json",
}


class Restart(msgspec.Struct, kw_only=True):
    """What was found with one shape of state."""

    txids: int
    devices: int
    ready_s: float
    """From the start of the process to its last partition being worked on."""
    restore_s: float
    """Of it, for the partition that took longest to read."""
    resident_bytes: int
    """Beyond an empty member, of the member that took them in."""
    restored_bytes: int
    """Likewise, of the one that restored them."""
    account_bytes: int


def main() -> None:
    """Measure both shapes, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restore", description=__doc__)
    parser.add_argument("--txids", type=int, default=1_000_000)
    stage.add_option(parser)
    given = parser.parse_args()
    facts = machine.described(given.bootstrap_servers)
    with stage.kafka(given.bootstrap_servers) as cluster:
        found = [
            measured(cluster, txids=given.txids, devices=1),
            measured(cluster, txids=given.txids // 10, devices=10),
        ]
    restore = {_shape(one): _restart(one) for one in found}
    memory = {f"{_shape(one)}, bytes each": _memory(one) for one in found}
    whole = stage.is_whole(parser, given)
    for name, figures in {"restore": restore, "memory": memory}.items():
        results.publish(name, facts, figures, whole=whole)


def measured(cluster: Cluster, *, txids: int, devices: int) -> Restart:
    """Fill the state, look at it, restart, and look again."""
    name = f"bench-{secrets.token_hex(3)}-restore"
    job = Job(servers=cluster.bootstrap_servers, name=name, settings=SETTINGS)
    with stage.topics(cluster, job):
        with running(job) as member:
            member.await_ready(stage.PARTITIONS, LIMIT_S)
            empty_bytes = usage.resident_bytes(member.pid)
            options = Options(
                requests=txids,
                devices_min=devices,
                devices_max=devices,
                silent=0,
                retries=0,
                acknowledgements=0,
                interleaving=2_000,
                rate=200_000,
            )
            deliver(Plan(options).records(), cluster, job.callbacks)
            items = txids * devices
            member.await_metric("items_total", items, LIMIT_S)
            member.await_metric("open_txids", txids, LIMIT_S)
            resident_bytes = usage.resident_bytes(member.pid) - empty_bytes
            account_bytes = int(member.metric("state_bytes"))
        began_s = time.time()
        with running(job) as member:
            member.await_log("restored", stage.PARTITIONS, LIMIT_S)
            restored = member.seen("restored")
            member.await_metric("open_txids", txids, LIMIT_S)
            restored_bytes = usage.resident_bytes(member.pid) - empty_bytes
    assert sum(one["txids"] for one in restored) == txids, "a txid is lost"
    return Restart(
        txids=txids,
        devices=devices,
        ready_s=max(map(_when_s, restored)) - began_s,
        restore_s=max(one["seconds"] for one in restored),
        resident_bytes=resident_bytes,
        restored_bytes=restored_bytes,
        account_bytes=account_bytes,
    )


@contextmanager
def running(job: Job) -> Iterator[Member]:
    """A member until the block ends; it must end in good order."""
    member = Member(ours.settings(job))
    try:
        yield member
        assert member.stop(LIMIT_S) == 0, member.errors()
    finally:
        member.close()


def _when_s(line: Mapping[str, str]) -> float:
    return datetime.fromisoformat(line["timestamp"]).timestamp()


def _shape(one: Restart) -> str:
    return f"{one.txids:,} txids of {one.devices}"


def _restart(one: Restart) -> str:
    rate = one.txids / one.restore_s
    return (
        f"{one.ready_s:.1f} s after the start of the process, "
        f"reading took {one.restore_s:.1f} s ({rate:,.0f} txids/s)"
    )


def _memory(one: Restart) -> str:
    sizes = (one.resident_bytes, one.restored_bytes, one.account_bytes)
    resident, restored, account = (f"{size / one.txids:,.0f}" for size in sizes)
    return f"{resident} resident, {restored} after a restart, {account} by its own account"


if __name__ == "__main__":
    main()
