"""TOML files: values with lines, and everything that can be wrong with a file."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.settings import toml_file
from consumer.settings.origin import SettingsError
from consumer.settings.toml_file import flatten, lines_of, read_file

DOCUMENT = '''\
# a comment
title = "x"

[completion]
inactivity = "5m" # [not.a.table]
list = [
  1, # ]
  2,
]
text = """
[fake]
key = 1
"""
  [kafka]
"bootstrap.servers" = "a"
sasl = { mechanism = "PLAIN", "user.name" = 1 }
consumer.client.id = "c"
[kafka.producer]
'linger.ms' = 5
[empty]
[[array]]
inner = 1
[after]
last = 1'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test may write its file."""
    return tmp_path / "consumer.toml"


def error_of(path: Path) -> str:
    """The one line that reading this file ends with, the path cut to its name."""
    with pytest.raises(SettingsError) as caught:
        read_file(path)
    return str(caught.value).replace(str(path), path.name)


def test_every_value_knows_its_line(path: Path) -> None:
    """Also in multi-line values, inline tables, dotted keys and after arrays of tables."""
    path.write_text(DOCUMENT)
    assert [(e.name, e.origin.line) for e in read_file(path)] == [
        ("title", 2),
        ("completion.inactivity", 5),
        ("completion.list", 6),
        ("completion.text", 10),
        ("kafka.bootstrap.servers", 15),
        ("kafka.sasl.mechanism", 16),
        ("kafka.sasl.user.name", 16),
        ("kafka.consumer.client.id", 17),
        ("kafka.producer.linger.ms", 19),
        ("empty", 20),
        ("array", 21),
        ("after.last", 24),
    ]


def test_an_origin_reads_as_file_and_line(path: Path) -> None:
    """In the form that editors and terminals make a link of."""
    path.write_text("\na = 1")
    assert str(read_file(path)[0].origin) == f"{path}:2"


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(path: Path) -> None:
    """Such files are made by editors, not by mistake."""
    path.write_bytes(b'\xef\xbb\xbfa = 1\r\n[t]\r\nb = """x\r\ny"""\r\nc = 2\r\n')
    assert [(e.name, e.origin.line) for e in read_file(path)] == [("a", 1), ("t.b", 3), ("t.c", 5)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[http]\nport 9108\n", ":2: not valid TOML: Expected '='"),
        (b"a = 1\na = 2\n", ":2: not valid TOML: "),
        (b"[a]\n[a]\n", ":2: not valid TOML: "),
        (b"a = 5m\n", ":1: not valid TOML: Expected newline"),
        (b'a = "\x00"\n', ":1: not valid TOML: Illegal character '\\x00' (column 6)"),
        (b"a = 1\nb = \xff\n", ":2: not valid UTF-8"),
        (b"a = " + b"[" * 100_000, ": not valid TOML: nested too deeply"),
        (b'"a.b" = 1\na.b = 2\n', ":1: a.b: given 2 times"),
    ],
)
def test_bad_toml_gives_one_line_with_file_and_line(
    path: Path, content: bytes, message: str
) -> None:
    """Whatever is in the file; the words after "not valid TOML" are Python's."""
    path.write_bytes(content)
    assert error_of(path).startswith(f"consumer.toml{message}")
    assert "\n" not in error_of(path)


def test_an_unfinished_file_has_no_line(path: Path) -> None:
    """None is told for the end of the document."""
    path.write_text('a = """')
    assert error_of(path).startswith("consumer.toml: not valid TOML: ")
    assert "\n" not in error_of(path)


def test_a_number_of_too_many_digits_is_bad_toml(path: Path) -> None:
    """Python refuses to read it with an error that is none of tomllib's."""
    path.write_text(f"a = {'9' * 5_000}")
    assert error_of(path).startswith("consumer.toml: not valid TOML: Exceeds the limit")


def test_a_missing_file_is_one_line(path: Path) -> None:
    """With the reason of the operating system."""
    assert error_of(path) == "consumer.toml: cannot be read: No such file or directory"


def test_a_folder_is_one_line(tmp_path: Path) -> None:
    """With the reason of the operating system."""
    assert error_of(tmp_path).endswith("cannot be read: Is a directory")


def test_a_path_with_a_nul_is_one_line() -> None:
    """Which the operating system is never asked for."""
    assert error_of(Path("a\0b")).endswith("cannot be read: embedded null byte")


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    """Such as a device: no more than a bounded part is read."""
    assert error_of(Path("/dev/zero")) == "zero: larger than 1048576 bytes; is it the right file?"


def test_dotted_keys_may_nest_without_a_limit(path: Path) -> None:
    """Nothing here recurses over the depth of tables."""
    path.write_text(".".join("a" * 3_000) + " = 1")
    assert len(read_file(path)) == 1


def test_the_search_for_lines_ends_at_a_statement_without_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values after it are read all the same, without a line."""
    monkeypatch.setattr(toml_file, "STATEMENT_LINES_MAX", 3)
    path.write_text("a = 1\nb = [\n1,\n2,\n3]\nc = 1\n")
    assert [(e.name, e.origin.line) for e in read_file(path)] == [("a", 1), ("b", 0), ("c", 0)]


STATEMENTS = st.lists(
    st.sampled_from(
        [
            "",
            "# [x]",
            'k{} = "# no"',
            "k{} = [\n 1,\n]",
            'k{} = """\n[a]\nb=1\n"""',
            "k{}.x = 1",
            "[t{}]",
            "[t{}.u]",
            "k{} = {{ a = 1, b = {{ c = 2 }} }}",
            "'q.{}' = '''\n\n'''",
        ]
    )
)


@settings(deadline=None, max_examples=50)
@given(STATEMENTS)
def test_lines_are_those_of_the_statements(statements: list[str]) -> None:
    """For any sequence of statements: each name lies on the line where its key stands."""
    numbered = [text.format(number) for number, text in enumerate(statements)]
    document = "\n".join(numbered)
    starts = {}
    line = 1
    for number, text in enumerate(numbered):
        starts[str(number)] = line
        line += text.count("\n") + 1
    lines = lines_of(document)
    for name, _ in flatten(tomllib.loads(document)):
        own = [part for part in name.split(".") if part[-1:].isdigit()][-1]
        assert lines[name] == starts[own.lstrip("kt")]


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes_are_entries_or_a_settings_error(content: bytes) -> None:
    """A file can hold anything; nothing else is raised, and the error is one line."""
    path = Path(f"/proc/self/fd/{_memory_file(content)}")
    try:
        read_file(path)
    except SettingsError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017  # valid files raise nothing
    finally:
        os.close(int(path.name))


def _memory_file(content: bytes) -> int:
    descriptor = os.memfd_create("settings")
    os.write(descriptor, content)
    return descriptor
