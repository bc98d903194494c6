"""A TOML file as entries that know their line.

`tomllib` gives values and no positions. The lines come from a second look: the file is
cut into statements, which are the shortest runs of lines that are TOML by themselves (no
beginning of a multi-line value is), and each is parsed alone for the names in it.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from consumer.settings.origin import Entry, Origin, Problem, SettingsError, Source

FILE_BYTES_MAX = 1 << 20
"""No file of settings is larger; a device or a wrong file may be."""
STATEMENT_LINES_MAX = 500
"""A statement longer than this ends the search for lines, whose cost is quadratic."""

_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)$")


def read_file(path: Path) -> list[Entry]:
    """The entries of a file, in its order.

    Raises SettingsError with one problem when the file cannot be read, is not TOML, or
    gives one name twice.
    """
    text = _text_of(path)
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise _error(path, "not valid TOML: nested too deeply") from None
    except ValueError as error:
        position = _POSITION.search(str(error))
        line = int(position[1]) if position else 0
        column = f" (column {position[2]})" if position else ""
        said = " ".join(_POSITION.sub("", str(error)).split())
        raise _error(path, f"not valid TOML: {said}{column}", line) from None
    lines = lines_of(text)
    entries = [
        Entry(name, value, Origin(Source.FILE, str(path), lines.get(name, 0)), is_text=False)
        for name, value in flatten(document)
    ]
    for name, count in Counter(entry.name for entry in entries).items():
        if count > 1:  # TOML tells "a.b" from a.b, the settings do not
            raise _error(path, f"{name}: given {count} times", lines.get(name, 0))
    return entries


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
        except ValueError:
            continue
    return 0, None


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _error(path, f"cannot be read: {reason}") from None
    if len(content) > FILE_BYTES_MAX:
        raise _error(path, f"larger than {FILE_BYTES_MAX} bytes; is it the right file?")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _error(path, "not valid UTF-8", line) from None


def _error(path: Path, message: str, line: int = 0) -> SettingsError:
    return SettingsError([Problem(Origin(Source.FILE, str(path), line), "", message)])
