"""`session-reports check`: are the settings good, and do they fit the cluster.

Everything that is wrong is told in one run: what we know to be wrong with the settings, and
what librdkafka does not take of its properties. Only when all of that is good can the
cluster be asked, and then it is everything about the topics.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from consumer.cli import memory
from consumer.cli.options import NOWHERE_ELSE, SettingsFrom
from consumer.daemon import build, client_options, topics_of
from consumer.kafka import validation
from consumer.kafka.properties import ClientOptions
from consumer.settings.advice import advice
from consumer.settings.catalogue import nearest, property_name
from consumer.settings.librdkafka import PRINTABLE
from consumer.settings.load import Loaded, in_order, refuse
from consumer.settings.origin import DEFAULT, Problem, Source


def check(
    *,
    source: SettingsFrom = NOWHERE_ELSE,
    connect: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Check the settings: every problem at once, then warnings, and the memory it may take.

    Without `--connect` nothing is asked of Kafka. The settings themselves are printed by
    `session-reports config show`.

    **Examples**
    ```
    session-reports check --config config/consumer.toml
    session-reports check --connect --set kafka.bootstrap.servers=broker:9092
    ```

    Args:
        source: Where the settings come from.
        connect: Also ask the cluster whether the topics fit.
    """
    loaded = source.examine()
    settings = loaded.settings
    options = client_options(settings)
    refuse(in_order([*loaded.problems, *_refused(loaded, options)]))
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"settings: good; {_counted(loaded)}")
    console.print(f"librdkafka {build().librdkafka}: takes the properties of [kafka]")
    for warning in advice(settings):
        console.print(f"warning: {warning}", style="yellow")
    partitions = settings.topics.partitions
    if connect:
        partitions = topics_of(settings, options).check().partitions
        console.print(f"topics: fit; {partitions} input partitions")
    for line in memory.lines(settings, options, partitions):
        console.print(line)


def _refused(loaded: Loaded, options: ClientOptions) -> Iterator[Problem]:
    """What librdkafka does not take, of what is not known to be wrong already."""
    known = {problem.name for problem in loaded.problems}
    for refusal in validation.refusals(options, complete=not known):
        name = property_name(refusal.table, refusal.name) if refusal.name else "kafka"
        if name not in known:
            like = nearest(refusal.name, PRINTABLE, likeness=0.8)
            hint = f"; did you mean {like}?" if like and refusal.name not in PRINTABLE else ""
            origin = loaded.origins.get(name, DEFAULT)
            yield Problem(origin, name, f"librdkafka does not take it: {refusal.message}{hint}")


def _counted(loaded: Loaded) -> str:
    """How many values came from where, by source: `2 from a.toml, 1 from --set, ...`."""
    counts: dict[str, int] = {}
    for origin in sorted(loaded.origins.values(), key=lambda origin: -origin.source):
        place = "the environment" if origin.source is Source.ENVIRONMENT else origin.place
        counts[place] = counts.get(place, 0) + 1
    defaults = counts.pop(DEFAULT.place, 0)
    given = [f"{count} from {place}" for place, count in counts.items()]
    return ", ".join([*given, f"{defaults} by default"])
