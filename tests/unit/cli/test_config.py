from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from consumer.settings.catalogue import SETTINGS
from consumer.settings.secrets import REDACTED
from tests.unit.cli.conftest import Command

PASSWORD = "correct-horse-battery"  # noqa: S105 - to be looked for, not to be used


def test_every_setting_says_where_it_came_from(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option, the variable, file and line, or that it is the default."""
    file = tmp_path / "a.toml"
    file.write_text('[completion]\ninactivity = "20m"\n[kafka.consumer]\n"fetch.min.bytes" = 5\n')
    monkeypatch.setenv("SESSION_REPORTS__HTTP__PORT", "9200")
    ended = command("config", "show", "-c", str(file), "-s", "topics.partitions=12")

    assert (ended.code, ended.err) == (0, "")
    origins = dict(line.rsplit("  # ", 1) for line in ended.out.splitlines() if " = " in line)
    assert len(origins) > len(SETTINGS)
    given = {line.strip(): origin for line, origin in origins.items() if origin != "default"}
    assert given == {
        "partitions = 12": "--set",
        "port = 9200": "SESSION_REPORTS__HTTP__PORT",
        'inactivity = "20m"': f"{file}:2",
        '"fetch.min.bytes" = "5"': f"{file}:4",
    }


def test_it_is_a_file_of_settings(command: Command, tmp_path: Path) -> None:
    """Whose every value is the one in force."""
    file = tmp_path / "a.toml"
    first = command("config", "show", "-s", "completion.idle=7s", "-s", "kafka.client.id=me")
    file.write_text(first.out)
    second = command("config", "show", "-c", str(file))

    assert tomllib.loads(first.out) == tomllib.loads(second.out)
    assert tomllib.loads(first.out)["completion"]["idle"] == "7s"
    assert tomllib.loads(first.out)["kafka"]["client.id"] == "me"


def test_shows_no_secrets(command: Command) -> None:
    """A password is in force, and from where; that is all one learns."""
    ended = command("config", "show", "--set", f"kafka.sasl.password={PASSWORD}")

    assert ended.code == 0
    assert f'"sasl.password" = "{REDACTED}"' in ended.out
    assert PASSWORD not in ended.out + ended.err


def test_shows_nothing_of_settings_that_are_wrong(command: Command) -> None:
    """What would be in force cannot be said; what is wrong is."""
    ended = command("config", "show", "--set", "http.prt=1", "--set", "commit.interval=never")

    assert (ended.code, ended.out) == (78, "")
    assert len(ended.complaints) == 3
