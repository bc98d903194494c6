"""The memory that a member may take."""

from __future__ import annotations

import pytest

from consumer.cli import memory
from consumer.daemon import client_options
from consumer.settings.load import load
from tests.unit.cli.conftest import Command

MIB = 2**20


def shares(*given: str, partitions: int = 4) -> list[int]:
    """Bytes of each share with these settings."""
    settings = load(None, given)
    return [one.size_bytes for one in memory.parts(settings, client_options(settings), partitions)]


def test_every_share_follows_its_settings() -> None:
    """State, two transactions, records on their way out and in, and the process."""
    given = (
        "limits.state_bytes=100MiB",
        "commit.max_reports=50",
        "limits.report_bytes=1MiB",
        "kafka.producer.queue.buffering.max.kbytes=2048",
        "kafka.queued.max.messages.kbytes=1024",
        "kafka.consumer.max.partition.fetch.bytes=1048576",
    )
    assert shares(*given, partitions=3) == [
        125 * MIB,
        2 * 50 * MIB,
        2 * 100 * MIB,
        2 * MIB,
        2 * (1 + 3) * MIB,
        memory.PROCESS_BYTES,
    ]


def test_a_transaction_holds_no_more_than_there_is() -> None:
    """Its reports come out of the state."""
    assert shares("limits.state_bytes=100MiB")[1] == 2 * 100 * MIB


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (3 * 2**30 + 2**29, "3.5 GiB"),
        (2**30, "1.0 GiB"),
        (136 * MIB, "136 MiB"),
        (900_000, "879 KiB"),
    ],
)
def test_sizes_are_for_people(size_bytes: int, text: str) -> None:
    """Not every byte of them."""
    assert memory.shown(size_bytes) == text


def test_the_total_is_the_sum_of_what_is_listed(command: Command) -> None:
    """Each share on a line with the settings to turn."""
    given = ("limits.state_bytes=2GiB", "kafka.producer.queue.buffering.max.kbytes=3145728")
    ended = command("check", *(word for one in given for word in ("--set", one)))

    _, _, total, *listed = ended.out.splitlines()
    assert total == "memory: at most 13.7 GiB, with all of this full at once"
    assert [line.split("  ")[-2].strip() for line in listed] == [
        "2.5 GiB",
        "4.0 GiB",
        "4.0 GiB",
        "3.0 GiB",
        "136 MiB",
        "64 MiB",
    ]
    assert "limits.state_bytes" in listed[0]
    assert "kafka.producer.queue.buffering.max.kbytes" in listed[3]
