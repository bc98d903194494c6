"""Keeps secrets out of text.

A secret is looked for wherever it may occur, not by the name of the field it stands in:
a library may quote its whole configuration in an exception. Since text is often a
representation of something, each secret is also looked for as `repr` and JSON spell it and
as a URL escapes it, and a secret of several lines (a PEM key) line by line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Final
from urllib.parse import quote

REDACTED: Final = "[redacted]"

_MIN_LINE: Final = 16
"""Shorter lines of a key (the last of its base64) are no loss, but match by accident."""


class Redactor:
    """Replaces every occurrence of the given secrets; empty ones are ignored."""

    def __init__(self, secrets: Collection[str]) -> None:
        spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
        # The longest first: a secret may be the beginning of another one.
        ordered = sorted(spellings - {""}, key=lambda spelling: (-len(spelling), spelling))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        """`text` with `[redacted]` in place of every secret."""
        return self._pattern.sub(REDACTED, text) if self._pattern else text


def _spellings(secret: str) -> Iterator[str]:
    lines = secret.splitlines()
    parts = [line for line in lines if len(line) >= _MIN_LINE and not line.startswith("-----")]
    for text in (secret, *(parts if len(lines) > 1 else ())):
        yield text
        yield repr(text)[1:-1]
        yield repr("'\"" + text)[4:-1]  # within a text that holds both quotes
        yield repr(text.encode(errors="surrogateescape"))[2:-1]
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield quote(text, safe="", errors="replace")
