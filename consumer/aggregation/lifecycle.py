"""The life of a txid, as a table: everything that can happen to one stands here.

A *part* opens a txid or adds to it (an item, or devices to its expectation); a *duplicate*
adds nothing. `completed` is a rule that a part made true, `expired` a deadline (inactivity,
max_age), `crowded` the lack of room for state. An emitted txid is *remembered* with all its
items, so that a part reopens it and the next report is whole again, or *marked* by the
digests of its items, so that what comes again is still told from what comes late. It is
`settled`, and so marked at once, where no revision is to follow: with `late.policy`
`dead-letter`, and when it outgrew `limits.txid_bytes`. `forgotten` is the deadline of either
memory.

The table is the specification: a test holds the code in `partition.py` against each row.
Phases are plain strings, compared in the hot path.
"""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "unknown"
OPEN: Final = "open"
REMEMBERED: Final = "remembered"
MARKED: Final = "marked"

PART: Final = "part"
DUPLICATE: Final = "duplicate"
COMPLETED: Final = "completed"
EXPIRED: Final = "expired"
CROWDED: Final = "crowded"
SETTLED: Final = "settled"
FORGOTTEN: Final = "forgotten"

CREATE: Final = "create"
MERGE: Final = "merge"
REOPEN: Final = "reopen"
COUNT: Final = "count"
EMIT: Final = "emit"
REFUSE: Final = "refuse"
SHED: Final = "shed"
FORGET: Final = "forget"

TRANSITIONS: Final[dict[tuple[str, str], tuple[str, str]]] = {
    # (phase, event): (next phase, action)
    (UNKNOWN, PART): (OPEN, CREATE),
    (OPEN, PART): (OPEN, MERGE),
    (OPEN, DUPLICATE): (OPEN, COUNT),
    (OPEN, COMPLETED): (REMEMBERED, EMIT),
    (OPEN, EXPIRED): (REMEMBERED, EMIT),
    (OPEN, CROWDED): (REMEMBERED, EMIT),
    (REMEMBERED, PART): (OPEN, REOPEN),
    (REMEMBERED, DUPLICATE): (REMEMBERED, COUNT),
    (REMEMBERED, CROWDED): (MARKED, SHED),
    (REMEMBERED, SETTLED): (MARKED, SHED),
    (REMEMBERED, FORGOTTEN): (UNKNOWN, FORGET),
    (MARKED, PART): (MARKED, REFUSE),
    (MARKED, DUPLICATE): (MARKED, COUNT),
    (MARKED, CROWDED): (UNKNOWN, FORGET),
    (MARKED, FORGOTTEN): (UNKNOWN, FORGET),
}
"""A pair that is not listed cannot happen: meeting one is a bug, not bad input."""


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2"]
    for (phase, event), (following, action) in TRANSITIONS.items():
        ends = ["[*]" if name == UNKNOWN else name for name in (phase, following)]
        lines.append(f"    {ends[0]} --> {ends[1]}: {event} / {action}")
    return "\n".join(lines) + "\n"
