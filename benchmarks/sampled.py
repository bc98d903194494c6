"""From samples to stages: which file of ours belongs to which stage."""

from __future__ import annotations

from collections.abc import Mapping

STAGES = {
    "fetch": "consume, split into batches",
    "decode": "JSON to values",
    "aggregate": "duplicates, completion, clock, windows",
    "encode": "reports, state log",
    "produce": "hand over to the producer, delivery callbacks",
    "commit": "flush, offsets, commit",
    "loop": "all else, freeing what is done with",
}
"""With what they are, in the order of a record's way."""

FILES = (
    ("kafka/source.py", "fetch"),
    ("kafka/records.py", "fetch"),
    ("wire/callback.py", "decode"),
    ("wire/columns.py", "decode"),
    ("aggregation/emission.py", "encode"),
    ("aggregation/", "aggregate"),
    ("wire/canonical.py", "aggregate"),
    ("wire/", "encode"),
    ("pipeline/rows.py", "encode"),
    ("pipeline/state_log.py", "encode"),
    ("pipeline/checkpoint.py", "produce"),
    ("kafka/transactions.py", "produce"),
    ("pipeline/flight.py", "commit"),
    ("", "loop"),
)
"""The first that a path below `consumer/` begins with."""
COMMITS = {"begin", "flush", "delivered", "send_offsets", "commit"}
"""Functions of `kafka/transactions.py` that wait for Kafka."""


def by_stage(worked_ns: Mapping[str, int]) -> dict[str, int]:
    """What each stage has worked, in the order of a record's way.

    `worked_ns` is by `file:function`, the file below `consumer/`.
    """
    found = dict.fromkeys(STAGES, 0)
    for place, ns in worked_ns.items():
        found[_stage(place)] += ns
    return found


def _stage(place: str) -> str:
    path, _, function = place.partition(":")
    if path == "kafka/transactions.py" and function in COMMITS:
        return "commit"
    return next(stage for prefix, stage in FILES if path.startswith(prefix))
