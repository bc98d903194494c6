"""What all verbs have in common: exit codes, one line for an error, help with examples."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

import consumer
from consumer.cli.app import INTERRUPTED, app
from tests.unit.cli.conftest import NOWHERE, Command


def verbs(of: App, *before: str) -> Iterator[tuple[str, ...]]:
    """All command lines that do something, as words."""
    for name in of:
        if name.startswith("-"):
            continue
        words = (*before, name)
        yield from verbs(of[name], *words)
        if of[name].default_command is not None:
            yield words


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("nope",), "nope"),
        (("topics", "nope"), "nope"),
        (("check", "--wat"), "--wat"),
        (("check", "more"), "more"),
        (("run", "--config"), "--config"),
        (("simulate", "--rate", "fast"), "--rate"),
        (("demo", "--requests", "many"), "--requests"),
    ],
)
def test_a_mistake_in_the_command_line_is_one_line_and_exit_code_1(
    command: Command, arguments: tuple[str, ...], named: str
) -> None:
    """The line names what was not understood; nothing was done."""
    ended = command(*arguments)

    assert ended.code == 1
    assert ended.out == ""
    (line,) = ended.complaints
    assert line.startswith("session-reports: ")
    assert named in line


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("check", "--set", "completion.inactivty=5m"), "did you mean completion.inactivity?"),
        (("check", "--set", "completion.inactivity=soon"), "completion.inactivity"),
        (("check", "--set", "app.id"), "app.id"),
        (("check", "--config", "/nowhere.toml"), "/nowhere.toml"),
        (("topics", "create", "--set", "topics.partitions=0"), "topics.partitions"),
        (("simulate", "--errors", "1.5"), "--errors is"),
        (("simulate", "--set", "kafka.acks=0"), "kafka.acks"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_78(
    command: Command, arguments: tuple[str, ...], named: str
) -> None:
    """The line names the setting."""
    ended = command(*arguments)

    assert ended.code == 78
    (line,) = ended.complaints
    assert line.startswith("session-reports: ")
    assert named in line


@pytest.mark.parametrize(
    "setting",
    [
        "kafka.sasl.password=hunter2",
        "kafka.sasl.password=correct hunter2",
        'kafka.sasl.password=it\'s "hunter2"',
        "kafka.sasl.password=a=hunter2",
        'kafka.sasl.jaas.config=any.Module required password="hunter2";',
    ],
)
@pytest.mark.parametrize(
    "before", [("run",), ("check", "--set", "app.id=a"), ("simulate", "--rate"), ()]
)
def test_a_forgotten_set_does_not_tell_the_secret(
    command: Command, before: tuple[str, ...], setting: str
) -> None:
    """The line names the setting, so that one finds it, but not what stands behind it."""
    ended = command(*before, setting)

    assert ended.code == 1
    (line,) = ended.complaints
    assert setting.partition("=")[0] in line
    assert "hunter2" not in ended.err + ended.out


@pytest.mark.parametrize("words", [("check", "--connect"), ("topics", "create"), ("simulate",)])
def test_a_kafka_that_does_not_answer_is_one_line_and_exit_code_69(
    command: Command, words: tuple[str, ...]
) -> None:
    """The line names the address and the setting of the time-out, and the client is silent."""
    ended = command(*words, *NOWHERE)

    assert ended.code == 69
    (line,) = ended.complaints
    assert "127.0.0.1:1" in line
    assert "kafka.connect_timeout" in line


def test_ctrl_c_is_no_error_of_ours() -> None:
    """It ends a command that waits, without a traceback, as shells expect it."""
    with socket.create_server(("127.0.0.1", 0)) as silent_kafka:
        address = f"127.0.0.1:{silent_kafka.getsockname()[1]}"
        setting = f"kafka.bootstrap.servers={address}"
        with subprocess.Popen(
            [sys.executable, "-m", "consumer", "topics", "create", "--set", setting],
            stderr=subprocess.PIPE,
        ) as waiting:
            connection, _ = silent_kafka.accept()
            with connection:  # it waits for an answer from now on
                os.kill(waiting.pid, signal.SIGINT)
                _, complaints = waiting.communicate(timeout=30)

    assert (waiting.returncode, complaints) == (INTERRUPTED, b"")


def test_ctrl_c_while_it_loads_is_none_either(tmp_path: Path) -> None:
    """Modules take a moment to import, in which a person may change their mind."""
    (tmp_path / "cyclopts.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    ended = subprocess.run(
        [sys.executable, "-m", "consumer", "schema"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (INTERRUPTED, b"", b"")


@pytest.mark.parametrize("words", [("schema", "report"), ("config", "show"), ("--help",)])
def test_a_full_disk_is_one_line(words: tuple[str, ...]) -> None:
    """Where standard output goes to it; no traceback."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "consumer", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert ended.returncode == 1
    assert ended.stderr == b"session-reports: cannot write: No space left on device\n"


def test_without_a_verb_there_is_help(command: Command) -> None:
    """It lists the verbs and the exit codes."""
    ended = command()

    assert ended.code == 0
    assert all(words[0] in ended.out for words in verbs(app))
    assert "Exit codes: 0 clean; 78" in ended.out


def test_the_version_is_the_package_s(command: Command) -> None:
    """One line, for scripts."""
    assert command("--version") == (0, f"{consumer.__version__}\n", "")


def test_all_verbs_are_found() -> None:
    """Those that the tests around this one are about, nested ones included."""
    assert {("run",), ("check",), ("topics", "create")} <= set(verbs(app))


@pytest.mark.parametrize("words", sorted(verbs(app)), ids=" ".join)
def test_the_help_of_a_verb_has_examples_and_explains_every_option(
    command: Command, words: tuple[str, ...]
) -> None:
    """The examples are command lines of that verb that can be understood."""
    ended = command(*words, "--help")

    assert ended.code == 0
    examples = [
        line.split("session-reports ", 1)[1].split()
        for line in ended.out.partition("Examples")[2].splitlines()
        if "session-reports " in line
    ]
    assert examples
    for example in examples:
        assert tuple(example[: len(words)]) == words
        app.parse_args(example, exit_on_error=False, print_error=False)
    for row in ended.out.splitlines():
        if row.startswith("│ --"):
            assert re.fullmatch(r"│ (-\S+ )+([A-Z]+(\.\.\.)? )? +\S.*│", row), row
