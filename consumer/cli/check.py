"""`session-reports check`: are the settings good, and do they fit the cluster."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from consumer.cli.options import NOWHERE_ELSE, SettingsFrom
from consumer.daemon import client_options, topics_of
from consumer.kafka import properties
from consumer.settings.advice import advice
from consumer.settings.effective import render


def check(
    *,
    source: SettingsFrom = NOWHERE_ELSE,
    connect: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Check the settings, and print those in force with where they came from.

    Without `--connect` nothing is asked of Kafka.

    **Examples**
    ```
    session-reports check --config config/consumer.toml
    session-reports check --connect --set kafka.bootstrap.servers=broker:9092
    ```

    Args:
        source: Where the settings come from.
        connect: Also ask the cluster whether the topics fit.
    """
    loaded = source.load()
    options = client_options(loaded.settings)
    properties.validate(options)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(render(loaded.settings, loaded.origins), end="")
    for warning in advice(loaded.settings):
        console.print(f"warning: {warning}", style="yellow")
    console.print("The settings are good.")
    if connect:
        facts = topics_of(loaded.settings, options).check()
        console.print(f"The topics fit: {facts.partitions} input partitions.")
