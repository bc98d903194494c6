"""The list of all settings, read off the structs of `model`.

Whoever must know which settings there are (the loader, the template, the printers) asks
here and not the structs, so that nothing is listed twice. librdkafka's properties are
not in the catalogue: their names are open.
"""

from __future__ import annotations

import difflib
import enum
import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct
from msgspec import inspect as types

from consumer.settings.model import Settings

PROPERTY_TABLES = {"kafka.consumer": "consumer", "kafka.producer": "producer", "kafka": "common"}
"""Table of librdkafka properties -> field of `model.Kafka`; the longer names first."""


class Kind(enum.Enum):
    """How a setting is written and read."""

    TEXT = "text"
    CHOICE = "choice"
    INTEGER = "integer"
    FLAG = "flag"
    DURATION = "duration"
    SIZE = "size"


class Setting(Struct, frozen=True, kw_only=True):
    """One setting. `name` is the dotted name by which users know it."""

    table: str
    key: str
    attribute: str
    kind: Kind
    default: str | int | bool | None
    description: str
    optional: bool = False
    """Whether `""` is a value: it means "not set"."""
    minimum: int = 0
    """Of the number, or of the text's length."""
    maximum: int = 0
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`completion.inactivity`."""
        return f"{self.table}.{self.key}"

    def of(self, settings: Settings) -> str | int | bool | None:
        """Its value in `settings`."""
        value: str | int | bool | None = getattr(getattr(settings, self.table), self.attribute)
        return value


def _setting(table: str, field: types.Field, attribute: str) -> Setting:
    """Unwraps the annotation: `Metadata` may be around or inside of an optional type."""
    described, unit, optional = "", "integer", False
    kind_of: types.Type = field.type
    while isinstance(kind_of, types.Metadata | types.UnionType):
        if isinstance(kind_of, types.Metadata):
            described = (kind_of.extra_json_schema or {}).get("description", described)
            unit = (kind_of.extra or {}).get("unit", unit)
            kind_of = kind_of.type
        else:
            optional = kind_of.includes_none
            kind_of = next(t for t in kind_of.types if not isinstance(t, types.NoneType))
    details: dict[str, Any]
    match kind_of:
        case types.LiteralType(values=values):
            details = {"kind": Kind.CHOICE, "choices": values}
        case types.BoolType():
            details = {"kind": Kind.FLAG}
        case types.IntType(ge=ge, le=le):
            details = {"kind": Kind(unit), "minimum": ge, "maximum": le}
        case types.StrType(min_length=shortest, max_length=longest):
            details = {"kind": Kind.TEXT, "minimum": shortest or 0, "maximum": longest}
            optional = not shortest
        case _:
            message = f"{table}.{field.encode_name}: no way to read a {kind_of}"
            raise TypeError(message)
    return Setting(
        table=table,
        key=field.encode_name,
        attribute=attribute,
        default=field.default,
        description=described,
        optional=optional,
        **details,
    )


def _settings() -> Iterator[Setting]:
    for table in msgspec.structs.fields(Settings):
        for field in types.type_info(table.type).fields:  # type: ignore[attr-defined] # a Struct
            if not isinstance(field.type, types.DictType):
                yield _setting(table.name, field, field.name)


SETTINGS = {setting.name: setting for setting in _settings()}
"""By dotted name, in the order of the structs."""

TABLES = {
    table.name: (inspect.getdoc(table.type) or "").partition("\n")[0]
    for table in msgspec.structs.fields(Settings)
}
"""Table -> what it is about."""


def property_of(name: str) -> tuple[str, str] | None:
    """`kafka.consumer.client.id` -> `("consumer", "client.id")`; None if it is none."""
    for table, client in PROPERTY_TABLES.items():
        if name.startswith(f"{table}."):
            return client, name.removeprefix(f"{table}.")
    return None


def property_name(client: str, name: str) -> str:
    """The inverse: the dotted name of a librdkafka property."""
    table = next(table for table, field in PROPERTY_TABLES.items() if field == client)
    return f"{table}.{name}"


def effective_property(settings: Settings, client: str, name: str) -> tuple[str, str] | None:
    """Dotted name and value of the property that a consumer or producer gets."""
    for table in (client, "common"):
        properties: dict[str, str] = getattr(settings.kafka, table)
        if name in properties:
            return property_name(table, name), properties[name]
    return None


def nearest(name: str, names: Iterable[str] = SETTINGS, *, likeness: float = 0.6) -> str | None:
    """The known name that a misspelt one most likely stands for."""
    known = list(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=likeness)
    if not close:  # the right key in the wrong table, or in none
        close = [each for each in known if each.endswith("." + name.rpartition(".")[2])]
    return close[0] if close else None
