"""Aggregation: whatever happens on the way, the outputs are those of the records alone.

They are compared byte by byte with an undisturbed life of the same records, and parsed
with a naive model that shares no code with `consumer/`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.aggregation.policy import Policy
from tests.oracle import jsontext, values
from tests.oracle.outputs import read_report
from tests.oracle.record import Record
from tests.property import streams
from tests.property.driver import STRAIGHT, After, Step, live, steps
from tests.property.judge import feed, imbalance, oracle, problems
from tests.property.streams import Event, Idle, Input, bounded

often = settings(max_examples=2 * settings().max_examples)


@often
@given(
    policy=streams.policies,
    events=streams.events(),
    plan=steps,
    floor_bytes=st.sampled_from([-10_000, 0, 500]),
    share_bytes=streams.shares,
)
def test_neither_batches_nor_commits_nor_crashes_show(
    policy: Policy, events: list[Event], plan: list[Step], floor_bytes: int, share_bytes: int
) -> None:
    """Same reports, metrics and dead letters, byte for byte, and as the oracle has them.

    Batches, commits, transactions that are full, refused or torn, crashes at any point with
    a restore from the state log, DeleteRecords before its start, strangers in the log.
    """
    end = max(_clocks(events)) + 10_000
    events = [*events, Idle(end)]
    undisturbed = live(policy, events, [STRAIGHT], share_bytes=share_bytes)
    partition = oracle(policy, share_bytes)
    feed(partition, events)
    assert problems(undisturbed, partition) == []
    disturbed = live(policy, events, plan, floor_bytes=floor_bytes, share_bytes=share_bytes)
    assert disturbed.reports == undisturbed.reports
    assert disturbed.metrics == undisturbed.metrics
    assert disturbed.dead_letters == undisturbed.dead_letters
    assert disturbed.tallies == undisturbed.tallies


def _clocks(events: Sequence[Event]) -> list[int]:
    """Times to which the events take the clock."""
    return [
        event.until_ms if isinstance(event, Idle) else bounded(event.timestamp_ms)
        for event in events
    ]


@given(policy=streams.policies, events=streams.events(most=120), share_bytes=streams.shares)
def test_nothing_is_lost_or_counted_twice(
    policy: Policy, events: list[Event], share_bytes: int
) -> None:
    """Conservation: of records by kind, of items between reports, and in the windows."""
    end = max(_clocks(events)) + 10_000
    outcome = live(policy, [*events, Idle(end)], [STRAIGHT], share_bytes=share_bytes)
    records = sum(isinstance(event, Input) for event in events)
    assert imbalance(outcome, records, policy.report_bytes) == []
    tallies = outcome.tallies
    assert tallies.records == records
    assert tallies.dead_letters == len(outcome.dead_letters) == sum(tallies.reasons.values())
    windows = [json.loads(value) for _, value in outcome.metrics]
    sums = {
        part: sum((Counter(window[part]) for window in windows), Counter())
        for part in ("records", "items", "reports")
    }
    assert sums["records"] == Counter(
        callbacks=tallies.callbacks,
        expectations=tallies.expectations,
        acknowledgements=tallies.acknowledgements,
        deadLetters=tallies.dead_letters,
    )
    assert sums["items"] == Counter(
        usage=tallies.usage,
        errors=tallies.errors,
        duplicates=tallies.duplicates,
        late=tallies.late,
    )
    assert sums["reports"]["revised"] == tallies.revisions
    emissions = sum(tallies.reports.values())
    assert emissions == sums["reports"].total() - tallies.revisions
    assert emissions == tallies.revisions + len(tallies.completion_ms)


_OF_ONE = st.lists(
    streams.callbacks.filter(lambda value: isinstance(values.classify(value), values.Callback)),
    min_size=1,
    max_size=5,
).map(lambda found: [_rename(value) for value in found])


def _rename(value: bytes) -> bytes:
    """The same callback, of txid `t`; the last of a repeated key wins."""
    return value[:-1] + b',"txid":"t"}'


@given(records=_OF_ONE, data=st.data())
def test_any_order_and_repetition_gives_the_same_report(
    records: list[bytes], data: st.DataObject
) -> None:
    """Merging is commutative and idempotent, as far as items and totals go."""
    more = data.draw(st.lists(st.sampled_from(records), max_size=5))
    shuffled = data.draw(st.permutations([*records, *more]))
    assert _essence(shuffled) == _essence(records)


def _essence(records: Sequence[bytes]) -> dict[str, Any]:
    """What a report of these callbacks holds, but for spellings, order and counts."""
    policy = Policy(app="app", topic="callbacks", device_limit=0)
    events = [Input(index, 1, None, value) for index, value in enumerate(records)]
    outcome = live(policy, [*events, Idle(100_000)], [STRAIGHT])
    ((_, value),) = outcome.reports
    body = read_report(Record("reports", 0, 0, 1, b"t", value)).body
    summary = body["summary"]
    return {
        "usage": sorted(repr(jsontext.identity(text)) for text in body["usage"]),
        "errors": sorted(repr(jsontext.identity(text)) for text in body["errors"]),
        "totals": [summary[name] for name in ("numberOfSessions", "bytesTransferred")],
        "codes": summary["errorCodes"],
        "devices": summary["devices"],
    }


_SCENARIO = """
import hashlib
from tests.property.scenario import outputs
for line in outputs():
    print(hashlib.sha256(line).hexdigest())
"""


def test_the_hash_seed_does_not_show() -> None:
    """Outputs and state log are the same bytes in every process."""
    found = set()
    for seed in ("0", "1", "4242"):
        run = subprocess.run(
            [sys.executable, "-c", _SCENARIO],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        )
        found.add(run.stdout)
    (lines,) = found
    assert lines.count("\n") > 100


@pytest.mark.parametrize("most_reports", [1, 2, 7])
def test_a_crowd_that_falls_due_at_once(most_reports: int) -> None:
    """Spread over many transactions, each followed by a crash: the same bytes."""
    policy = Policy(app="app", topic="callbacks", inactivity_ms=100, remember_ms=150, revise=False)
    events: list[Event] = [
        Input(number, 1_000 + number % 5, None, b'{"txid":"%d","usage":[{"x":1}]}' % number)
        for number in range(60)
    ]
    events += [Input(60, 1_105, None, b'{"txid":"7","usage":[{"x":2}]}'), Idle(5_000)]
    undisturbed = live(policy, events, [STRAIGHT])
    plan = [
        step
        for _ in range(80)
        for step in (
            Step(13, most_reports, After.COMMIT),
            Step(13, most_reports, After.CRASH),
        )
    ]
    assert live(policy, events, plan) == undisturbed
    assert len(undisturbed.reports) == 60
    assert [letter[:2] for letter in undisturbed.dead_letters] == [(60, "late")]
