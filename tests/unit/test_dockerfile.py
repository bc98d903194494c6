"""`Dockerfile` and `.dockerignore`, read as text: no engine runs here."""

from __future__ import annotations

import json
import re
from pathlib import Path

from consumer.cli.app import app

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """Name and arguments of each, continued lines joined, comments left out."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = (" ".join(line.split()) for line in text.splitlines())
    found = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return [(name, arguments) for name, _, arguments in found]


def stages() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What builds, and what runs."""
    all_ = instructions()
    starts = [at for at, (name, _) in enumerate(all_) if name == "FROM"]
    assert len(starts) == 2
    return all_[: starts[1]], all_[starts[1] :]


def the_last(name: str) -> str:
    """Arguments of an instruction of the stage that runs."""
    return [arguments for found, arguments in stages()[1] if found == name][-1]


def test_both_stages_stand_on_one_pinned_image() -> None:
    """The environment is made for that image's own Python."""
    images = [arguments.split()[0] for name, arguments in instructions() if name == "FROM"]

    assert images[0] == images[1]
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", images[0])
    assert f"docker.io/library/{images[0]}" in the_last("LABEL")


def test_what_is_installed_is_locked() -> None:
    """Nothing of it is for development or for the embedded Kafka, and uv itself is pinned."""
    commands = [arguments for name, arguments in stages()[0] if name == "RUN"]
    syncs = [command for command in commands if "uv sync" in command]

    assert all("--locked --no-dev" in command for command in syncs)
    assert syncs[-1].endswith("--no-editable")
    assert not any(word in command for command in commands for word in ("--extra", "--all"))
    assert any(re.search(r" uv==\d+\.\d+\.\d+$", command) for command in commands)


def test_only_the_environment_is_taken_over() -> None:
    """No sources, no package manager, no caches."""
    environment = "/opt/session-reports"
    builds, runs = stages()

    assert any(f"UV_PROJECT_ENVIRONMENT={environment}" in arguments for _, arguments in builds)
    copies = [arguments for name, arguments in runs if name == "COPY"]
    assert copies == [f"--from=build {environment} {environment}"]
    assert {name for name, _ in runs}.isdisjoint({"RUN", "ADD"})


def test_it_does_not_run_as_root() -> None:
    """By number, which is all that Kubernetes can check."""
    user, group = the_last("USER").split(":")

    assert int(user) > 0
    assert int(group) > 0


def test_it_runs_the_daemon_with_no_shell_in_between() -> None:
    """A shell would keep the signals to itself."""
    entry, command = json.loads(the_last("ENTRYPOINT")), json.loads(the_last("CMD"))

    assert entry == ["session-reports"]
    app.parse_args(command, exit_on_error=False, print_error=False)
    assert command == ["run"]


def test_its_health_check_is_a_verb_of_ours() -> None:
    """The image has no other client."""
    _, _, command = the_last("HEALTHCHECK").partition(" CMD ")
    program, *arguments = json.loads(command)

    assert program == "session-reports"
    assert arguments == ["health"]
    app.parse_args(arguments, exit_on_error=False, print_error=False)


def test_what_is_copied_is_let_through() -> None:
    """`.dockerignore` lets nothing else through, and all that exists."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    copies = [arguments.split()[:-1] for name, arguments in stages()[0] if name == "COPY"]
    copied = {source for sources in copies for source in sources}

    assert rules[0] == "*"
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == copied
    assert all((ROOT / source).exists() for source in copied)
