"""A TOML file as entries that know their line.

`tomllib` gives values and no positions. The lines come from a second look: the file is
cut into statements, which are the shortest runs of lines that are TOML by themselves (no
beginning of a multi-line value is), and each is parsed alone for the names in it.

It also stops at the first line that is not TOML. Then that statement is blanked out and the
rest read again, so that one run tells of every mistake. A header takes its section with it:
what stands below would belong to another table.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from consumer.settings.origin import Entry, Origin, Problem, Source

FILE_BYTES_MAX = 1 << 20
"""No file of settings is larger; a device or a wrong file may be."""
STATEMENT_LINES_MAX = 500
"""A statement longer than this ends the search for lines, whose cost is quadratic."""

SYNTAX_PROBLEMS_MAX = 20
"""A file with more of them is another kind of file."""

_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_HEADER = re.compile(r"\s*\[")
_BEGINNING = re.compile(r"""\s*(\[|[\w."'-]+\s*=)""")
"""Of a statement: a header, or a key."""
_UNQUOTED = re.compile(r"=\s*[0-9]+ *[A-Za-z]+\s*(#.*)?$")
_HINT = '; a number with a unit stands in quotes, as "5s" does'


def read_file(path: Path) -> tuple[list[Entry], list[Problem]]:
    """The entries of a file, in its order, and what is wrong with it as a file.

    With a problem the entries are those of the rest. Each name is there once.
    """
    try:
        text = _text_of(path)
    except ValueError as error:
        return [], [_problem(path, *error.args)]
    lines = text.split("\n")
    document, problems = _parse(path, lines)
    found = lines_of("\n".join(lines))
    entries: dict[str, Entry] = {}
    for name, value in flatten(document):
        origin = Origin(Source.FILE, str(path), found.get(name, 0))
        if name in entries:  # TOML tells "a.b" from a.b, the settings do not
            problems.append(Problem(origin, name, "given more than once"))
        entries[name] = Entry(name, value, origin, is_text=False)
    return list(entries.values()), problems


def _parse(path: Path, lines: list[str]) -> tuple[dict[str, object], list[Problem]]:
    """The document and what is no TOML in it, of which the lines are blanked out."""
    problems: list[Problem] = []
    while len(problems) < SYNTAX_PROBLEMS_MAX:
        try:
            return tomllib.loads("\n".join(lines)), problems
        except RecursionError:
            problems.append(_problem(path, "not valid TOML: nested too deeply"))
            break
        except ValueError as error:
            position = _POSITION.search(str(error))
            line = int(position[1] or 0) if position else 0
            column = f" (column {position[2]})" if position and position[2] else ""
            said = " ".join(_POSITION.sub("", str(error)).split())
        wrong = _statement_at(lines, line)
        if not wrong.start < line <= wrong.stop:  # where it was noticed, or not even that
            line, column = wrong.start + 1, ""
        hint = _HINT if _UNQUOTED.search(lines[wrong.start]) else ""
        problems.append(_problem(path, f"not valid TOML: {said}{column}{hint}", line))
        lines[wrong.start : wrong.stop] = [""] * len(wrong)
    return {}, problems


def _statement_at(lines: list[str], line: int) -> range:
    """Of the first statement that is no TOML; of the one on `line`, where each by itself is."""
    start = end = 0
    while end < len(lines):
        start = end
        length, document = _statement(lines, start)
        end = start + length
        if document is None:
            end = _next(lines, start + 1, _BEGINNING)
        if document is None or 0 < line <= end:
            break
    if _HEADER.match(lines[start]):
        end = _next(lines, end, _HEADER)
    return range(start, end)


def _next(lines: list[str], start: int, beginning: re.Pattern[str]) -> int:
    numbers = range(start, len(lines))
    return next((number for number in numbers if beginning.match(lines[number])), len(lines))


def flatten(document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """The values of nested tables by dotted name; an empty table is a value too."""
    waiting = list(document.items())[::-1]
    while waiting:  # not recursive: dotted keys nest without a limit
        name, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting.extend([(f"{name}.{key}", inner) for key, inner in value.items()][::-1])
        else:
            yield name, value


def lines_of(text: str) -> dict[str, int]:
    """Dotted name -> the line (from 1) of its statement, in a text that is valid TOML."""
    found: dict[str, int] = {}
    lines = text.split("\n")
    table = ""
    start = 0
    while start < len(lines):
        length, document = _statement(lines, start)
        if document is None:
            break
        is_header = lines[start].lstrip().startswith("[")
        for name, value in flatten(document):
            found.setdefault(name if is_header else f"{table}{name}", start + 1)
            if is_header and value in ({}, [{}]):
                table = f"{name}."
        start += length
    return found


def _statement(lines: list[str], start: int) -> tuple[int, dict[str, object] | None]:
    for end in range(start + 1, min(len(lines), start + STATEMENT_LINES_MAX) + 1):
        try:
            return end - start, tomllib.loads("\n".join(lines[start:end]))
        except (ValueError, RecursionError):
            continue
    return 0, None


def _text_of(path: Path) -> str:
    """Raises ValueError with what is wrong, and the line if it is known."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"cannot be read: {reason}") from None
    if len(content) > FILE_BYTES_MAX:
        raise ValueError(f"larger than {FILE_BYTES_MAX} bytes; is it the right file?")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError("not valid UTF-8", line) from None


def _problem(path: Path, message: str, line: int = 0) -> Problem:
    return Problem(Origin(Source.FILE, str(path), line), "", message)
