"""Checking and making topics, on a real broker."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, says its manual
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from consumer.embedded import EmbeddedKafka
from consumer.errors import Action, ConfigError, Fault, UnreachableError
from consumer.kafka.topics import Plan, Topics
from tests.contract.world import Output
from tests.integration.kafka.world import World
from tests.waiting import until

pytestmark = pytest.mark.kafka


def plan(world: World) -> Plan:
    """Topics of this test, of which one partition count is unusual."""
    return Plan(
        callbacks=world.input,
        reports=world.reports,
        metrics=f"{world.prefix}.metrics",
        dead_letters=f"{world.prefix}.dead-letters",
        state=world.state,
        partitions=3,
        retention_ms=86_400_000,
    )


def topics(world: World, wanted: Plan | None = None) -> Topics:
    """The topics under test."""
    return Topics(world.options(), wanted or plan(world), 10)


def settings(world: World, topic: str) -> dict[str, str]:
    """The configuration of a topic, as another client sees it."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    entries = world.admin.describe_configs([resource])[resource].result(20)
    return {name: entry.value for name, entry in entries.items()}


class TestCreate:
    def test_makes_what_is_missing_as_it_must_be(self, world: World) -> None:
        """The topics then pass the check, and another run changes nothing."""
        made = topics(world).create()
        again = topics(world).create()

        assert list(made.created) == list(again.existing) == list(plan(world).names())
        assert made.existing == again.created == []
        facts = topics(world).check()
        assert facts.partitions == 3
        assert facts.batch_max_bytes == 1_048_588
        state = settings(world, world.state)
        assert (state["retention.ms"], state["retention.bytes"]) == ("-1", "-1")
        assert state["cleanup.policy"] == "delete"
        assert settings(world, world.reports)["retention.ms"] == "86400000"

    def test_the_state_topic_has_the_partitions_of_the_input(self, world: World) -> None:
        """Also where the input was there before with another count than the settings'."""
        world.make(world.input, 5, max_message_bytes="2000000")

        topics(world).create()

        assert topics(world).check().partitions == 5
        assert len(world.admin.list_topics(world.state, 10).topics[world.state].partitions) == 5
        letters = settings(world, plan(world).dead_letters)
        assert letters["max.message.bytes"] == str(2_000_000 + 64 * 1024)

    def test_the_state_topic_takes_the_largest_item_of_a_report(self, world: World) -> None:
        """As the topic of reports does: what may be reported must be kept until then."""
        wanted = dataclasses.replace(plan(world), report_bytes=3_000_000)
        topics(world, wanted).create()

        for name in (world.reports, world.state):
            assert settings(world, name)["max.message.bytes"] == "3004096"
        larger = dataclasses.replace(wanted, report_bytes=4_000_000)
        with pytest.raises(ConfigError) as caught:
            topics(world, larger).check()
        lines = str(caught.value).splitlines()
        assert [line.split(":")[0] for line in lines] == [
            "topics.reports",
            "topics.metrics",
            "topics.state",
        ]
        assert all("max.message.bytes=4004096" in line for line in lines)

    def test_a_dead_letter_may_be_of_any_time(self, world: World) -> None:
        """Whatever the broker's defaults and the input say."""
        limits = {f"message.timestamp.{side}.max.ms": "5000" for side in ("before", "after")}
        world.make(world.input, 1, **limits)

        topics(world).create()

        topics(world).check()
        made = settings(world, plan(world).dead_letters)
        assert {made[name] for name in limits} == {str(2**63 - 1)}

    def test_a_refusal_names_the_topic(self, world: World) -> None:
        """More replicas than brokers, for instance."""
        wanted = dataclasses.replace(plan(world), replication_factor=9)

        with pytest.raises(ConfigError, match=f"create topic {world.input}: "):
            topics(world, wanted).create()


class TestEnsureState:
    def test_makes_the_state_topic_once(self, world: World) -> None:
        """The daemon needs no one for it."""
        world.make(world.input, 2)

        assert topics(world).ensure_state()
        assert not topics(world).ensure_state()
        assert len(world.admin.list_topics(world.state, 10).topics[world.state].partitions) == 2


class TestCheck:
    def test_names_all_that_is_missing_and_the_command(self, world: World) -> None:
        """One line each; the state topic the daemon makes by itself."""
        world.make(world.reports)

        with pytest.raises(ConfigError) as caught:
            topics(world).check()

        lines = str(caught.value).splitlines()
        assert len(lines) == 3
        assert lines[0].startswith(f"topics.callbacks: there is no topic {world.input}")
        assert all("session-reports topics create" in line for line in lines)
        assert caught.value.exit_code == 78

    def test_names_all_that_does_not_fit(self, world: World) -> None:
        """Counts, sizes and retention in one go, by topic and setting."""
        world.make(world.input, 2)
        world.make(world.reports, max_message_bytes="500000")
        world.make(plan(world).metrics)
        world.make(plan(world).dead_letters, cleanup_policy="compact")
        world.make(world.state, 3, cleanup_policy="compact", retention_ms="1000")

        with pytest.raises(ConfigError) as caught:
            topics(world).check()

        lines = str(caught.value).splitlines()
        assert [line.split(":")[0] for line in lines] == [
            "topics.reports",
            "topics.dead_letters",
            "topics.dead_letters",
            "topics.state",
            "topics.state",
            "topics.state",
        ]
        assert "max.message.bytes of" in lines[0]
        assert "500000" in lines[0]
        assert str(1_048_588 + 64 * 1024) in lines[1]
        assert "compacted" in lines[2]
        assert "3 partitions" in lines[3]
        assert f"{world.input} has 2" in lines[3]
        assert "cleanup.policy" in lines[4]
        assert "retention.ms" in lines[5]

    def test_a_compacted_input_does_not_fit(self, world: World) -> None:
        """Kafka would throw away all callbacks of a txid but the last."""
        world.make(world.input, cleanup_policy="compact,delete")
        topics(world).create()

        with pytest.raises(ConfigError) as caught:
            topics(world).check()

        (line,) = str(caught.value).splitlines()
        assert line.startswith(f"topics.callbacks: {world.input} is compacted")
        assert f"--alter --topic {world.input} --add-config cleanup.policy=delete" in line

    @pytest.mark.parametrize("side", ["before", "after"])
    def test_dead_letters_must_take_the_times_of_the_input(self, world: World, side: str) -> None:
        """They keep the time of their record; the line holds the command that mends it."""
        name = f"message.timestamp.{side}.max.ms"
        world.make(world.input, 1, **{name: "5000"})
        limits = {"max.message.bytes": "1200000", name: "4999"}
        world.make(plan(world).dead_letters, 1, **limits)
        topics(world).create()

        with pytest.raises(ConfigError) as caught:
            topics(world).check()

        (line,) = str(caught.value).splitlines()
        assert line.startswith(f"topics.dead_letters: {name} of {plan(world).dead_letters} is 4999")
        setting = f"--topic {plan(world).dead_letters} --add-config {name}=5000"
        assert f"{world.servers['bootstrap.servers']} --alter {setting}` mends it" in line

    def test_a_transaction_time_out_above_the_brokers(self, world: World) -> None:
        """Kafka would refuse the producer later, in other words."""
        topics(world).create()
        options = world.options(producer={"transaction.timeout.ms": "900001"})

        with pytest.raises(ConfigError, match=r"transaction\.max\.timeout\.ms is 900000"):
            Topics(options, plan(world), 10).check()

    def test_a_kafka_that_is_not_there(self, world: World) -> None:
        """The line names the address, the time, and what the network said."""
        with socket.socket() as listener:  # bound, but nobody accepts
            listener.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            options = dataclasses.replace(world.options(), common={"bootstrap.servers": address})
            began = time.monotonic()

            with pytest.raises(UnreachableError) as caught:
                Topics(options, plan(world), 1.5).check()

        assert time.monotonic() - began < 5
        assert f"bootstrap.servers={address}" in str(caught.value)
        assert "kafka.connect_timeout (1.5 s)" in str(caught.value)
        assert "refused" in str(caught.value)
        assert caught.value.exit_code == 69


class TestPermissions:
    """A Kafka with an ACL that denies us some things."""

    def test_what_the_acl_does_not_permit_is_named(self, denied: World) -> None:
        """Seen at the start, by topic and operation."""
        with pytest.raises(ConfigError) as caught:
            topics(denied).check()

        assert str(caught.value) == (
            f"topics.reports: the ACL of {denied.reports} does not permit us WRITE"
        )

    def test_a_write_that_is_denied_stops_the_daemon(self, denied: World) -> None:
        """With the topic and a word about the ACL."""
        transactions = denied.transactions()
        transactions.init()
        transactions.begin()
        transactions.produce([Output(denied.reports, b"k", b"v")])

        with pytest.raises(Fault) as caught:
            transactions.flush()

        assert caught.value.cause == "unauthorized"
        assert caught.value.action is Action.GIVE_UP
        assert denied.reports in str(caught.value)
        assert "ACL" in str(caught.value)


@pytest.fixture(scope="module")
def guarded_kafka() -> Iterator[EmbeddedKafka]:
    """A Kafka that enforces ACLs and lets pass what none speaks of."""
    with EmbeddedKafka(
        settings={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true",
        }
    ) as kafka:
        yield kafka


@pytest.fixture
def denied(guarded_kafka: EmbeddedKafka, topic_prefix: str) -> Iterator[World]:
    """All topics, with writing to the reports denied to everyone."""
    world = World(guarded_kafka.bootstrap_servers, topic_prefix)
    topics(world).create()
    for operation, permission in [
        (AclOperation.ALL, AclPermissionType.ALLOW),
        (AclOperation.WRITE, AclPermissionType.DENY),
    ]:
        deny(world.admin, world.reports, operation, permission)
    until(lambda: not may_write(world), "the broker has heard of the ACL")
    yield world
    world.close()


def may_write(world: World) -> bool:
    """Whether we may write to the reports, by what the broker says."""
    answer = world.admin.describe_topics(
        TopicCollection([world.reports]), include_authorized_operations=True
    )[world.reports].result(20)
    return AclOperation.WRITE in (answer.authorized_operations or [])


def deny(
    admin: AdminClient, topic: str, operation: AclOperation, permission: AclPermissionType
) -> None:
    """Add an ACL for everyone on a topic."""
    binding = AclBinding(
        ResourceType.TOPIC,
        topic,
        ResourcePatternType.LITERAL,
        "User:*",
        "*",
        operation,
        permission,
    )
    admin.create_acls([binding])[binding].result(20)
