"""The demo's own reading of the topics."""

from __future__ import annotations

import pytest

from consumer.cli.demo import outputs as module
from consumer.cli.demo.outputs import Opening, Outputs
from consumer.daemon import client_options, topics_of
from consumer.errors import SessionReportsError
from consumer.settings.load import load
from consumer.settings.model import Settings
from tests.harness.cluster import Cluster, Sending


@pytest.fixture
def settings(bootstrap_servers: str, topic_prefix: str) -> Settings:
    """Of an application with empty topics."""
    names = ("callbacks", "reports", "metrics", "dead_letters")
    settings = load(
        None,
        [
            f"kafka.bootstrap.servers={bootstrap_servers}",
            f"app.id={topic_prefix}",
            *(f"topics.{name}={topic_prefix}.{name}" for name in names),
        ],
    )
    topics_of(settings, client_options(settings)).create()
    return settings


def test_a_kafka_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is our line and not the library's."""
    monkeypatch.setattr(module, "METADATA_S", 0.2)
    settings = load(None, ["kafka.bootstrap.servers=127.0.0.1:1"])
    outputs = Outputs(settings.topics, client_options(settings))

    with pytest.raises(SessionReportsError, match="cannot read the outputs"):
        outputs.__enter__()
    outputs.__exit__()


@pytest.mark.kafka
def test_empty_topics_are_read_to_their_end(settings: Settings) -> None:
    """Nothing is waited for."""
    with Outputs(settings.topics, client_options(settings)) as outputs:
        seen = outputs.read_to_the_end()

    assert (seen.reports, seen.metrics, seen.dead_letters) == ([], [], [])


@pytest.mark.kafka
def test_what_is_no_report_is_an_error(settings: Settings, bootstrap_servers: str) -> None:
    """It names the place."""
    Cluster(bootstrap_servers).send(settings.topics.reports, [Sending(b"{}", b"k", partition=2)])
    with (
        Outputs(settings.topics, client_options(settings)) as outputs,
        pytest.raises(SessionReportsError, match=r"reports, partition 2, offset 0: not what"),
    ):
        outputs.read_to_the_end()


@pytest.mark.kafka
def test_openings_are_callbacks_and_expectations(
    settings: Settings, bootstrap_servers: str
) -> None:
    """Not acknowledgements nor what will be a dead letter; each with its place."""
    values = (
        b'{"txid":"a","status":"QUEUED"}',
        b'{"txid":"a","imei":["1"]}',
        b'{"txid":"b",',
        b'{"txid":"c","usage":[{"imei":"1"}]}',
    )
    Cluster(bootstrap_servers).send(
        settings.topics.callbacks, [Sending(value, b"k", partition=1) for value in values]
    )
    openings: list[Opening] = []
    with Outputs(settings.topics, client_options(settings), with_input=True) as outputs:
        while len(openings) < 2:
            openings += outputs.poll(0.1).openings

    assert [(one.txid, one.partition, one.offset) for one in openings] == [("a", 1, 1), ("c", 1, 3)]


@pytest.mark.kafka
def test_a_reading_that_does_not_end_is_an_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says for how long it was tried."""
    monkeypatch.setattr(module, "READ_S", 0.0)
    with (
        Outputs(settings.topics, client_options(settings)) as outputs,
        pytest.raises(SessionReportsError, match="could not be read within 0 s"),
    ):
        outputs.read_to_the_end()
