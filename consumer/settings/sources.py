"""The three sources of values, each as a list of entries: file, environment, `--set`.

A variable's name is the setting's in capitals with `__` for the dot; below `KAFKA__` a
`_` is a dot too, since librdkafka's names have nothing but dots. Values in a file and of
`--set` may hold `${VAR}` and `${VAR:-default}`. Those of the environment are taken as
they are: they have been through a shell or a deployment tool already, and a password
must arrive as it was given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from consumer.settings.catalogue import SETTINGS
from consumer.settings.origin import Entry, Origin, Problem, Source

PREFIX = "SESSION_REPORTS__"

_REFERENCE = re.compile(r"\$(\$?)\{([^}]*)\}?")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:-(.*))?", re.DOTALL)


def from_environment(environ: Mapping[str, str]) -> tuple[list[Entry], list[Problem]]:
    """Entries of the variables that begin with `PREFIX`, sorted.

    One underscore after SESSION_REPORTS is no mistake: Kubernetes sets such variables
    for a service of that name.
    """
    entries: dict[str, Entry] = {}
    problems = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX):
            continue
        name = setting_of(variable)
        origin = Origin(Source.ENVIRONMENT, variable)
        if name in entries:
            problems.append(Problem(origin, name, f"given as {entries[name].origin} too"))
        entries[name] = Entry(name, environ[variable], origin, is_text=True)
    return list(entries.values()), problems


def setting_of(variable: str) -> str:
    """`SESSION_REPORTS__KAFKA__CONSUMER__CLIENT_ID` -> `kafka.consumer.client.id`."""
    name = variable.removeprefix(PREFIX).lower().replace("__", ".")
    if name.startswith("kafka.") and name not in SETTINGS:
        return name.replace("_", ".")
    return name


def from_overrides(overrides: Sequence[str]) -> tuple[list[Entry], list[Problem]]:
    """Entries of `key=value` texts; of two with one key the later counts."""
    entries: dict[str, Entry] = {}
    problems = []
    origin = Origin(Source.COMMAND_LINE, "--set")
    for override in overrides:
        name, equals, value = override.partition("=")
        name = name.strip()
        if not equals or not name:
            shown = re.split(r"[^\w.-]", name, maxsplit=1)[0]  # what follows may be a secret
            message = "expected key=value, such as completion.inactivity=5m"
            problems.append(Problem(origin, shown, message))
            continue
        entries[name] = Entry(name, value, origin, is_text=True)
    return list(entries.values()), problems


def expand(entry: Entry, environ: Mapping[str, str]) -> Entry:
    """The entry with its references to variables resolved, those within arrays too.

    `${VAR:-default}` gives the default also for an empty variable, as in a shell, and
    `$${` is a plain `${`. What comes in is not expanded again. Raises ValueError.
    """
    if entry.origin.source is Source.ENVIRONMENT:
        return entry
    if isinstance(entry.value, list):
        items = [_resolve(v, environ) if isinstance(v, str) else v for v in entry.value]
        return msgspec.structs.replace(entry, value=items)
    if not isinstance(entry.value, str) or "${" not in entry.value:
        return entry
    return msgspec.structs.replace(entry, value=_resolve(entry.value, environ), is_text=True)


def _resolve(text: str, environ: Mapping[str, str]) -> str:
    def value_of(reference: re.Match[str]) -> str:
        if reference[1]:
            return reference[0][1:]
        variable = _VARIABLE.fullmatch(reference[2])
        if variable is None or not reference[0].endswith("}"):
            raise ValueError(
                '"${" begins no ${VAR} or ${VAR:-default}; write "$${" for a plain one'
            )
        name, has_default, default = variable.groups()
        value = environ.get(name)
        if has_default:
            return value or default
        if value is None:
            message = (
                f"environment variable {name} is not set; set it, or write ${{{name}:-default}}"
            )
            raise ValueError(message)
        return value

    return _REFERENCE.sub(value_of, text)
