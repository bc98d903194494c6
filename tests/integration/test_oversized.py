"""A record that its topic does not take: nothing of the transaction stays, and it is said."""

from __future__ import annotations

import hashlib

import pytest

from tests.harness import Member, Sending, Stage
from tests.harness.records import OLD_MS, callback, tick, usage

pytestmark = pytest.mark.kafka

LARGE = "".join(hashlib.sha256(b"%d" % number).hexdigest() for number in range(600))
"""Text that compression can halve, but not make small: brokers measure what arrives."""


@pytest.fixture
def member(stage: Stage) -> Member:
    """A member that runs already: its start has checked the topics, and state is there."""
    stage.create(inactivity_ms=1_000, window_ms=1_000, device_limit=2)
    stage.settings = {"completion.idle": "1h"}
    member = stage.member()
    stage.send([callback("open", usage("1"), at_ms=OLD_MS)])
    stage.await_exact()
    return member


def refused(stage: Stage, member: Member, topic: str, records: list[Sending]) -> None:
    """Send records of which the last makes an output too large for `topic`; the daemon gives up.

    What is committed is whole up to some record before that. Then, the topic taking it, a new
    start goes on from there as if nothing had been.
    """
    limit = stage.cluster.setting(topic, "max.message.bytes")
    stage.cluster.configure(topic, "max.message.bytes", "10000")
    stage.send(records)
    assert member.wait() == 1
    (line,) = member.errors()
    assert f"topic {topic}" in line
    assert "max.message.bytes" in line
    assert not stage.is_consumed()
    assert stage.exact_problems() == []
    stage.cluster.configure(topic, "max.message.bytes", limit)
    stage.send([tick(0, OLD_MS + 60_000)])
    stage.member()
    stage.await_exact()


def test_an_oversized_report_commits_nothing(stage: Stage, member: Member) -> None:
    """Neither the reports, dead letters and metrics beside it, nor state and offsets."""
    large = usage("1") | {"note": LARGE}
    refused(
        stage,
        member,
        stage.reports,
        [
            callback("small", usage("1"), at_ms=OLD_MS + 10),
            callback("small", usage("2"), at_ms=OLD_MS + 10),
            Sending(b"no JSON", b"bad", timestamp_ms=OLD_MS + 1_200),
            callback("large", large, at_ms=OLD_MS + 1_300),
            callback("large", usage("2"), at_ms=OLD_MS + 1_300),
        ],
    )
    assert stage.txids() == ["large", "open", "small"]


def test_an_oversized_dead_letter_commits_nothing(stage: Stage, member: Member) -> None:
    """A record that cannot be used must not vanish because it cannot be set aside either."""
    refused(
        stage,
        member,
        stage.dead_letters,
        [
            callback("small", usage("1"), at_ms=OLD_MS + 10),
            callback("small", usage("2"), at_ms=OLD_MS + 10),
            Sending(LARGE.encode(), b"bad", timestamp_ms=OLD_MS + 20),
        ],
    )
    assert len(stage.read(stage.dead_letters)) == 1


def test_an_oversized_state_record_commits_nothing(stage: Stage, member: Member) -> None:
    """The state log belongs to the same transaction."""
    large = usage("1") | {"note": LARGE}
    refused(
        stage,
        member,
        stage.state,
        [Sending(b"no JSON", b"bad", timestamp_ms=OLD_MS), callback("large", large, at_ms=OLD_MS)],
    )
    assert stage.txids() == ["large", "open"]


def test_a_record_above_the_clients_own_limit_commits_nothing(stage: Stage, member: Member) -> None:
    """What the client library refuses before any broker has seen it ends in the same way."""
    stage.cluster.configure(stage.callbacks, "max.message.bytes", "12000000")
    huge = callback("huge", usage("1") | {"note": "x" * 11_000_000}, at_ms=OLD_MS)
    limits = {"message_max_bytes": "12000000", "compression_type": "lz4"}
    stage.cluster.send(stage.callbacks, [huge], **limits)
    assert member.wait() == 1
    (line,) = member.errors()
    assert f"topic {stage.dead_letters}" in line
    assert "max.message.bytes" in line
    assert stage.committed() == {0: 1}
    assert stage.exact_problems() == []
