"""Every event of the log has its sentence, and says nothing of what must not be logged."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import consumer
from consumer.telemetry.sentences import SENTENCES, fields_of, sentence

ROOM = Path(consumer.__file__).parent
LOGGERS = {"log", "_log"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
NO_FIELDS = {"exc_info"}
CONTENTS = re.compile(r"txid$|imei|key|payload|record$|item|callback|header|body")
"""Names of fields that could carry what is in a record; counts (`txids`) do not."""
LIBRARY_LOGGERS = {"kafka/client_log.py", "cli/app.py", "telemetry/logs.py"}
"""Modules that deal with the logs of others."""


class Logged(NamedTuple):
    """One call of a logger in the code."""

    where: str
    event: str
    fields: frozenset[str]


def logged() -> Iterator[Logged]:
    """All of them."""
    for path in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(ast.Name(name), level)) if (
                    name in LOGGERS and level in LEVELS
                ):
                    where = f"{path.relative_to(ROOM)}:{node.lineno}"
                    event = node.args[0] if len(node.args) == 1 else None
                    assert isinstance(event, ast.Constant), f"{where} has no plain name"
                    names = {keyword.arg or "**" for keyword in node.keywords} - NO_FIELDS
                    yield Logged(where, str(event.value), frozenset(names))


def test_every_event_has_a_sentence_of_just_its_fields() -> None:
    """A field that no sentence tells would dangle behind it; one that is missing would break it."""
    calls = list(logged())

    wrong = [
        call for call in calls if fields_of(SENTENCES.get(call.event, "{none}")) != call.fields
    ]
    assert wrong == []
    assert {call.event for call in calls} == set(SENTENCES)


def test_no_field_carries_what_is_in_a_record() -> None:
    """Txids, IMEIs and payloads belong to the topics."""
    names = {name for call in logged() for name in call.fields}

    assert [name for name in sorted(names) if CONTENTS.search(name)] == []


def test_all_of_it_goes_by_structlog() -> None:
    """What is logged by another way would escape these tests."""
    others = {
        path.relative_to(ROOM).as_posix()
        for path in ROOM.rglob("*.py")
        if re.search(r"^import logging|^from logging|getLogger", path.read_text(), re.MULTILINE)
    }

    assert others == LIBRARY_LOGGERS


@pytest.mark.parametrize("event", SENTENCES)
def test_a_sentence_is_one(event: str) -> None:
    """It begins like one and ends like one; events are named for programs."""
    assert re.fullmatch(r"[A-Z{].*\.", SENTENCES[event])
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", event)


def restored(**fields: object) -> str | None:
    """The sentence of a restore, with some fields changed."""
    usual = {"txids": 12_304, "partition": 2, "seconds": 1.4, "offset": 88_201}
    return sentence("restored", {**usual, **fields})


def test_values_are_put_into_words() -> None:
    """Numbers with thousands and units."""
    assert restored() == (
        "Restored 12,304 txids of partition 2 in 1.4 s, going on at offset 88,201."
    )


@pytest.mark.parametrize(
    ("txids", "said"), [(0, "no txids"), (1, "1 txid"), (1_000, "1,000 txids")]
)
def test_numbers_agree(txids: int, said: str) -> None:
    """None, one, many."""
    assert f"Restored {said} of" in (restored(txids=txids) or "")


@pytest.mark.parametrize(
    ("partitions", "said"),
    [
        ([], "no partitions"),
        ([7], "partition 7"),
        ([0, 1], "partitions 0 and 1"),
        ([0, 1, 3], "partitions 0, 1 and 3"),
        (4, "4 partitions"),
    ],
)
def test_lists_are_enumerated(partitions: object, said: str) -> None:
    """And a mere number of them is a number."""
    assert sentence("assigned", {"partitions": partitions}) == f"Assigned {said}."


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.0625, "0.062 s"),
        (1.44, "1.4 s"),
        (15, "15 s"),
        (60.0, "1 min"),
        (119.7, "2 min"),
        (125, "2 min 5 s"),
        (7_200, "2 h"),
        (90_000, "25 h"),
        (12_345, "3 h 25 min"),
    ],
)
def test_times_have_two_units_at_most(seconds: float, said: str) -> None:
    """As one would say them."""
    assert sentence("restarting", {"in_s": seconds}) == f"Restoring from Kafka in {said}."


def summary(**fields: object) -> str:
    """The sentence of a summary, with some fields changed."""
    usual = {
        "seconds": 60.0,
        "records": 301_200,
        "records_per_s": 5_020,
        "reports": 12_204,
        "partitions": 4,
        "open_txids": 1_204,
        "next_closes_in_s": 12.3,
        "lag_records": 0,
    }
    return str(sentence("summary", {**usual, **fields}))


def test_what_is_not_known_is_left_out() -> None:
    """With the clause around it."""
    assert summary() == (
        "Read 301,200 records (5,020/s) and wrote 12,204 reports in 1 min; "
        "1,204 txids open in 4 partitions, the next closes in 12.3 s; no records behind."
    )
    assert summary(next_closes_in_s=None, lag_records=None) == (
        "Read 301,200 records (5,020/s) and wrote 12,204 reports in 1 min; "
        "1,204 txids open in 4 partitions."
    )


def test_a_value_of_another_type_is_shown_as_it_is() -> None:
    """A line of the log never fails for what it is about; numbers out of range are text."""
    assert restored(txids="1" * 30, seconds="soon", offset=None) == (
        f"Restored {'1' * 30} of partition 2 in soon, going on at offset None."
    )


@pytest.mark.parametrize(("event", "fields"), [("unheard", {}), ("restored", {"partition": 2})])
def test_there_may_be_no_sentence(event: str, fields: dict[str, object]) -> None:
    """For another event, or without a field."""
    assert sentence(event, fields) is None
