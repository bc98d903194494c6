"""What Kafka says of a group, seen from outside."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, TopicPartition

from consumer.cli.demo import group as module
from consumer.cli.demo.group import Group
from consumer.errors import SessionReportsError
from consumer.kafka.properties import ClientOptions
from tests.harness.cluster import Cluster, Sending
from tests.waiting import until


@pytest.mark.kafka
def test_a_group_at_work(bootstrap_servers: str, topic_prefix: str) -> None:
    """Which member has which partition, by its client's name, and how far behind each is."""
    cluster = Cluster(bootstrap_servers)
    topic = f"{topic_prefix}.callbacks"
    cluster.create(topic, partitions=2)
    cluster.send(topic, [Sending(b"{}", b"k", partition=number) for number in (0, 0, 0, 1)])
    options = ClientOptions(
        group=topic_prefix,
        transactional_id="none",
        common={"bootstrap.servers": bootstrap_servers},
    )
    with Group(options, topic, 2) as group:
        group.look()
        assert group.standing.owners == {}
        assert [group.standing.lag(number) for number in (0, 1, 2)] == [3, 1, 0]
        member = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": topic_prefix,
                "client.id": "member-7",
                "enable.auto.commit": False,
            }
        )
        try:
            member.subscribe([topic])

            def has_both() -> bool:
                member.poll(0.05)
                group.look()
                return group.standing.partitions_of("member-7") == [0, 1]

            until(has_both, "the member has both partitions")
            member.commit(offsets=[TopicPartition(topic, 0, 2)], asynchronous=False)
            group.look()
        finally:
            member.close()

        assert [group.standing.lag(number) for number in (0, 1)] == [1, 1]
        assert group.standing.partitions_of("another") == []


def test_a_kafka_that_has_gone_is_an_error_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may only be electing: at first what was known stays."""
    monkeypatch.setattr(module, "ANSWER_S", 0.1)
    options = ClientOptions(
        group="g", transactional_id="t", common={"bootstrap.servers": "127.0.0.1:1"}
    )
    with Group(options, "callbacks", 2) as group:
        group.look()
        monkeypatch.setattr(module, "PATIENCE_S", 0.0)
        with pytest.raises(SessionReportsError, match=r"Kafka at 127.0.0.1:1 has not answered"):
            group.look()
