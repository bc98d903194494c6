"""TOML files: values with lines, and everything that can be wrong with a file."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.settings import toml_file
from consumer.settings.origin import Entry
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


def entries_of(path: Path) -> list[Entry]:
    """What a file without problems holds."""
    entries, problems = read_file(path)
    assert problems == []
    return entries


def problems_of(path: Path) -> list[str]:
    """What is wrong with a file, the path cut to its name."""
    return [str(problem).replace(str(path), path.name) for problem in read_file(path)[1]]


def error_of(path: Path) -> str:
    """The same of one that has a single problem."""
    (line,) = problems_of(path)
    return line


def test_every_value_knows_its_line(path: Path) -> None:
    """Also in multi-line values, inline tables, dotted keys and after arrays of tables."""
    path.write_text(DOCUMENT)
    assert [(e.name, e.origin.line) for e in entries_of(path)] == [
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
    assert str(entries_of(path)[0].origin) == f"{path}:2"


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(path: Path) -> None:
    """Such files are made by editors, not by mistake."""
    path.write_bytes(b'\xef\xbb\xbfa = 1\r\n[t]\r\nb = """x\r\ny"""\r\nc = 2\r\n')
    assert [(e.name, e.origin.line) for e in entries_of(path)] == [("a", 1), ("t.b", 3), ("t.c", 5)]


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
        (b'"a.b" = 1\na.b = 2\n', ":1: a.b: given more than once"),
    ],
)
def test_bad_toml_gives_one_line_with_file_and_line(
    path: Path, content: bytes, message: str
) -> None:
    """Whatever is in the file; the words after "not valid TOML" are Python's."""
    path.write_bytes(content)
    assert error_of(path).startswith(f"consumer.toml{message}")
    assert "\n" not in error_of(path)


def test_an_unfinished_value_is_found_where_it_begins(path: Path) -> None:
    """Python names the end of the document."""
    path.write_text('b = 1\na = """\n\n')
    assert error_of(path).startswith("consumer.toml:2: not valid TOML: ")
    assert "\n" not in error_of(path)


def test_a_number_of_too_many_digits_is_bad_toml(path: Path) -> None:
    """Python refuses to read it with an error that is none of tomllib's."""
    path.write_text(f"a = {'9' * 5_000}")
    assert error_of(path).startswith("consumer.toml:1: not valid TOML: Exceeds the limit")


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
    assert len(entries_of(path)) == 1


def test_the_search_for_lines_ends_at_a_statement_without_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values after it are read all the same, without a line."""
    monkeypatch.setattr(toml_file, "STATEMENT_LINES_MAX", 3)
    path.write_text("a = 1\nb = [\n1,\n2,\n3]\nc = 1\n")
    assert [(e.name, e.origin.line) for e in entries_of(path)] == [("a", 1), ("b", 0), ("c", 0)]


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
def test_any_bytes_are_entries_or_problems(content: bytes) -> None:
    """A file can hold anything; nothing is raised, and each problem is one line."""
    path = Path(f"/proc/self/fd/{_memory_file(content)}")
    try:
        entries, problems = read_file(path)
    finally:
        os.close(int(path.name))
    assert all(len(str(problem).splitlines()) == 1 for problem in problems)
    assert len({entry.name for entry in entries}) == len(entries)


TORN = [
    "k{} = 5m",
    "k{} 1",
    'k{} = "x',
    "k{} = [1, 2",
    "= {}",
    "]{}",
]
"""Statements that are no TOML, of one line each."""


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*TORN, 'k{} = "x"', "k{} = [\n1,\n]", "# {}", ""]), st.booleans()
        ),
        max_size=8,
    )
)
def test_what_is_whole_is_read_beside_what_is_not(statements: list[tuple[str, bool]]) -> None:
    """Of torn and whole statements in any order, each good one is an entry with its line."""
    lines: list[str] = []
    good = []
    torn = 0
    for number, (text, in_section) in enumerate(statements):
        if in_section:
            lines += [f"[t{number}]"]
        if text in TORN:
            torn += 1
        elif text.startswith("k"):
            good.append((f"k{number}", len(lines) + 1))
        lines += text.format(number).split("\n")
    path = Path(f"/proc/self/fd/{_memory_file(chr(10).join(lines).encode())}")
    try:
        entries, problems = read_file(path)
    finally:
        os.close(int(path.name))
    found = [(e.name.rpartition(".")[2], e.origin.line) for e in entries if e.value != {}]
    assert found == good
    assert (len(problems) > 0) == (torn > 0)
    assert len(problems) <= torn


def test_a_torn_header_takes_its_section_with_it(path: Path) -> None:
    """Or its keys would be taken for those of the section before."""
    path.write_text("[a]\nb = 1\n[c\nd = 1\ne = 5m\n[f]\ng = 1\n[f]\nh = 1\n[i]\nj = 1")
    entries, problems = read_file(path)
    assert [entry.name for entry in entries] == ["a.b", "f.g", "i.j"]
    assert [problem.origin.line for problem in problems] == [3, 8]


def test_a_number_with_a_unit_is_known_to_lack_its_quotes(path: Path) -> None:
    """The words of the parser would not lead there; the value may be a secret."""
    path.write_text("a = 5m # five")
    assert error_of(path).endswith('; a number with a unit stands in quotes, as "5s" does')


def test_problems_are_counted_to_a_limit(path: Path) -> None:
    """What has no end of them is no settings file."""
    path.write_text("?\nk = 1\n" * 100)
    entries, problems = read_file(path)
    assert (len(entries), len(problems)) == (0, toml_file.SYNTAX_PROBLEMS_MAX)


def _memory_file(content: bytes) -> int:
    descriptor = os.memfd_create("settings")
    os.write(descriptor, content)
    return descriptor
