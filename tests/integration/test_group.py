"""Members of a group under both group protocols: a standby, and static ones that come back."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from consumer.embedded import EmbeddedKafka
from consumer.simulator.options import Options
from tests.harness import Sending, Stage
from tests.harness.records import OLD_MS, simulated, tick

pytestmark = pytest.mark.kafka

SESSION_S = 6
"""How long the brief Kafka counts on a member of the new protocol that is not heard of."""
LONG_SESSION_S = 60
TORN_DOWN = "tore the pipeline down; restoring from Kafka"
PROTOCOLS = pytest.mark.parametrize("protocol", ["classic", "consumer"])


@pytest.fixture(scope="module")
def brief_kafka() -> Iterator[EmbeddedKafka]:
    """With `group.protocol=consumer` the session's length is the broker's."""
    settings = {
        "group.consumer.heartbeat.interval.ms": "1000",
        "group.consumer.session.timeout.ms": f"{SESSION_S * 1000}",
    }
    with EmbeddedKafka(settings=settings) as kafka:
        yield kafka


@pytest.fixture
def brief_stage(brief_kafka: EmbeddedKafka, topic_prefix: str) -> Iterator[Stage]:
    """An application of this test alone on the brief Kafka, that lives by its records' times."""
    with Stage(brief_kafka.bootstrap_servers, topic_prefix) as stage:
        stage.create(partitions=2, inactivity_ms=2_000, window_ms=5_000)
        stage.settings = {"completion.idle": "1h"}
        yield stage


def halves(seed: int) -> tuple[list[Sending], list[Sending]]:
    """Records with requests under way in the middle; all is closed at the end."""
    records = list(simulated(Options(requests=100, rate=100, silent=0.2, seed=seed), OLD_MS))
    middle = len(records) // 2
    ends = [tick(partition, OLD_MS + 600_000) for partition in range(2)]
    return records[:middle], [*records[middle:], *ends]


@PROTOCOLS
def test_a_standby_is_ready(stage: Stage, protocol: str) -> None:
    """Two members and one partition: who has none is in the group, and waits for its turn."""
    stage.create()
    stage.settings = {"kafka.consumer.group.protocol": protocol}
    owner = stage.member()
    owner.await_ready(partitions=1)
    standby = stage.member()
    standby.await_ready(partitions=0)

    assert "standing by" in standby.get("/readyz")[1]
    assert owner.get("/readyz")[0] == 200
    assert owner.stop() == 0
    standby.await_ready(partitions=1)


def test_a_static_member_that_was_killed_waits_for_the_end_of_its_session(
    brief_stage: Stage,
) -> None:
    """With the new protocol the broker refuses its name until then; after that it goes on."""
    stage = brief_stage
    stage.settings |= {
        "kafka.consumer.group.protocol": "consumer",
        "app.static": "true",
        "app.instance": "one",
    }
    before, after = halves(seed=5)
    first = stage.member()
    stage.send(before)
    stage.await_exact()
    first.kill()
    stage.send(after)
    second = stage.member()
    second.await_log(TORN_DOWN, cause="instance_in_use")
    second.await_ready(partitions=2, timeout_s=5 * SESSION_S)

    assert sum(line["txids"] for line in second.seen("partition ready")) > 0
    assert {line["cause"] for line in second.seen(TORN_DOWN)} == {"instance_in_use"}
    stage.await_exact()
    assert second.exit_code is None


def test_a_static_member_that_was_killed_is_back_at_once(brief_stage: Stage) -> None:
    """With the classic protocol it takes its own place, however long its session would last."""
    stage = brief_stage
    stage.settings |= {
        "kafka.consumer.session.timeout.ms": f"{LONG_SESSION_S * 1000}",
        "app.static": "true",
        "app.instance": "one",
    }
    before, after = halves(seed=6)
    first = stage.member()
    stage.send(before)
    stage.await_exact()
    first.kill()
    stage.send(after)
    began_s = time.monotonic()
    second = stage.member()
    second.await_ready(partitions=2, timeout_s=LONG_SESSION_S)

    assert time.monotonic() - began_s < LONG_SESSION_S / 3
    assert second.seen(TORN_DOWN) == []
    stage.await_exact()
