"""Which of the rare paths a run went, by its trace: faults that reach nothing find nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

LOGGED = {
    "offsets_blocked": "waits for offsets",
    "transaction_ended": "frees a dead member",
    "transaction_torn": "leaves a torn commit alone",
    "commit_resent": "sends a commit again",
}
ENDS_OWN = "ends an orphan of its own"
ENDS_OTHER = "ends an orphan of another"
FENCED_TWICE = "is fenced twice in a row"
LET_GO = "comes too late to a partition"


def reached(trace: Iterable[tuple[Any, ...]]) -> set[str]:
    """What members did there."""
    return {path for _, _, what, *details in trace if (path := _path(what, details))}


def _path(what: str, details: list[Any]) -> str | None:
    if what == "log:":
        return LOGGED.get(details[0])
    if what.startswith("ends an orphan"):
        return ENDS_OWN if what == ENDS_OWN else ENDS_OTHER
    if what == "tears down" and details[1].startswith("another member went on"):
        return LET_GO
    if what == "exits" and (details[0] or "").startswith("fenced twice"):
        return FENCED_TWICE
    return None
