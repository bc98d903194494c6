"""JSON Schema (2020-12) of every record that crosses Kafka, made from the structs.

The structs that validate what comes in and encode what goes out are the source, their types
for what is allowed and their docstrings for what it means. Added here is only what makes a
value one kind of input record and not another, which the decoder decides in code.

Of fields and members Python keeps no docstrings; they are read from the source.

A schema says of input records what `callback.decode` says, save what JSON Schema cannot
express: it takes `1.0` for an integer, knows values and not their bytes (so neither a
repeated key nor what is no JSON), and does not count how deep they are nested.
"""

from __future__ import annotations

import ast
import enum
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, Struct
from msgspec import inspect as types

from consumer.wire.callback import Envelope, ErrorItem, Imeis, Status, Txid, UsageItem
from consumer.wire.dead_letter import Headers
from consumer.wire.metrics import MetricsRecord
from consumer.wire.report import ReportOf

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


class ExpectationRecord(Struct):
    """The devices that were asked for. Properties not named here are ignored."""

    txid: Txid
    imei: Imeis
    """None at all means the whole account: nothing is known to be missing then."""
    usage: None = None
    """With items it would be an answer."""
    errors: None = None


class AcknowledgementRecord(Struct):
    """That ThingSpace took the request. It is counted, nothing else."""

    txid: Txid
    status: Status
    usage: None = None
    errors: None = None
    imei: Annotated[Any, Meta(extra_json_schema={"not": {"type": "array"}})] = None
    """With a list of devices it would be an expectation."""


Kind = Literal["callback", "expectation", "acknowledgement", "report", "metrics", "dead-letter"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_RECORDS: Final[dict[Kind, tuple[str, Any]]] = {
    "callback": ("Callback", Envelope[UsageItem, ErrorItem]),
    "expectation": ("Expectation", ExpectationRecord),
    "acknowledgement": ("Acknowledgement", AcknowledgementRecord),
    "report": ("Report", ReportOf[UsageItem, ErrorItem]),
    "metrics": ("Metrics", MetricsRecord),
    "dead-letter": ("Headers of a dead letter", Headers),
}
"""Kind -> title, and the struct that it is."""

_CALLBACK_WITHOUT_ITEMS: Final[Schema] = {"imei": {"type": "null"}, "status": {"type": "null"}}
_CALLBACK: Final[Schema] = {
    "anyOf": [
        {"properties": {"usage": {"type": "array"}}, "required": ["usage"]},
        {"properties": {"errors": {"type": "array"}}, "required": ["errors"]},
        {"properties": _CALLBACK_WITHOUT_ITEMS},
    ]
}
"""With neither array a callback says nothing else, or it would be another kind."""


def schema(kind: Kind) -> Schema:
    """The schema of one kind of record; of a dead letter that of its headers, as text."""
    title, record = _RECORDS[kind]
    (reference,), components = msgspec.json.schema_components([record])
    classes = {found.__name__: found for found in _classes(types.type_info(record))}
    for component in components.values():
        _describe(component, classes[component["title"].partition("[")[0]])
    root = components.pop(reference["$ref"].rpartition("/")[2])
    made = {"$schema": DIALECT, **root, "title": title}
    if kind == "callback":
        made |= _CALLBACK
    return {**made, "$defs": components} if components else made


def _classes(kind: types.Type) -> Iterator[type]:
    """The structs and enums that a type is made of."""
    match kind:
        case types.StructType(cls=found, fields=fields):
            yield get_origin(found) or found
            for field in fields:
                yield from _classes(field.type)
        case types.EnumType(cls=found):
            yield found
        case types.UnionType(types=among):
            for one in among:
                yield from _classes(one)
        case types.Metadata(type=inner) | types.ListType(item_type=inner):
            yield from _classes(inner)


def _describe(component: Schema, of: type) -> None:
    """Put the docstrings of a class into its schema."""
    docs = _docstrings(of)
    parts = [_line(inspect.getdoc(of) or "")]
    if issubclass(of, enum.Enum):
        parts += [f"`{one.value}`: {docs[one.name]}" for one in of if one.name in docs]
    elif issubclass(of, Struct):
        for field in msgspec.structs.fields(of):
            if field.name in docs:
                component["properties"][field.encode_name]["description"] = docs[field.name]
    component["description"] = " ".join(parts)


def _docstrings(of: type) -> dict[str, str]:
    """Field or member of a class -> the docstring below it."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(of))).body
    docs = {}
    for statement, below in pairwise(getattr(definition, "body", ())):
        match statement, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[name] = _line(text)
    return docs


def _line(text: str) -> str:
    return " ".join(text.split())
