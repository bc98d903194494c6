"""The life of a txid, as a table: everything that can happen to one stands here.

    unknown --part--> open --completed/expired--> remembered --forgotten--> unknown

A *part* opens a txid or adds to it; a *duplicate* changes nothing. `completed` is a rule
that a part made true, `expired` a deadline (inactivity, max_age). An emitted txid is
remembered, so that what comes again changes nothing and what comes late is told apart;
`forgotten` is the deadline of that memory.

The table is the specification: a test holds the code in `partition.py` against each row.
Phases are plain strings, compared in the hot path.
"""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "unknown"
OPEN: Final = "open"
REMEMBERED: Final = "remembered"

PART: Final = "part"
DUPLICATE: Final = "duplicate"
COMPLETED: Final = "completed"
EXPIRED: Final = "expired"
FORGOTTEN: Final = "forgotten"

CREATE: Final = "create"
MERGE: Final = "merge"
COUNT: Final = "count"
EMIT: Final = "emit"
REFUSE: Final = "refuse"
FORGET: Final = "forget"

TRANSITIONS: Final[dict[tuple[str, str], tuple[str, str]]] = {
    # (phase, event): (next phase, action)
    (UNKNOWN, PART): (OPEN, CREATE),
    (OPEN, PART): (OPEN, MERGE),
    (OPEN, DUPLICATE): (OPEN, COUNT),
    (OPEN, COMPLETED): (REMEMBERED, EMIT),
    (OPEN, EXPIRED): (REMEMBERED, EMIT),
    (REMEMBERED, DUPLICATE): (REMEMBERED, COUNT),
    (REMEMBERED, PART): (REMEMBERED, REFUSE),
    (REMEMBERED, FORGOTTEN): (UNKNOWN, FORGET),
}
"""A pair that is not listed cannot happen: meeting one is a bug, not bad input."""
