"""Origins and problems as people read them."""

from __future__ import annotations

from consumer.errors import ConfigError
from consumer.settings.origin import DEFAULT, Origin, Problem, SettingsError, Source

FILE = Origin(Source.FILE, "a.toml", 3)
SET = Origin(Source.COMMAND_LINE, "--set")


def test_an_origin_reads_as_its_place() -> None:
    """With the line where there is one."""
    assert [str(FILE), str(SET), str(DEFAULT)] == ["a.toml:3", "--set", "default"]


def test_a_problem_is_one_line() -> None:
    """Where, which setting, what; without those parts that do not apply."""
    assert str(Problem(FILE, "http.port", "no")) == "a.toml:3: http.port: no"
    assert str(Problem(SET, "", "no")) == "--set: no"
    assert str(Problem(DEFAULT, "http.port", "no")) == "http.port: no"


def test_an_error_holds_every_problem() -> None:
    """As lines of its text and as values; it ends the program with exit code 78."""
    problems = [Problem(FILE, "http.port", "no"), Problem(SET, "", "no")]
    error = SettingsError(problems)
    assert isinstance(error, ConfigError)
    assert error.exit_code == 78
    assert str(error) == "a.toml:3: http.port: no\n--set: no"
    assert error.problems == tuple(problems)
