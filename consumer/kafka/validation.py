"""Lets librdkafka judge the properties, all of them and without asking any broker.

Making a client ends at the first property that the library does not take. So each is tried
alone, with nothing but what our clients set themselves: what is refused then is wrong by
itself, and all of that is found. The rest is tried as a whole, since some do not go
together, and once more without those that were named, until there is no complaint.

What the library says when all properties are good one by one may also come of one that is
missing, so it counts only where all that was meant is there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer

from consumer.kafka import client_log, properties
from consumer.kafka.properties import ClientOptions

Given = Mapping[tuple[str, str], str]
"""Table of the settings and name of the property -> value."""

_OFFLINE = {"bootstrap.servers": ""}
_CREATION = "Failed to create"
"""Begins what librdkafka says of properties that are good one by one."""
_SIZES = {"message_max_bytes": 1_000_000, "batch_max_bytes": 1_000_000}


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """`table` is the field of `ClientOptions`; `name` is "" where no property was named."""

    table: str
    name: str
    message: str


def refusals(options: ClientOptions, *, complete: bool = True) -> list[Refusal]:
    """Everything that librdkafka does not take, in its words; nothing where all is good.

    `complete` is false where properties were given that `options` lack.
    """
    given = {
        (table, name): value
        for table in ("common", "consumer", "producer")
        for name, value in getattr(options, table).items()
    }
    found = list(_alone(options, given))
    if not complete:
        return found
    wrong = {(one.table, one.name) for one in found}
    found += _together(options, {at: value for at, value in given.items() if at not in wrong})
    named = [one for one in found if one.name]
    return named or found  # what names none may follow from what is wrong with another one


def _alone(options: ClientOptions, given: Given) -> Iterator[Refusal]:
    for at, value in given.items():
        message = _complaint(_with(options, {at: value}))
        if message is None:
            continue
        is_range = f'property "{at[1]}" value' in message
        if is_range or not message.startswith(_CREATION):
            yield Refusal(*at, _said(message))


def _together(options: ClientOptions, given: Given) -> Iterator[Refusal]:
    while (message := _complaint(_with(options, given))) is not None:
        said = _said(message)
        named = [at for at in given if re.search(rf"(?<![\w.]){re.escape(at[1])}(?!\.?\w)", said)]
        yield Refusal(*named[0], said) if named else Refusal("common", "", said)
        if not named:
            return
        given = {at: value for at, value in given.items() if at not in named}


def _said(message: str) -> str:
    """In one line: some of what it says ends with a line end."""
    said = message.partition(": ")[2] if message.startswith(_CREATION) else message
    return " ".join(said.split())


def _with(options: ClientOptions, given: Given) -> ClientOptions:
    tables: dict[str, dict[str, str]] = {"common": {}, "consumer": {}, "producer": {}}
    for (table, name), value in given.items():
        tables[table][name] = value
    return dataclasses.replace(
        options,
        common=tables["common"],
        consumer=tables["consumer"],
        producer=tables["producer"],
    )


def _complaint(options: ClientOptions) -> str | None:
    """The first thing that librdkafka has against a member's clients."""
    clients: tuple[tuple[Callable[[dict[str, Any]], object], dict[str, str]], ...] = (
        (Consumer, properties.source(options)),
        (Producer, properties.producer(options, **_SIZES)),
    )
    for client, config in clients:
        try:
            client({**config, **_OFFLINE, "logger": client_log.logger()})
        except KafkaException as error:
            return str(error.args[0].str())
        except (TypeError, ValueError) as error:
            return str(error)
    return None
