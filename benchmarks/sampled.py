"""From sampled stacks to shares of the stages: which file of ours belongs to which stage."""

from __future__ import annotations

import re
from collections import Counter

STAGES = {
    "fetch": "consume, split into batches",
    "decode": "JSON to values",
    "aggregate": "duplicates, completion, clock, windows",
    "encode": "reports, state log",
    "produce": "hand over to the producer, delivery callbacks",
    "commit": "flush, offsets, commit",
    "loop": "all else",
}
"""With what they are, in the order of a record's way."""

_FILES = (
    ("kafka/source.py", "fetch"),
    ("kafka/records.py", "fetch"),
    ("wire/callback.py", "decode"),
    ("aggregation/emission.py", "encode"),
    ("aggregation/", "aggregate"),
    ("wire/canonical.py", "aggregate"),
    ("wire/", "encode"),
    ("pipeline/state_log.py", "encode"),
    ("pipeline/checkpoint.py", "produce"),
    ("kafka/transactions.py", "produce"),
    ("pipeline/flight.py", "commit"),
    ("", "loop"),
)
"""The first that a path below `consumer/` begins with."""
_COMMITS = {"begin", "flush", "delivered", "send_offsets", "commit"}
"""Functions of `kafka/transactions.py` that wait for Kafka."""

_FRAME = re.compile(r"([^;]+) \(([^;]+):\d+\)")
_LOOP = ("turn", "pipeline/loop.py")
_ROOT = "/consumer/"


def shares(stacks: str) -> dict[str, float]:
    """Of each stage, in 0 … 1; only what runs within a turn of the loop counts.

    A line of `stacks` is `outermost;...;innermost COUNT`, a frame `Class.function (file:line)`.
    """
    counts: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        found = _FRAME.findall(stack)
        frames = [(name.rpartition(".")[2], _below(path)) for name, path in found]
        if _LOOP in frames:
            counts[_stage(frames)] += int(count)
    total = counts.total() or 1
    return {name: counts[name] / total for name in STAGES}


def _below(path: str) -> str | None:
    """A path within our package; None where it is not ours."""
    _, root, below = path.rpartition(_ROOT)
    return below if root else None


def _stage(frames: list[tuple[str, str | None]]) -> str:
    name, path = next((name, path) for name, path in reversed(frames) if path is not None)
    if path == "kafka/transactions.py" and name in _COMMITS:
        return "commit"
    return next(stage for prefix, stage in _FILES if path.startswith(prefix))
