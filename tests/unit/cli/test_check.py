from __future__ import annotations

import pytest

from consumer.settings.secrets import REDACTED
from tests.unit.cli.conftest import Command

PASSWORD = "correct-horse-battery"  # noqa: S105 - to be looked for, not to be used
SASL = (
    *("--set", "kafka.security.protocol=SASL_PLAINTEXT"),
    *("--set", "kafka.sasl.mechanism=PLAIN"),
    *("--set", "kafka.sasl.username=reports"),
)


def test_prints_the_settings_in_force(command: Command) -> None:
    """Every setting, with where it came from unless that is the default."""
    ended = command("check", "--set", "topics.partitions=12")

    assert ended.code == 0
    assert "topics.partitions = 12  # --set\n" in ended.out
    assert 'completion.inactivity = "1m"\n' in ended.out
    assert "The settings are good." in ended.out
    assert ended.err == ""


def test_needs_no_kafka(command: Command) -> None:
    """Without `--connect` nothing is asked, so nothing can be unreachable."""
    assert command("check", "--set", "kafka.bootstrap.servers=127.0.0.1:1").code == 0


def test_shows_no_secrets(command: Command) -> None:
    """A password is in force, and that is all one learns."""
    ended = command("check", *SASL, "--set", f"kafka.sasl.password={PASSWORD}")

    assert ended.code == 0
    assert f'kafka.sasl.password = "{REDACTED}"' in ended.out
    assert PASSWORD not in ended.out + ended.err


@pytest.mark.parametrize(
    "wrong",
    [
        f"kafka.consumer.sasl.jaas.config={PASSWORD}",
        f"kafka.sasl.oauthbearer.client.secrett={PASSWORD}",
        f"kafka.sasl.password=${{UNSET}}{PASSWORD}",
        f"sasl.password={PASSWORD}",
    ],
)
def test_shows_no_secrets_when_they_are_wrong_either(command: Command, wrong: str) -> None:
    """Neither we nor librdkafka repeat what was given."""
    ended = command("check", *SASL, "--set", f"kafka.sasl.password={PASSWORD}", "--set", wrong)

    assert ended.code == 78
    assert PASSWORD not in ended.out + ended.err


def test_shows_no_key_that_cannot_be_read(command: Command) -> None:
    """OpenSSL's complaint comes through, the key does not."""
    given = ("kafka.security.protocol=SSL", f"kafka.ssl.key.pem={PASSWORD}")
    ended = command("check", *(word for one in given for word in ("--set", one)))

    assert ended.code == 78
    assert "ssl.key.pem" in ended.err
    assert PASSWORD not in ended.out + ended.err


def test_names_every_mistake(command: Command) -> None:
    """One run is enough to find all of them, each on a line of its own."""
    ended = command("check", "--set", "http.prt=1", "--set", "commit.interval=never")

    assert ended.code == 78
    assert len(ended.complaints) == 2
    assert "http.prt" in ended.err
    assert "commit.interval" in ended.err


def test_lets_librdkafka_judge_its_properties(command: Command) -> None:
    """A property that nobody knows, or a value out of range, is found offline."""
    unknown = command("check", "--set", "kafka.fetch.wait.mx.ms=1")
    out_of_range = command("check", "--set", "kafka.consumer.fetch.min.bytes=0")

    assert (unknown.code, out_of_range.code) == (78, 78)
    assert "fetch.wait.mx.ms" in unknown.err
    assert "fetch.min.bytes" in out_of_range.err


def test_warns_of_what_is_allowed_but_risky(command: Command) -> None:
    """Advice is no error."""
    ended = command("check", "--set", "late.policy=dead-letter")

    assert ended.code == 0
    assert "warning: completion.inactivity: 1m is under 16m" in ended.out


@pytest.mark.kafka
def test_connected_it_says_what_does_not_fit(
    command: Command, bootstrap_servers: str, topic_prefix: str
) -> None:
    """Each missing topic on a line of its own, with the command that mends it; then it fits."""
    names = ("callbacks", "reports", "metrics", "dead_letters")
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
    before = command("check", "--connect", *given)
    made = command("topics", "create", *given)
    after = command("check", "--connect", *given)

    assert before.code == 78
    assert len(before.complaints) == len(names)
    assert all("session-reports topics create" in line for line in before.complaints)
    assert (made.code, after.code) == (0, 0)
    assert "The topics fit: 3 input partitions." in after.out
