"""`session-reports completion`: what a shell needs to complete our command lines.

Verbs and options stand in the script. Settings are asked for when they are wanted, so that a
script that was made once knows those of tomorrow. They complete to `name=default`, since a
shell ends a word that it has completed, and a default shows how its setting is written;
behind a `=` (not in bash, for which that is a word of its own) come the values to choose from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from cyclopts.completion import CompletionContext
from rich.console import Console

from consumer.settings import librdkafka
from consumer.settings.catalogue import SETTINGS, Kind, Setting, property_name
from consumer.settings.effective import plain

Shell = Literal["bash", "zsh", "fish"]


def completion(shell: Shell, /) -> None:
    """Print the script with which a shell completes verbs, options and settings.

    Where it goes: for bash to `~/.local/share/bash-completion/completions/session-reports`, for
    fish to `~/.config/fish/completions/session-reports.fish`, for zsh to `_session-reports` in a
    folder of `$fpath`.

    **Examples**
    ```
    session-reports completion bash
    ```

    Args:
        shell: Which shell.
    """
    from consumer.cli.app import app  # noqa: PLC0415 - it knows the verbs, and so us

    script = app.generate_completion(shell=shell)
    Console(highlight=False, soft_wrap=True, markup=False).print(script, end="")


def assignments(context: CompletionContext) -> Iterator[tuple[str, str]]:
    """What may follow `--set`, and what it is about."""
    name, equals, _ = context.incomplete.partition("=")
    if equals:
        for value in _values(SETTINGS.get(name)):
            yield f"{name}={value}", ""
        return
    for setting in SETTINGS.values():
        default = plain(setting, setting.default)
        shown = str(default).lower() if setting.kind is Kind.FLAG else default
        yield f"{setting.name}={shown}", setting.description
    for each in librdkafka.DEFAULTS:
        yield f"{property_name(each.client, each.name)}={each.value}", each.description


def _values(setting: Setting | None) -> tuple[str, ...]:
    """Those of a setting that has few."""
    if setting is None:
        return ()
    return ("true", "false") if setting.kind is Kind.FLAG else setting.choices
