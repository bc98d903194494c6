"""`session-reports config`: what the settings are, and where each came from."""

from __future__ import annotations

from rich.console import Console

from consumer.cli.options import NOWHERE_ELSE, SettingsFrom
from consumer.settings.effective import render
from consumer.settings.origin import DEFAULT


def show(*, source: SettingsFrom = NOWHERE_ELSE) -> None:
    """Print the settings in force as a TOML file, each with where it came from.

    Secrets are redacted: of librdkafka's properties only those are shown whose values are
    none. Nothing is asked of Kafka.

    **Examples**
    ```
    session-reports config show --config config/consumer.toml
    session-reports config show --set completion.inactivity=5m
    ```
    """
    loaded = source.load()
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for line in render(loaded.settings, loaded.origins).splitlines():
        console.print(line, style="dim" if line.endswith(f"# {DEFAULT}") else None)
