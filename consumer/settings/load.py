"""Loads the settings: defaults < file < environment < `--set`.

All sources become one list of entries, of which the last one of a name counts. Each
name is looked up (a misspelt one is a problem wherever it stands), the winner of each is
read, then the whole is checked. Nothing stops at the first problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from consumer.settings import checks, librdkafka, sources, values
from consumer.settings.catalogue import (
    PROPERTY_TABLES,
    SETTINGS,
    TABLES,
    nearest,
    property_name,
    property_of,
)
from consumer.settings.model import Settings
from consumer.settings.origin import DEFAULT, Entry, Origin, Problem, SettingsError, Source
from consumer.settings.toml_file import read_file


class Loaded(Struct, frozen=True):
    """The settings, and where each value came from."""

    settings: Settings
    origins: Mapping[str, Origin]
    """By dotted name: every setting, and every librdkafka property that is set."""
    problems: Sequence[Problem] = ()
    """What is wrong, by source and line; `settings` has the defaults in its place."""


def load(
    file: Path | None, overrides: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> Settings:
    """The settings. Raises SettingsError (a ConfigError) with everything that is wrong.

    Args:
        file: a TOML file, or None for none at all.
        overrides: texts like `completion.inactivity=5m`.
        environ: environment variables, for `SESSION_REPORTS__...` and for `${VAR}`.
    """
    return load_with_origins(file, overrides, environ).settings


def load_with_origins(
    file: Path | None, overrides: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> Loaded:
    """The same, with the origin of each value."""
    loaded = examine(file, overrides, environ)
    refuse(loaded.problems)
    return loaded


def refuse(problems: Sequence[Problem]) -> None:
    """Raises SettingsError where there are problems."""
    if problems:
        raise SettingsError(problems)


def examine(
    file: Path | None, overrides: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> Loaded:
    """The same, with what is wrong instead of an error: for who may find more of that."""
    environ = environ or {}
    entries, problems = read_file(file) if file else ([], [])
    is_whole = not problems
    for given, wrong in (sources.from_environment(environ), sources.from_overrides(overrides)):
        entries += given
        problems += wrong
    winners = _winners(entries, problems)
    settings = _settings(_read(winners, environ, problems))
    origins = _origins(settings, winners)
    at_fault = {problem.name for problem in problems}
    for mismatch in checks.mismatches(settings):
        # It may only follow from a known problem, or from what could not be read.
        is_known = is_whole or all(name in winners for name in mismatch.names)
        if is_known and at_fault.isdisjoint(mismatch.names):
            name = mismatch.names[0]
            problems.append(Problem(origins.get(name, DEFAULT), name, mismatch.message))
    return Loaded(settings, origins, in_order(problems))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By source, and within a file by line."""
    return sorted(problems, key=_order)


def _order(problem: Problem) -> tuple[Source, int, str]:
    return problem.origin.source, problem.origin.line, problem.origin.place


_ALL_TABLES = TABLES.keys() | PROPERTY_TABLES.keys()


def _winners(entries: Sequence[Entry], problems: list[Problem]) -> dict[str, Entry]:
    """For each setting that is given, the entry that counts."""
    winners: dict[str, Entry] = {}
    for entry in entries:
        if message := _wrong_name(entry):
            problems.append(Problem(entry.origin, entry.name, message))
        elif entry.name not in _ALL_TABLES:
            winners[entry.name] = entry
    return winners


def _wrong_name(entry: Entry) -> str | None:
    """What is wrong with the name of an entry, whatever its value."""
    name = entry.name
    if name in SETTINGS:
        return None
    if name in _ALL_TABLES:
        return None if entry.value == {} else "is a table of settings, not a value"
    if found := property_of(name):
        known = nearest(f"kafka.{found[1]}", _KAFKA_SETTINGS, likeness=0.9)
        return f"unknown setting; did you mean {known}?" if known else librdkafka.refusal(found[1])
    known = nearest(name, SETTINGS.keys() | TABLES.keys())
    return f"unknown setting; did you mean {known}?" if known else "unknown setting"


_KAFKA_SETTINGS = [name for name in SETTINGS if property_of(name)]


def _read(
    winners: Mapping[str, Entry], environ: Mapping[str, str], problems: list[Problem]
) -> dict[str, values.Value]:
    """The values of those entries, without the ones that are wrong."""
    read: dict[str, values.Value] = {}
    for name, entry in winners.items():
        try:
            expanded = sources.expand(entry, environ)
            setting = SETTINGS.get(name)
            read[name] = (
                values.read(setting, expanded) if setting else values.read_property(expanded)
            )
        except ValueError as error:
            problems.append(Problem(entry.origin, name, str(error)))
    return read


def _settings(read: Mapping[str, values.Value]) -> Settings:
    """The structs from the values that were given, with defaults for all others."""
    tables: dict[str, dict[str, Any]] = {name: {} for name in TABLES}
    tables["kafka"] = {client: {} for client in PROPERTY_TABLES.values()}
    for name, value in read.items():
        if setting := SETTINGS.get(name):
            tables[setting.table][setting.attribute] = value
        elif found := property_of(name):
            client, key = found
            tables["kafka"][client][key] = value
    classes = {table.name: table.type for table in fields(Settings)}
    return Settings(**{name: classes[name](**given) for name, given in tables.items()})


def _origins(settings: Settings, winners: Mapping[str, Entry]) -> dict[str, Origin]:
    names = [*SETTINGS]
    for client in PROPERTY_TABLES.values():
        names += [property_name(client, key) for key in getattr(settings.kafka, client)]
    return {name: winners[name].origin if name in winners else DEFAULT for name in names}
