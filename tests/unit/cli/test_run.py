"""How `run` starts and does not start. What it does then is for the integration tests."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.unit.cli.conftest import NOWHERE, Command

PASSWORD = "correct-horse-battery"  # noqa: S105 - to be looked for, not to be used


def test_a_wrong_setting_is_one_line(process: Command) -> None:
    """There is no log yet, just the line."""
    ended = process("run", "--set", "completion.inactivity=soon")

    assert (ended.code, ended.out, len(ended.complaints)) == (78, "", 1)
    assert "completion.inactivity" in ended.err


def test_a_busy_port_is_a_wrong_setting(process: Command) -> None:
    """It names the setting, and the port; the log has begun, so it is a line of that."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = process("run", "--set", f"http.port={port}")

    (line,) = map(json.loads, ended.complaints)
    assert (ended.code, line["exit_code"]) == (78, 78)
    assert "http.port" in line["reason"]
    assert str(port) in line["reason"]


def test_a_kafka_that_does_not_answer(process: Command) -> None:
    """The log is JSON to the last line, which says why; the exit code is 69."""
    ended = process("run", *NOWHERE, "--set", "http.port=0")
    first, *_, last = map(json.loads, ended.complaints)

    assert (ended.code, ended.out) == (69, "")
    assert first["event"] == "starting"
    assert first["http"].startswith("http://127.0.0.1:")
    assert (last["event"], last["level"], last["exit_code"]) == ("failed", "error", 69)
    assert last["reason"].startswith("Kafka at bootstrap.servers=127.0.0.1:1")
    assert "kafka.connect_timeout (1 s)" in last["reason"]


def test_a_person_reads_why_as_a_sentence(process: Command) -> None:
    """Also where it is the first that there is to say."""
    given = (*NOWHERE, "--set", "http.port=0", "--set", "log.format=console")
    ended = process("run", *given)

    assert ended.code == 69
    assert re.search(
        r"^\S+ ERROR Ending with exit code 69: Kafka at .*\.$", ended.complaints[-1]
    ), ended.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_start_that_waits_for_kafka(number: signal.Signals) -> None:
    """There is nothing to finish: it ends at once, in good order."""
    with socket.create_server(("127.0.0.1", 0)) as silent_kafka:
        address = f"127.0.0.1:{silent_kafka.getsockname()[1]}"
        given = ("--set", f"kafka.bootstrap.servers={address}", "--set", "http.port=0")
        command = [sys.executable, "-m", "consumer", "run", *given]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as starting:
            connection, _ = silent_kafka.accept()
            with connection:  # it waits for an answer from now on
                began_s = time.monotonic()
                starting.send_signal(number)
                _, log = starting.communicate(timeout=30)

    assert starting.returncode == 0
    assert time.monotonic() - began_s < 10
    assert json.loads(log.splitlines()[-1])["signal"] == number.name


def test_a_password_is_not_logged(process: Command) -> None:
    """Not at the most talkative level either."""
    given = (
        "http.port=0",
        "log.level=debug",
        "kafka.security.protocol=SASL_PLAINTEXT",
        "kafka.sasl.mechanism=PLAIN",
        "kafka.sasl.username=reports",
        f"kafka.sasl.password={PASSWORD}",
    )
    ended = process("run", *NOWHERE, *(word for one in given for word in ("--set", one)))

    assert ended.code == 69
    assert PASSWORD not in ended.err


def test_a_secret_that_the_client_library_tells_is_not_logged(process: Command) -> None:
    """It redacts passwords by itself, but not those within an address; our log does."""
    url = f"https://reports:{PASSWORD}@login.example"
    given = (
        "http.port=0",
        "log.level=debug",
        "kafka.debug=conf",
        f"kafka.sasl.oauthbearer.token.endpoint.url={url}",
    )
    ended = process("run", *NOWHERE, *(word for one in given for word in ("--set", one)))

    assert ended.code == 69
    assert "sasl.oauthbearer.token.endpoint.url = [redacted]" in ended.err
    assert PASSWORD not in ended.err
