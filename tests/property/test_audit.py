"""The audit: right outputs pass, whatever has happened; with one record tampered with, none do."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from consumer.aggregation.policy import Policy
from consumer.audit.letters import Record
from consumer.audit.terms import FOREVER, Cover
from tests.property import streams
from tests.property.driver import STRAIGHT, After, Driver, Step, small_scale
from tests.property.streams import Event, Idle, Payload, bounded
from tests.property.streams import Input as Sent
from tests.unit.audit.history import History, Input


def lived(
    policy: Policy, events: list[Event], share_bytes: int, *, was: Policy | None = None
) -> History:
    """What a life leaves on the topics; its first half `was` under other settings."""
    with small_scale():
        driver = Driver(was or policy, events[: len(events) // 2], share_bytes)
        driver.run([STRAIGHT])
        driver.ledger.policy, driver.events = policy, events
        driver.ledger.crash()
        driver.ledger.aggregator.share_bytes = share_bytes
        driver.run([STRAIGHT])
    return left_by(driver)


def left_by(driver: Driver) -> History:
    """What is on the topics as of its last commit."""
    aggregator, outcome = driver.ledger.aggregator, driver.outcome
    consumed = driver.events[: driver.committed]
    return History.of(
        driver.ledger.policy,
        [Input(*event) for event in consumed if isinstance(event, Sent)],
        reports=outcome.reports,
        metrics=outcome.metrics,
        dead_letters=outcome.dead_letters,
        clock_ms=aggregator.clock.now_ms,
        window=aggregator.windows.open,
    )


def end_of(events: list[Event]) -> int:
    """Where the events take the clock."""
    return max(
        event.until_ms if isinstance(event, Idle) else bounded(event.timestamp_ms)
        for event in events
    )


@given(
    policy=streams.policies,
    events=streams.events(most=120),
    share_bytes=streams.shares,
    closed=st.booleans(),
    early=st.lists(streams.payloads(streams.values), max_size=5),
)
def test_what_is_right_passes(
    policy: Policy, events: list[Event], share_bytes: int, early: list[Payload], *, closed: bool
) -> None:
    """With txids open at the end or with none; whatever ended them, and lay there before."""
    ending = [Idle(end_of(events) + 10_000)] if closed else []
    history = lived(policy, [*events, *ending], share_bytes)
    assert history.problems() == []
    before = [Input(offset, 1, *payload) for offset, payload in enumerate(early)]
    assert history.changed(inputs=before + history.inputs, starts_late=True).problems() == []


@given(
    policy=streams.policies,
    events=streams.events(most=120),
    share_bytes=streams.shares,
    data=st.data(),
)
def test_one_record_too_few_or_too_many_is_found(
    policy: Policy, events: list[Event], share_bytes: int, data: st.DataObject
) -> None:
    """Of any output topic, wherever it stands."""
    history = lived(policy, [*events, Idle(end_of(events) + 10_000)], share_bytes)
    topics = [topic for topic in ("reports", "metrics", "dead_letters") if getattr(history, topic)]
    assume(topics)
    topic = data.draw(st.sampled_from(topics))
    place = data.draw(st.integers(0, len(getattr(history, topic)) - 1))
    assert history.without(topic, place).problems() != []
    assert history.doubled(topic, place).problems() != []


@given(
    policy=streams.policies,
    events=streams.events(most=120),
    share_bytes=streams.shares,
    data=st.data(),
)
def test_one_wrong_number_is_found(
    policy: Policy, events: list[Event], share_bytes: int, data: st.DataObject
) -> None:
    """In a report, be it of its summary or of an item, or in a metrics record."""
    history = lived(policy, [*events, Idle(end_of(events) + 10_000)], share_bytes)
    topics = [topic for topic in ("reports", "metrics") if getattr(history, topic)]
    assume(topics)
    topic = data.draw(st.sampled_from(topics))
    place = data.draw(st.integers(0, len(getattr(history, topic)) - 1))
    value = getattr(history, topic)[place].value
    numbers = list(re.finditer(rb"(?<=[:\[,])\d+(?=[,}\]])", value))
    found = data.draw(st.sampled_from(numbers))
    wrong = found[0][:-1] + b"%d" % ((int(found[0][-1:]) + 1) % 10)
    records = [*getattr(history, topic)]
    changed = value[: found.start()] + wrong + value[found.end() :]
    assume(parsed(changed) != parsed(value))  # it may be of a key that is repeated
    records[place] = records[place]._replace(value=changed)
    assert history.changed(**{topic: records}).problems() != []


@given(
    policy=streams.policies,
    events=streams.events(most=120),
    share_bytes=streams.shares,
    data=st.data(),
    closed=st.booleans(),
)
def test_no_part_of_what_is_right_looks_wrong(
    policy: Policy, events: list[Event], share_bytes: int, data: st.DataObject, *, closed: bool
) -> None:
    """A range of it, with outputs that reach back further or less far, and a compacted topic."""
    ending = [Idle(end_of(events) + 10_000)] if closed else []
    history = lived(policy, [*events, *ending], share_bytes)
    assume(history.inputs)
    times = st.none() | st.sampled_from([event.timestamp_ms for event in history.inputs])
    since, until = data.draw(times), data.draw(times)
    begin = first_of(history.inputs, since) if since else 0
    end = first_of(history.inputs, until) if until else history.end
    compacted = data.draw(st.booleans())
    left = history.reports
    if compacted:
        left = cleaned(left, data.draw(st.integers(0, len(left))))
    reports, metrics, letters = (
        data.draw(st.integers(0, len(records)))
        for records in (left, history.metrics, history.dead_letters)
    )
    if letters:  # a range begins where its dead letters do
        begin = max(begin, offset_of(history.dead_letters[letters - 1]) + 1)
    part = history.changed(
        inputs=[event for event in history.inputs if event.offset >= begin],
        reports=left[reports:],
        report_begin=reports,
        metrics=history.metrics[metrics:],
        dead_letters=history.dead_letters[letters:],
        span={
            "begin": begin,
            "end": max(begin, end),
            "from_start": begin == 0,
            "to_end": end >= history.end,
            **data.draw(st.sampled_from([{}, {"clock_ms": None, "window": None}])),
        },
        cover=Cover(
            reports_since_ms=left[reports - 1].timestamp_ms + 1 if reports else 0,
            reports_compacted=compacted,
            metrics_since_ms=metrics,
        ),
        since_ms=max(since or 0, 0),
        until_ms=until or FOREVER,
        still=data.draw(st.booleans()),
    )
    assert part.problems() == []


def cleaned(records: list[Record], end: int) -> list[Record]:
    """What compaction leaves that has come to an end: of each key the last record before it."""
    last = {record.key: record for record in records[:end]}
    return [*sorted(last.values(), key=lambda record: record.offset), *records[end:]]


@given(
    policy=streams.policies,
    events=streams.events(most=120),
    share_bytes=streams.shares,
)
def test_each_commit_is_right(policy: Policy, events: list[Event], share_bytes: int) -> None:
    """Also where the clock is ahead of what is due, which waits for the next transaction."""
    driver = Driver(policy, events, share_bytes)
    while driver.position < len(events):
        with small_scale():
            driver.step(Step(10, 1, After.COMMIT))
        assert left_by(driver).problems() == []


@given(
    policy=streams.policies,
    was=streams.policies,
    events=streams.events(most=120),
    share_bytes=streams.shares,
)
def test_windows_may_have_had_another_length(
    policy: Policy, was: Policy, events: list[Event], share_bytes: int
) -> None:
    """The setting was changed at a restart."""
    history = lived(
        policy, events, share_bytes, was=structs.replace(policy, window_ms=was.window_ms)
    )
    assert history.problems() == []


def parsed(value: bytes) -> Any:
    """JSON, however many digits its numbers have."""
    return json.loads(value, parse_int=str)


def offset_of(letter: Record) -> int:
    """Of the record that a dead letter speaks for."""
    return int(dict(letter.headers)["__streams.errors.offset"] or b"")


def first_of(inputs: list[Input], time_ms: int) -> int:
    """Offset of the first record that is not older; the end for none."""
    found = [event.offset for event in inputs if event.timestamp_ms >= time_ms]
    return found[0] if found else inputs[-1].offset + 1
