"""`session-reports schema`: what the records look like, for whoever writes or reads them."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from consumer.errors import SessionReportsError
from consumer.wire.schema import KINDS, Kind
from consumer.wire.schema import schema as schema_of


def schema(kind: Kind | None = None, /, *, write: Path | None = None) -> None:
    """Print the JSON Schema (2020-12) of a kind of record, or of all of them by kind.

    Of a dead letter it is the headers, by name: its key and value are those of the record
    that could not be used.

    **Examples**
    ```
    session-reports schema report
    session-reports schema --write docs/schemas
    ```

    Args:
        kind: Which records.
        write: A folder: put each schema there, as a file named after its kind.
    """
    console = Console(highlight=False, soft_wrap=True, markup=False)
    kinds = KINDS if kind is None else (kind,)
    if write is not None:
        for name in kinds:
            console.print(_written(write / f"{name}.json", text(schema_of(name))))
    elif kind is not None:
        console.print(text(schema_of(kind)), end="")
    else:
        console.print(text({name: schema_of(name) for name in KINDS}), end="")


def text(value: object) -> str:
    """A JSON value for people, and for `diff`."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _written(path: Path, content: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise SessionReportsError(f"{path} cannot be written: {error.strerror}") from None
    return path
