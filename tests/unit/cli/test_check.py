from __future__ import annotations

from pathlib import Path

import pytest

from consumer.settings import librdkafka
from consumer.settings.catalogue import SETTINGS
from tests.unit.cli.conftest import Command

PASSWORD = "correct-horse-battery"  # noqa: S105 - to be looked for, not to be used
SASL = (
    *("--set", "kafka.security.protocol=SASL_PLAINTEXT"),
    *("--set", "kafka.sasl.mechanism=PLAIN"),
    *("--set", "kafka.sasl.username=reports"),
)


def test_says_what_it_has_verified(command: Command, tmp_path: Path) -> None:
    """In a line for each: the settings by where they came from, librdkafka's word, the memory."""
    file = tmp_path / "a.toml"
    file.write_text("[topics]\npartitions = 12\n[http]\nport = 0\n")
    ended = command("check", "--config", str(file), "--set", "log.level=debug")

    defaults = len(SETTINGS) + len(librdkafka.DEFAULTS) - 3
    assert ended.code == 0
    settings, client, memory, *_ = ended.out.splitlines()
    assert settings == f"settings: good; 1 from --set, 2 from {file}, {defaults} by default"
    assert client.startswith("librdkafka 2.")
    assert memory.startswith("memory: at most ")
    assert "12 partitions" in ended.out
    assert ended.err == ""


def test_needs_no_kafka(command: Command) -> None:
    """Without `--connect` nothing is asked, so nothing can be unreachable."""
    assert command("check", "--set", "kafka.bootstrap.servers=127.0.0.1:1").code == 0


def test_shows_no_secrets(command: Command) -> None:
    """A password is in force, and not even that is said."""
    ended = command("check", *SASL, "--set", f"kafka.sasl.password={PASSWORD}")

    assert ended.code == 0
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
    heading, *problems = ended.complaints
    assert heading == "session-reports: 2 problems"
    assert [problem.split(": ")[1] for problem in problems] == ["http.prt", "commit.interval"]


MISTAKES = """\
[completion]
inactivity = 5m
idel = "5s"
max_age = "2 parsecs"
device_limit = "10"

[compltion]
idle = "3s"

[limits]
report_bytes = "900 kilos"

[http]
port = 99999

[topics]
metrics = "thingspace.callbacks"
callbacks = "thingspace.callbacks"

[kafka]
"group.id" = "x"
"sasl.password" = "${NOT_SET_ANYWHERE}"
"bootstrap.servers" = ["a:1",
"fetch.wait.mx.ms" = 5
[kafka.consumer]
"fetch.min.bytes" = 0
"""
"""Of every kind, and the lines that they are on."""


def test_no_mistake_hides_another(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the file, the environment and on the command line; ours and librdkafka's."""
    file = tmp_path / "a.toml"
    file.write_text(MISTAKES)
    monkeypatch.setenv("SESSION_REPORTS__LOG__LEVEL", "loud")
    monkeypatch.setenv("SESSION_REPORTS__LOG__LEVLE", "info")
    given = ("late.policy=revize", "commit.interval", "kafka.producer.compression.type=zip")
    ended = command("check", "-c", str(file), *(word for one in given for word in ("-s", one)))

    assert ended.code == 78
    assert ended.out == ""
    heading, *problems = ended.complaints
    assert heading == f"session-reports: {len(problems)} problems"
    told = [problem.replace(f"{file}:", "line ") for problem in problems]
    beginnings = [
        "line 2: not valid TOML: ",
        "line 3: completion.idel: unknown setting; did you mean completion.idle?",
        'line 4: completion.max_age: given "2 parsecs", expected a duration ',
        'line 5: completion.device_limit: given "10", expected a whole number ',
        "line 8: compltion.idle: unknown setting; did you mean completion.idle?",
        'line 11: limits.report_bytes: given "900 kilos", expected a size ',
        "line 14: http.port: given 99999, expected a whole number from 0 to 65535",
        'line 17: topics.metrics: "thingspace.callbacks" is taken by topics.callbacks ',
        "line 21: kafka.group.id: cannot be set: set app.id instead",
        "line 22: kafka.sasl.password: environment variable NOT_SET_ANYWHERE is not set",
        "line 23: not valid TOML: Unclosed array",
        "line 24: kafka.fetch.wait.mx.ms: librdkafka does not take it: No such ",
        "line 26: kafka.consumer.fetch.min.bytes: librdkafka does not take it: ",
        'SESSION_REPORTS__LOG__LEVEL: log.level: given "loud", expected one of ',
        "SESSION_REPORTS__LOG__LEVLE: log.levle: unknown setting; did you mean log.level?",
        "--set: commit.interval: expected key=value",
        '--set: late.policy: given "revize", expected one of "dead-letter", "revise"',
        "--set: kafka.producer.compression.type: librdkafka does not take it: Invalid value ",
    ]
    assert [
        (line, beginning)
        for line, beginning in zip(told, beginnings, strict=True)
        if not line.startswith(beginning)
    ] == []


def test_a_file_that_cannot_be_read_hides_nothing_either(command: Command, tmp_path: Path) -> None:
    """But what only follows from its absence is not told."""
    missing = str(tmp_path / "none.toml")
    given = ("http.prt=1", "topics.reports=thingspace.callbacks")
    ended = command("check", "-c", missing, *(word for one in given for word in ("-s", one)))

    assert ended.code == 78
    assert ended.complaints[1:] == [
        f"{missing}: cannot be read: No such file or directory",
        "--set: http.prt: unknown setting; did you mean http.port?",
    ]


def test_a_secret_that_could_not_be_read_is_not_missing(command: Command) -> None:
    """One problem is told, and not what librdkafka makes of it."""
    ended = command("check", *SASL, "--set", "kafka.sasl.password=${NOT_SET_ANYWHERE}")

    assert ended.code == 78
    (line,) = ended.complaints
    assert "environment variable NOT_SET_ANYWHERE is not set" in line


def test_lets_librdkafka_judge_its_properties(command: Command) -> None:
    """A property that nobody knows, or a value out of range, is found offline."""
    unknown = command("check", "--set", "kafka.fetch.wait.mx.ms=1")
    out_of_range = command("check", "--set", "kafka.consumer.fetch.min.bytes=0")

    assert (unknown.code, out_of_range.code) == (78, 78)
    assert unknown.err.endswith("; did you mean fetch.wait.max.ms?\n")
    assert "fetch.min.bytes" in out_of_range.err


def test_what_no_property_is_named_for_is_told_of_all(command: Command) -> None:
    """SASL needs more than to be asked for."""
    ended = command("check", "--set", "kafka.security.protocol=sasl_ssl")

    assert ended.code == 78
    assert ended.err.startswith("session-reports: kafka: librdkafka does not take it: ")


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
    heading, *problems = before.complaints
    assert heading == f"session-reports: {len(names)} problems"
    assert all("session-reports topics create" in line for line in problems)
    assert (made.code, after.code) == (0, 0)
    assert "topics: fit; 3 input partitions\n" in after.out
