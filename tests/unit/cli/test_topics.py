from __future__ import annotations

import pytest

from tests.harness import Cluster
from tests.unit.cli.conftest import Command


@pytest.mark.kafka
def test_makes_what_is_missing_and_leaves_the_rest(
    command: Command, bootstrap_servers: str, topic_prefix: str
) -> None:
    """All five topics are there afterwards; one that was there keeps its partitions."""
    cluster = Cluster(bootstrap_servers)
    names = ("callbacks", "reports", "metrics", "dead_letters")
    cluster.create(f"{topic_prefix}.callbacks", partitions=2)
    given = [
        word
        for one in (
            f"kafka.bootstrap.servers={bootstrap_servers}",
            f"app.id={topic_prefix}",
            "topics.partitions=3",
            *(f"topics.{name}={topic_prefix}.{name}" for name in names),
        )
        for word in ("--set", one)
    ]
    first = command("topics", "create", *given)
    second = command("topics", "create", *given)

    assert (first.code, second.code) == (0, 0)
    assert first.out.count("made ") == 4
    assert f"exists  {topic_prefix}.callbacks\n" in first.out
    assert second.out.count("exists ") == 5
    assert cluster.partitions(f"{topic_prefix}.callbacks") == 2
    assert cluster.partitions(f"{topic_prefix}.reports") == 3
    assert cluster.partitions(f"{topic_prefix}.state") == 2
