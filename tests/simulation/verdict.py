"""The outputs of a whole scenario against what is due.

Where time was the records' alone, each history's model says what: exactly that must be there,
each once. What a history that an operator cut off had in hand when it ended, a transaction may
have been too full for; so of its last moment there may be more, but nothing else. Where the
wall clock had a hand in it, the oracle's `live` check takes the times from the reports.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

from tests.oracle import parts, verify
from tests.oracle.compare import differences
from tests.oracle.outputs import Outputs, Report, read_dead_letter, read_metrics, read_report
from tests.oracle.record import Record
from tests.simulation.broker import Kafka
from tests.simulation.checker import Checker, History, settings_of
from tests.simulation.scenario import Setup

Name = tuple[str, str]
Found = dict[Name, list[Any]]


def judge(kafka: Kafka, setup: Setup, checker: Checker) -> list[str]:
    """All that is wrong."""
    letters = [_as_sent(kafka, record) for record in kafka.read("dead-letters")]
    outputs = Outputs(kafka.read("reports"), letters, kafka.read("metrics"))
    problems = [
        f"{topic}[{number}] hangs from {log.stable} to {log.end}"
        for topic, logs in kafka.topics.items()
        for number, log in enumerate(logs)
        if any(not span.is_orphan for span in log.open.values())
    ]
    if not setup.exact:
        inputs = [
            record
            for history in checker.histories.values()
            for record in checker.records(history.partition, history.begin, history.offset)
        ]
        return problems + verify.live(inputs, outputs, settings_of(setup))
    reports, torn = parts.join(map(read_report, outputs.reports), setup.report_bytes)
    due, allowed = _expected(kafka, checker)
    problems += torn + _compare(due, allowed, _found(reports, outputs))
    if not checker.operated:
        for history in checker.histories.values():
            problems += verify._order(history.model, reports)
    return problems


def _as_sent(kafka: Kafka, letter: Record) -> Record:
    """A record that had no time was given one when its dead letter was written."""
    headers = dict(letter.headers)
    number = int(headers["__streams.errors.partition"] or b"")
    offset = int(headers["__streams.errors.offset"] or b"")
    timestamp_ms = kafka.log(("callbacks", number)).entries[offset].timestamp_ms
    return letter if timestamp_ms > 0 else letter._replace(timestamp_ms=timestamp_ms)


def _found(reports: list[Report], outputs: Outputs) -> Found:
    found: Found = {}
    for report in reports:
        key = (report.record.key or b"").decode()
        found.setdefault(("report", report.name), []).append({"key": key, "value": report.body})
    for record in outputs.metrics:
        metrics = read_metrics(record)
        found.setdefault(("metrics", metrics.name), []).append(metrics.body)
    for record in outputs.dead_letters:
        letter = read_dead_letter(record)
        name = f"{letter.partition}@{letter.offset}"
        content = [letter.reason, repr(record.key), repr(record.value), record.timestamp_ms]
        found.setdefault(("dead letter", name), []).append(content)
    return found


def _expected(kafka: Kafka, checker: Checker) -> tuple[Found, Found]:
    """What must be there, and what may be beyond that."""
    due: Found = {}
    allowed: Found = {}
    for key, history in checker.histories.items():
        _add(due, history, kafka)
        if not _is_present(kafka, key.partition, key.incarnation):
            further = copy.deepcopy(history)
            further.model.reports.clear()
            further.model.dead_letters.clear()
            further.model.metrics.clear()
            further.model.advance(history.state.clock_ms)
            _add(allowed, further, kafka)
    return due, allowed


def _is_present(kafka: Kafka, partition: int, incarnation: str) -> bool:
    """Whether it is the history that the committed offset names."""
    (group,) = kafka.groups
    metadata = kafka.committed(group).get(partition, (0, ""))[1]
    return f'"{incarnation}"' in metadata


def _add(content: Found, history: History, kafka: Kafka) -> None:
    model = history.model
    for body in model.reports:
        name = verify._name(model, body)
        content.setdefault(("report", name), []).append({"key": body["txid"], "value": body})
    for body in model.metrics:
        name = f"{body['window']['start']}/{model.partition}"
        content.setdefault(("metrics", name), []).append(body)
    entries = kafka.log(("callbacks", history.partition)).entries
    for letter in model.dead_letters:
        entry = entries[letter.offset]
        name = f"{letter.partition}@{letter.offset}"
        shown = [letter.reason, repr(entry.key), repr(entry.value), entry.timestamp_ms]
        content.setdefault(("dead letter", name), []).append(shown)


def _compare(due: Found, allowed: Found, found: Found) -> list[str]:
    problems = []
    for name in [*due, *(name for name in found if name not in due)]:
        expected, there = due.get(name, []), found.get(name, [])
        if expected == there:
            continue
        left = Counter(map(_text, there))
        left.subtract(map(_text, expected))
        more = Counter(map(_text, allowed.get(name, [])))
        missing = [text for text, count in left.items() for _ in range(-count)]
        extra = [text for text, count in (left - more).items() for _ in range(count)]
        title = " ".join(name)
        if missing and extra:
            wrong = differences(json.loads(missing[0]), json.loads(extra[0]))
            problems += [f"wrong {title}: {one}" for one in wrong]
        problems += [f"missing {title}"] * max(len(missing) - len(extra), 0)
        what = "doubled" if expected else "invented"
        problems += [f"{what} {title}"] * max(len(extra) - len(missing), 0)
    return problems


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
