"""The options that every verb with settings has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from consumer.cli import completion
from consumer.settings.load import Loaded, examine, load_with_origins


@Parameter(name="*")
@dataclass(frozen=True)
class SettingsFrom:
    """Where settings come from: `--set` > environment > file > default."""

    config: Annotated[Path | None, Parameter(name=("--config", "-c"))] = None
    """A TOML file; `config/consumer.toml` shows every setting."""

    set: Annotated[
        tuple[str, ...],
        Parameter(
            name=("--set", "-s"), negative=(), show_default=False, completer=completion.assignments
        ),
    ] = ()
    """One setting, as `key=value`; may be repeated."""

    def load(self) -> Loaded:
        """Raises `ConfigError` with everything that is wrong."""
        return load_with_origins(self.config, self.set, os.environ)

    def examine(self) -> Loaded:
        """The same, with what is wrong instead of an error."""
        return examine(self.config, self.set, os.environ)


NOWHERE_ELSE = SettingsFrom()
"""Environment and defaults only."""
