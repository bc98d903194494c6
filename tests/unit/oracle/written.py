"""What a right daemon writes: the model, whose own tests are worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.oracle import model
from tests.oracle.model import Settings
from tests.oracle.outputs import Outputs
from tests.oracle.record import Record

PREFIX = "__streams.errors."


def outputs(inputs: Sequence[Record], settings: Settings, *, is_live: bool = False) -> Outputs:
    """All records of the outputs; `is_live`: with all windows closed, as idleness would."""
    models = model.run(inputs, settings).values()
    reports = [body for partition in models for body in partition.reports]
    metrics = [body for partition in models for body in partition.metrics]
    if is_live:
        metrics += [window for partition in models for window in partition.windows.values()]
    return Outputs(
        [report(body, offset) for offset, body in enumerate(reports)],
        [dead_letter(letter, inputs) for partition in models for letter in partition.dead_letters],
        [metrics_record(body, offset) for offset, body in enumerate(metrics)],
    )


def dump(body: dict[str, Any]) -> bytes:
    """A report or metrics record as JSON, a report's items verbatim."""
    parts = []
    for name, value in body.items():
        is_array = name in ("usage", "errors")
        text = f"[{','.join(value)}]" if is_array else json.dumps(value, separators=(",", ":"))
        parts.append(f"{json.dumps(name)}:{text}")
    return f"{{{','.join(parts)}}}".encode()


def report(body: dict[str, Any], offset: int) -> Record:
    """A report that is not split."""
    return Record("out", 0, offset, 1, body["txid"].encode(), dump(body))


def metrics_record(body: dict[str, Any], offset: int) -> Record:
    """A metrics record under its key."""
    key = f"{body['window']['start']}/{body['partition']}"
    return Record("metrics", 0, offset, 1, key.encode(), dump(body))


def dead_letter(letter: model.DeadLetter, inputs: Sequence[Record]) -> Record:
    """A dead letter with our headers behind those of the input record."""
    (record,) = (r for r in inputs if (r.partition, r.offset) == letter[:2])
    ours = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "exception": letter.reason,
        "message": "in one line",
    }
    headers = tuple((PREFIX + name, text.encode()) for name, text in ours.items())
    return record._replace(topic="dead", headers=record.headers + headers)
