"""Environment and `--set` as entries, and references to variables."""

from __future__ import annotations

import pytest

from consumer.settings.origin import Entry, Origin, Source
from consumer.settings.sources import expand, from_environment, from_overrides, setting_of

FILE = Origin(Source.FILE, "a.toml", 1)


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("COMPLETION__INACTIVITY", "completion.inactivity"),
        ("TOPICS__DEAD_LETTERS", "topics.dead_letters"),
        ("completion__max_age", "completion.max_age"),
        ("KAFKA__BOOTSTRAP_SERVERS", "kafka.bootstrap.servers"),
        ("KAFKA__CONSUMER__SESSION_TIMEOUT_MS", "kafka.consumer.session.timeout.ms"),
        ("KAFKA__SASL__MECHANISM", "kafka.sasl.mechanism"),
        ("KAFKA__CONNECT_TIMEOUT", "kafka.connect_timeout"),
    ],
)
def test_variables_name_settings(variable: str, name: str) -> None:
    """`__` is a dot; below KAFKA a `_` is one too, save in settings of our own."""
    assert setting_of(f"SESSION_REPORTS__{variable}") == name


def test_only_variables_with_the_prefix_are_read() -> None:
    """Kubernetes sets SESSION_REPORTS_SERVICE_HOST for a service of that name."""
    environ = {
        "HOME": "/",
        "SESSION_REPORTS_SERVICE_HOST": "10.0.0.1",
        "SESSION_REPORTS__HTTP__PORT": "1",
    }
    entries, problems = from_environment(environ)
    origin = Origin(Source.ENVIRONMENT, "SESSION_REPORTS__HTTP__PORT")
    assert entries == [Entry("http.port", "1", origin, is_text=True)]
    assert problems == []


def test_two_variables_for_one_setting_are_a_problem() -> None:
    """Which of them counts would be chance."""
    environ = {"SESSION_REPORTS__HTTP__PORT": "1", "SESSION_REPORTS__http__port": "2"}
    _, problems = from_environment(environ)
    assert [str(problem) for problem in problems] == [
        "SESSION_REPORTS__http__port: http.port: given as SESSION_REPORTS__HTTP__PORT too"
    ]


def test_overrides_are_split_at_the_first_equals_sign() -> None:
    """The rest belongs to the value, blanks too; the key may be of any depth."""
    entries, problems = from_overrides(["kafka.consumer.fetch.min.bytes=1", " app.id = a=b"])
    assert [(e.name, e.value) for e in entries] == [
        ("kafka.consumer.fetch.min.bytes", "1"),
        ("app.id", " a=b"),
    ]
    assert problems == []


def test_the_last_override_of_a_key_counts() -> None:
    """As with options of any command."""
    entries, _ = from_overrides(["http.port=1", "http.port=2"])
    assert [e.value for e in entries] == ["2"]


@pytest.mark.parametrize(
    ("override", "shown"),
    [
        ("kafka.sasl.password hunter2", "kafka.sasl.password: "),
        ("kafka.sasl.password:hunter2", "kafka.sasl.password: "),
        ("=5", ""),
        ("", ""),
    ],
)
def test_an_override_without_key_or_value_is_a_problem(override: str, shown: str) -> None:
    """Of which no more is shown than can be a key: the rest may be a secret."""
    _, problems = from_overrides([override])
    assert [str(problem) for problem in problems] == [
        f"--set: {shown}expected key=value, such as completion.inactivity=5m"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${NAME}", "north"),
        ("a-${NAME}-${NAME}", "a-north-north"),
        ("${MISSING:-south}", "south"),
        ("${MISSING:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-south}", "south"),
        ("${NAME:-south}", "north"),
        ("${MISSING:-a:-b $x\n}", "a:-b $x\n"),
        ("$${NAME}", "${NAME}"),
        ("$NAME $ $$ {NAME}", "$NAME $ $$ {NAME}"),
        ("${NESTED}", "${NAME}"),
    ],
)
def test_references_take_variables(text: str, expected: str) -> None:
    """As in a shell; `$${` stands for `${`, and what comes in is not looked at again."""
    environ = {"NAME": "north", "EMPTY": "", "NESTED": "${NAME}"}
    assert expand(Entry("app.id", text, FILE, is_text=False), environ).value == expected


def test_an_unset_variable_is_an_error() -> None:
    """With the two ways to mend it."""
    entry = Entry("kafka.sasl.password", "${PASSWORD}", FILE, is_text=False)
    with pytest.raises(ValueError, match="environment variable PASSWORD is not set; set it, or"):
        expand(entry, {})


@pytest.mark.parametrize("text", ["${", "${A", "${}", "${A-b}", "${1A}", "${ A}", "a ${A b}"])
def test_half_a_reference_is_an_error(text: str) -> None:
    """It is more likely a slip than meant, and can be written `$${`."""
    with pytest.raises(ValueError, match=r"begins no \$\{VAR\} or \$\{VAR:-default\}"):
        expand(Entry("app.id", text, FILE, is_text=False), {"A": "x"})


def test_references_work_in_arrays() -> None:
    """A list of brokers, say; what is no text stays as it is."""
    entry = Entry("kafka.bootstrap.servers", ["${A}:1", "b:2", 3], FILE, is_text=False)
    assert expand(entry, {"A": "a"}).value == ["a:1", "b:2", 3]


def test_an_expanded_value_is_text() -> None:
    """So that a number can come from a variable; without a reference it stays TOML."""
    assert expand(Entry("http.port", "${PORT}", FILE, is_text=False), {"PORT": "1"}).is_text
    assert not expand(Entry("http.port", "1", FILE, is_text=False), {}).is_text


def test_the_environment_itself_is_taken_as_it_is() -> None:
    """A password may hold `${`."""
    origin = Origin(Source.ENVIRONMENT, "SESSION_REPORTS__KAFKA__SASL_PASSWORD")
    entry = Entry("kafka.sasl.password", "a${b", origin, is_text=True)
    assert expand(entry, {}) is entry
