"""How much memory a member may take in all: `limits.state_bytes` is not the whole of it.

An upper bound for who gives a container its limit, part by part, so that one sees which
setting to turn. Of transactions there are two: one on its way, kept for a second try, and
one that is being filled. In practice they stay far below: they are full only when as many
reports as fit fall due at once, and all of them are large.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from consumer.kafka import footprint
from consumer.kafka.properties import ClientOptions
from consumer.settings.model import Settings

PROCESS_BYTES = 64 * 2**20
"""Python, its modules and the threads of idle clients; 49 MiB measured."""

STATE_ERROR = 1.25
"""The account of the state is within a quarter of the truth (DESIGN 2.3.2)."""
TRANSACTIONS = 2

_UNITS = (("GiB", 2**30, 1), ("MiB", 2**20, 0))


class Part(NamedTuple):
    """A share of the memory, and where it comes from."""

    size_bytes: int
    of: str


def parts(settings: Settings, options: ClientOptions, partitions: int) -> list[Part]:
    """All shares; `options` are such that librdkafka takes them."""
    limits = settings.limits
    state_bytes = limits.state_bytes
    reports_bytes = min(settings.commit.max_reports * limits.report_bytes, state_bytes)
    fetched = footprint.fetched_bytes(options, partitions)
    return [
        Part(
            round(STATE_ERROR * state_bytes),
            "state, shared by the partitions: limits.state_bytes, whose account is good to 25 %",
        ),
        Part(
            TRANSACTIONS * reports_bytes,
            "reports of two transactions, one being committed: 2 x (commit.max_reports x "
            "limits.report_bytes, at most the state)",
        ),
        Part(
            TRANSACTIONS * state_bytes,
            "state records of the same, each at most as much as the state",
        ),
        Part(
            footprint.queued_bytes(options),
            "records on their way out: kafka.producer.queue.buffering.max.kbytes",
        ),
        Part(
            fetched,
            "records fetched ahead, callbacks and state log: 2 x "
            f"(kafka.consumer.queued.max.messages.kbytes + {partitions} partitions x "
            "kafka.consumer.max.partition.fetch.bytes)",
        ),
        Part(PROCESS_BYTES, "the process itself"),
    ]


def lines(settings: Settings, options: ClientOptions, partitions: int) -> Iterator[str]:
    """The sum, then each share with the settings that make it."""
    shares = parts(settings, options, partitions)
    total = shown(sum(share.size_bytes for share in shares))
    yield f"memory: at most {total}, with all of this full at once"
    for share in shares:
        yield f"  {shown(share.size_bytes):>8}  {share.of}"


def shown(size_bytes: int) -> str:
    """For people: `1.5 GiB`, `136 MiB`."""
    for unit, factor, decimals in _UNITS:
        if size_bytes >= factor:
            return f"{size_bytes / factor:.{decimals}f} {unit}"
    return f"{size_bytes / 2**10:.0f} KiB"
