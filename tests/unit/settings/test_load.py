"""Settings from all sources together."""

# ruff: noqa: E501  # messages are quoted whole

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.settings.catalogue import SETTINGS
from consumer.settings.load import examine, load, load_with_origins
from consumer.settings.model import Settings
from consumer.settings.origin import DEFAULT, SettingsError
from consumer.settings.sources import PREFIX


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file by a short relative name, as in the messages."""
    monkeypatch.chdir(tmp_path)
    return Path("c.toml")


def problems_of(
    file: Path | None, overrides: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> list[str]:
    """The lines with which loading fails."""
    with pytest.raises(SettingsError) as caught:
        load(file, overrides, environ)
    return str(caught.value).split("\n")


def test_nothing_given_is_the_defaults() -> None:
    """No file is needed."""
    assert load(None) == Settings()


def test_a_later_source_goes_over_an_earlier_one(path: Path) -> None:
    """Default, file, environment, `--set`; each setting by itself."""
    path.write_text('[completion]\ninactivity = "2m"\nidle = "2s"\nmax_age = "2h"\n')
    environ = {f"{PREFIX}COMPLETION__INACTIVITY": "3m", f"{PREFIX}COMPLETION__IDLE": "3s"}
    loaded = load(path, ["completion.inactivity=4m"], environ)
    assert loaded.completion.inactivity_ms == 240_000
    assert loaded.completion.idle_ms == 3_000
    assert loaded.completion.max_age_ms == 7_200_000
    assert loaded.completion.device_limit == 10


def test_every_value_knows_its_origin(path: Path) -> None:
    """File and line, variable, `--set`, or the default; properties too."""
    path.write_text('[completion]\ninactivity = "2m"\n[kafka]\n"client.id" = "c"\n')
    origins = load_with_origins(
        path, ["kafka.consumer.fetch.min.bytes=1"], {f"{PREFIX}HTTP__PORT": "0"}
    ).origins
    assert {name: str(origin) for name, origin in origins.items() if origin != DEFAULT} == {
        "completion.inactivity": "c.toml:2",
        "kafka.client.id": "c.toml:4",
        "http.port": f"{PREFIX}HTTP__PORT",
        "kafka.consumer.fetch.min.bytes": "--set",
    }
    assert origins["kafka.bootstrap.servers"] == DEFAULT
    assert SETTINGS.keys() < origins.keys()


def test_properties_come_from_every_source_and_spelling(path: Path) -> None:
    """Quoted, as nested tables, as an array, from variables, with `--set`."""
    path.write_text(
        """
        [kafka]
        "bootstrap.servers" = ["a:1", "b:2"]
        [kafka.sasl]
        username = "${USER:-nobody}"
        [kafka.consumer]
        fetch = { "min.bytes" = 5 }
        [kafka.producer.linger]
        ms = 7
        """
    )
    environ = {
        f"{PREFIX}KAFKA__SECURITY_PROTOCOL": "sasl_ssl",
        f"{PREFIX}KAFKA__CONSUMER__SESSION_TIMEOUT_MS": "7000",
        f"{PREFIX}KAFKA__CONNECT_TIMEOUT": "3s",
    }
    kafka = load(path, ["kafka.sasl.mechanism=PLAIN", "kafka.sasl.password=a=b"], environ).kafka
    assert kafka.connect_timeout_ms == 3_000
    assert kafka.common == {
        "bootstrap.servers": "a:1,b:2",
        "sasl.username": "nobody",
        "security.protocol": "sasl_ssl",
        "sasl.mechanism": "PLAIN",
        "sasl.password": "a=b",
    }
    assert kafka.consumer == {"fetch.min.bytes": "5", "session.timeout.ms": "7000"}
    assert kafka.producer == {"linger.ms": "7", "transaction.timeout.ms": "10000"}


def test_all_problems_are_told_at_once(path: Path) -> None:
    """By source, within the file by line; each a line of its own."""
    path.write_text(
        '[completion]\ninactivty = "5m"\nidle = 5\n\n[kafka]\n"group.id" = "x"\n'
        '"sasl.password" = "${PASSWORD}"\n\n[topics]\nmetrics = "a b"\n'
    )
    environ = {f"{PREFIX}HTTP__PORT": "many", f"{PREFIX}LOGLEVEL": "info"}
    overrides = ["app.static", "topics.reports=thingspace.callbacks"]
    assert problems_of(path, overrides, environ) == [
        "c.toml:2: completion.inactivty: unknown setting; did you mean completion.inactivity?",
        'c.toml:3: completion.idle: given 5, expected a duration from 1ms to 3650d, such as "5s" or "20m"; write the unit: "5s" or "5ms"',
        "c.toml:6: kafka.group.id: cannot be set: set app.id instead",
        "c.toml:7: kafka.sasl.password: environment variable PASSWORD is not set; set it, or write ${PASSWORD:-default}",
        'c.toml:10: topics.metrics: "a b" is no name of a topic: 1 to 249 of a-z A-Z 0-9 . _ -',
        'SESSION_REPORTS__HTTP__PORT: http.port: given "many", expected a whole number from 0 to 65535',
        "SESSION_REPORTS__LOGLEVEL: loglevel: unknown setting; did you mean log.level?",
        "--set: app.static: expected key=value, such as completion.inactivity=5m",
        '--set: topics.reports: "thingspace.callbacks" is taken by topics.callbacks (. and _ count as the same); choose another',
    ]


def test_what_is_wrong_can_be_had_without_an_error(path: Path) -> None:
    """With the settings as far as they are good, for who looks for more that is wrong."""
    path.write_text('[http]\nport = "x"\nhost = "::1"\nstalled = 5s\n[log]\nlevel = "debug"\n')
    loaded = examine(path, ["log.format=json"])
    assert loaded.settings == load(None, ["http.host=::1", "log.level=debug", "log.format=json"])
    assert [problem.origin.line for problem in loaded.problems] == [2, 4]
    assert loaded.origins["http.host"].line == 3


def test_a_torn_file_is_no_reason_to_suspect_its_defaults(path: Path) -> None:
    """What it gives may stand in the part that cannot be read; what is given twice is known."""
    path.write_text("[topics]\ncallbacks = 5m\n")
    taken = "topics.reports=thingspace.callbacks"
    assert len(problems_of(path, [taken])) == 1
    assert len(problems_of(path, [taken, "topics.metrics=thingspace.callbacks"])) == 2


def test_what_is_overridden_is_not_judged(path: Path) -> None:
    """A variable that is needed no more may be missing; a misspelt name never may."""
    path.write_text('[http]\nport = "${PORT}"\nprot = 1\n')
    assert problems_of(path, ["http.port=1"]) == [
        "c.toml:3: http.prot: unknown setting; did you mean http.port?"
    ]


def test_what_follows_from_a_problem_is_not_told(path: Path) -> None:
    """A setting that is wrong already is not compared with others."""
    path.write_text('[topics]\nreports = 5\nmetrics = "thingspace.session-reports"\n')
    assert len(problems_of(path)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("completion = 5", "completion: is a table of settings, not a value"),
        ("[[http]]\nport = 1", "http: is a table of settings, not a value"),
        ("kafka.consumer = 's3cret'", "kafka.consumer: is a table of settings, not a value"),
        ("[htpp]", "htpp: unknown setting; did you mean http?"),
        ("zzz = 1", "zzz: unknown setting"),
        ("[http.port]", "http.port: given a table, expected a whole number from 0 to 65535"),
        ("http.port.x = 1", "http.port.x: unknown setting; did you mean http.port?"),
        (
            "[kafka]\nconect_timeout = '5s'",
            "kafka.conect_timeout: unknown setting; did you mean kafka.connect_timeout?",
        ),
        (
            "[kafka.consumer]\nsession_timeout_ms = 5",
            'kafka.consumer.session_timeout_ms: is no name of a librdkafka property; did you mean "session.timeout.ms"?',
        ),
    ],
)
def test_tables_and_values_are_not_confused(path: Path, text: str, message: str) -> None:
    """Neither a value for a table, nor a table for a value, nor a name nobody knows."""
    path.write_text(text)
    (problem,) = problems_of(path)
    assert problem.partition(": ")[2] == message


def test_numbers_of_any_size_are_refused_without_being_printed(path: Path) -> None:
    """Hexadecimal ones have no limit in TOML, and Python prints none so long."""
    digits = "f" * 5_000
    path.write_text(f"[http]\nport = 0x{digits}\n[kafka]\n'client.id' = 0x{digits}\n")
    assert problems_of(path) == [
        "c.toml:2: http.port: given a number of many digits, expected a whole number from 0 to 65535",
        "c.toml:4: kafka.client.id: expected a string, a number, true, false, or an array of those",
    ]


def test_empty_tables_are_no_matter(path: Path) -> None:
    """What is left when all lines of a table are comments."""
    path.write_text("[http]\n[kafka.consumer]\n[kafka]\n")
    assert load(path) == Settings()


def test_a_number_may_come_from_a_variable(path: Path) -> None:
    """TOML has no way to write that but a string."""
    path.write_text('[http]\nport = "${PORT:-80}"\n')
    assert load(path).http.port == 80
    assert load(path, (), {"PORT": "81"}).http.port == 81


def test_an_empty_value_unsets(path: Path) -> None:
    """Also what a file sets; a setting that needs a value says so."""
    path.write_text('[app]\nstart_at = "latest"\n[kafka]\n"client.rack" = "r"\n')
    loaded = load(path, ["kafka.client.rack="], {f"{PREFIX}APP__START_AT": ""})
    assert loaded.app.start_at is None
    assert "client.rack" not in loaded.kafka.common
    assert "app.id" in problems_of(None, ["app.id="])[0]


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([f"{PREFIX}{name.replace('.', '__').upper()}" for name in SETTINGS])
        | st.text().map(PREFIX.__add__),
        st.text(),
        max_size=4,
    ),
    st.lists(st.text() | st.tuples(st.sampled_from(list(SETTINGS)), st.text()).map("=".join)),
)
def test_any_environment_gives_settings_or_a_settings_error(
    environ: dict[str, str], overrides: list[str]
) -> None:
    """Whatever is in it, nothing else is raised."""
    try:
        assert isinstance(load(None, overrides, environ), Settings)
    except SettingsError as error:
        assert error.problems  # noqa: PT017  # good settings raise nothing
