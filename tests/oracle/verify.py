"""Outputs against inputs: every difference found, in one line each; no line means right.

`exact` demands what the model says, to the millisecond and in order: for runs in which
the records' timestamps alone moved the clock. `live` is for runs in which idleness or the
wall clock decided when a txid closed; it takes the times from the reports, checks that
they are possible, and demands everything else: every report and revision with exactly
its items, dead letters for exactly the records that deserve one, and metrics that add up:
each window to the reports closed in it, all windows together to the records consumed and
the items merged; and so do they without the model (`conservation`). It wants everything
closed: ask again until then.

A line begins with what is the matter: missing, doubled, invented, wrong, torn, unreadable
or reordered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from tests.oracle import live as _live
from tests.oracle import model, parts
from tests.oracle.compare import differences, match
from tests.oracle.conservation import unbalanced
from tests.oracle.model import Partition, Settings
from tests.oracle.outputs import (
    DeadLetter,
    Metrics,
    Outputs,
    Report,
    is_ours,
    read_dead_letter,
    read_metrics,
    read_report,
    report_name,
    window_name,
)
from tests.oracle.record import Record
from tests.oracle.windows import empty_window

_Parsed = TypeVar("_Parsed")
_LONGEST_MESSAGE = 300
_BY_RECORD = ("records", "items")
"""Parts of a metrics record that depend on when records were consumed."""


class _Found(NamedTuple):
    reports: list[Report]
    dead_letters: list[DeadLetter]
    metrics: list[Metrics]
    problems: list[str]


def exact(inputs: Iterable[Record], outputs: Outputs, settings: Settings) -> list[str]:
    """Differences to what the timestamps of `inputs` make of them."""
    inputs = list(inputs)
    found = _read(outputs, settings)
    partitions = model.run(inputs, settings)
    problems = found.problems + _records(inputs, found, partitions)
    for partition in partitions.values():
        problems += _order(partition, found.reports)
    return problems + match(
        "metrics record",
        [_metrics(body) for partition in partitions.values() for body in partition.metrics],
        [_found_metrics(metrics) for metrics in found.metrics],
    )


def live(inputs: Iterable[Record], outputs: Outputs, settings: Settings) -> list[str]:
    """Differences to what `inputs` must give whenever their txids closed."""
    inputs = list(inputs)
    found = _read(outputs, settings)
    partitions = _live.replay(inputs, found.reports, settings)
    problems = found.problems + _live.impossible_times(found.reports, settings)
    problems += [
        f"missing report {report_name(partition.partition, txid, entry.next_revision)}"
        for partition in partitions.values()
        for txid, entry in partition.open.items()
    ]
    problems += _records(inputs, found, partitions)
    for number in partitions.keys() | {metrics.partition for metrics in found.metrics}:
        partition = partitions.get(number) or Partition("", number, settings)
        metrics = [metrics for metrics in found.metrics if metrics.partition == number]
        problems += _adding_up(partition, metrics, settings)
    return problems + unbalanced(len(inputs), found.reports, len(found.dead_letters), found.metrics)


def _read(outputs: Outputs, settings: Settings) -> _Found:
    problems: list[str] = []

    def parsed(
        kind: str, records: list[Record], parse: Callable[[Record], _Parsed]
    ) -> list[_Parsed]:
        results = []
        for record in records:
            try:
                results.append(parse(record))
            except ValueError as error:
                place = f"{record.topic}/{record.partition}@{record.offset}"
                problems.append(f"unreadable {kind} {place}: {error}")
        return results

    reports, torn = parts.join(
        parsed("report", outputs.reports, read_report), settings.report_bytes
    )
    problems += torn
    return _Found(
        reports,
        parsed("dead letter", outputs.dead_letters, read_dead_letter),
        parsed("metrics record", outputs.metrics, read_metrics),
        problems,
    )


def _records(inputs: list[Record], found: _Found, partitions: dict[int, Partition]) -> list[str]:
    """Reports and dead letters against the model's."""
    by_place = {(record.partition, record.offset): record for record in inputs}
    problems = match(
        "report",
        [
            (
                _name(partition, body),
                {"key": body["txid"].encode(), "value": body},
            )
            for partition in partitions.values()
            for body in partition.reports
        ],
        [
            (report.name, {"key": report.record.key, "value": report.body})
            for report in found.reports
        ],
    )
    problems += match(
        "dead letter",
        [
            _expected_dead_letter(by_place[letter.partition, letter.offset], letter.reason)
            for partition in partitions.values()
            for letter in partition.dead_letters
        ],
        [_found_dead_letter(letter) for letter in found.dead_letters],
    )
    return problems + [
        f"wrong dead letter {letter.partition}@{letter.offset}: message {letter.message!r}"
        for letter in found.dead_letters
        if len(letter.message) > _LONGEST_MESSAGE or len(letter.message.splitlines()) != 1
    ]


def _expected_dead_letter(record: Record, reason: str) -> tuple[str, dict[str, Any]]:
    return f"{record.partition}@{record.offset}", {
        "reason": reason,
        "topic": record.topic,
        "key": record.key,
        "value": record.value,
        "timestamp": record.timestamp_ms,
        "headers": [header for header in record.headers if not is_ours(header)],
    }


def _found_dead_letter(letter: DeadLetter) -> tuple[str, dict[str, Any]]:
    return f"{letter.partition}@{letter.offset}", {
        "reason": letter.reason,
        "topic": letter.topic,
        "key": letter.record.key,
        "value": letter.record.value,
        "timestamp": letter.record.timestamp_ms,
        "headers": list(letter.headers),
    }


def _order(partition: Partition, reports: list[Report]) -> list[str]:
    """Reports of one input partition that share an output partition keep their order."""
    due = [_name(partition, body) for body in partition.reports]
    problems = []
    for output in {report.record.partition for report in reports}:
        there = [
            report.name
            for report in sorted(reports, key=lambda report: report.record.offset)
            if report.record.partition == output and report.partition == partition.partition
        ]
        names = set(there)
        expected = [name for name in due if name in names]
        if there != expected and Counter(there) == Counter(expected):
            problems.append(f"reordered reports of partition {partition.partition}: {there}")
    return problems


def _name(partition: Partition, body: dict[str, Any]) -> str:
    return report_name(partition.partition, body["txid"], body["summary"]["revision"])


def _metrics(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    name = window_name(body["window"]["start"], body["partition"])
    return name, {"key": name.encode(), "value": body}


def _found_metrics(metrics: Metrics) -> tuple[str, dict[str, Any]]:
    return metrics.name, {"key": metrics.record.key, "value": metrics.body}


def _adding_up(partition: Partition, found: list[Metrics], settings: Settings) -> list[str]:
    """Windows against the reports closed in them; their sums against the input."""
    windows = {
        metrics.start: empty_window(
            settings.app, partition.partition, metrics.start, metrics.start + settings.window_ms
        )
        for metrics in found
    } | {
        start: window
        for start, window in partition.windows.items()
        if any(window["reports"].values()) or start in {metrics.start for metrics in found}
    }
    problems = match(
        "metrics record",
        [_metrics(_by_report(window)) for window in windows.values()],
        [
            (name, {**content, "value": _by_report(content["value"])})
            for name, content in map(_found_metrics, found)
        ],
    )
    for part in _BY_RECORD:
        expected, sums = Counter[str](), Counter[str]()
        for window in partition.windows.values():
            expected.update(window[part])
        for metrics in found:
            sums.update(metrics.body[part])
        problems += [
            f"wrong sum of metrics of partition {partition.partition}: {part}{difference}"
            for difference in differences(+expected, +sums)
        ]
    return problems + [
        f"invented metrics record {metrics.name}: it counts nothing"
        for metrics in found
        if not any(
            count for part in (*_BY_RECORD, "reports") for count in metrics.body[part].values()
        )
    ]


def _by_report(window: dict[str, Any]) -> dict[str, Any]:
    """A metrics record without the counts of what was consumed in it, but their names."""
    return window | {part: sorted(window[part]) for part in _BY_RECORD}
