from __future__ import annotations

import re
from pathlib import Path

import pytest

from consumer.cli.options import SettingsFrom
from consumer.errors import ConfigError
from tests.unit.cli.conftest import Command

INACTIVITY = "SESSION_REPORTS__COMPLETION__INACTIVITY"


def test_set_can_be_repeated(command: Command) -> None:
    """Each `--set` is one setting; of two for the same one the later counts."""
    given = ("commit.interval=1s", "http.port=0", "commit.interval=2s")
    ended = command("config", "show", *(word for one in given for word in ("--set", one)))

    assert re.search(r'^interval = "2s" +# --set$', ended.out, re.MULTILINE)
    assert re.search(r"^port = 0 +# --set$", ended.out, re.MULTILINE)


def test_there_are_short_names(command: Command, tmp_path: Path) -> None:
    """`-c` and `-s`, as elsewhere."""
    file = tmp_path / "a.toml"
    file.write_text("[http]\nport = 1234\n")

    ended = command("config", "show", "-c", str(file), "-s", "log.level=debug")

    assert "\nport = 1234 " in ended.out
    assert '\nlevel = "debug" ' in ended.out


def test_the_command_line_beats_the_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is nearer to the process decides."""
    file = tmp_path / "a.toml"
    file.write_text('[completion]\ninactivity = "1m"\nidle = "2s"\nmax_age = "3h"\n')
    monkeypatch.setenv(INACTIVITY, "17m")
    monkeypatch.setenv("SESSION_REPORTS__COMPLETION__IDLE", "4s")

    completion = SettingsFrom(file, ("completion.idle=6s",)).load().settings.completion

    assert (completion.idle_ms, completion.inactivity_ms) == (6_000, 17 * 60_000)
    assert completion.max_age_ms == 3 * 3_600_000


def test_with_nothing_given_there_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is looked for anywhere."""
    monkeypatch.delenv(INACTIVITY, raising=False)

    assert SettingsFrom().load().settings.completion.inactivity_ms == 60_000


def test_a_wrong_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which variable it was."""
    monkeypatch.setenv(INACTIVITY, "soon")

    with pytest.raises(ConfigError, match=INACTIVITY):
        SettingsFrom().load()
