"""`session-reports topics`: making the topics."""

from __future__ import annotations

from rich.console import Console

from consumer.cli.options import NOWHERE_ELSE, SettingsFrom
from consumer.daemon import client_options, topics_of


def create(*, source: SettingsFrom = NOWHERE_ELSE) -> None:
    """Make the topics that are missing; those that exist are left as they are.

    Partitions, replication factor and retention come from `topics.partitions`,
    `topics.replication_factor` and `topics.retention`.

    **Examples**
    ```
    session-reports topics create --set topics.partitions=12
    ```
    """
    settings = source.load().settings
    done = topics_of(settings, client_options(settings)).create()
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for name in done.created:
        console.print(f"made    {name}")
    for name in done.existing:
        console.print(f"exists  {name}")
