"""The audit of a run that was right, and of copies of its outputs that are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from consumer.audit.audit import Verdict
from consumer.cli.audit.range import Range
from consumer.cli.audit.reading import read
from consumer.settings.load import load
from tests.harness import Sending, Stage
from tests.oracle.outputs import read_report
from tests.oracle.record import Record

pytestmark = pytest.mark.kafka

EVERYTHING = Range(None, None)
Change = Callable[[list[Record]], list[Record]]


def verdict(stage: Stage, range_: Range = EVERYTHING, **topics: str) -> Verdict:
    """Of the audit in this process."""
    options = stage.options({f"topics.{role}": name for role, name in topics.items()})
    texts = [f"{name}={value}" for name, value in options.items()]
    return read(load(None, texts), range_, lambda *_: None)


def subjects(found: Verdict) -> set[str]:
    """What the differences name."""
    return {difference.subject for difference in found.differences}


def copied(stage: Stage, role: str, change: Change) -> str:
    """A copy of an output topic with other content."""
    source = str(getattr(stage, role))
    copy = f"{source}.copy-{stage.cluster.partitions(source)}-{change.__name__}"
    stage.cluster.create(copy, stage.cluster.partitions(source), max_message_bytes="2000000")
    stage.cluster.send(
        copy,
        [
            Sending(one.value, one.key, one.partition, one.timestamp_ms, one.headers)
            for one in change(stage.read(source))
        ],
    )
    return copy


def test_a_right_run_is_proven(lived: Stage) -> None:
    """Exit code 0, with nothing left out."""
    found = verdict(lived)
    ended = lived.command("audit")

    assert found.differences == []
    assert found.unchecked == []
    assert found.records == sum(lived.committed().values())
    assert all(result.whole and result.open.txids == 0 for result in found.partitions.values())
    assert ended.wait() == 0
    assert ended.stderr() == []
    text = "\n".join(ended.stdout())
    assert f"{found.records:,} records of 3 partitions" in text
    assert "not checked" not in text
    rows = {row.name: row.counted for row in found.rows}
    assert rows["reports"] == len([*_first_parts(lived)])
    assert rows["revised"] > 20
    assert rows["deadLetters"] > 20
    assert rows["missing"] > 20


def test_programs_get_json(lived: Stage) -> None:
    """One object, also where the exit code is 1; the line that says why goes elsewhere."""
    good = lived.command("audit", "--json")
    empty = lived.command("audit", "--json", "--from", "1h")

    assert (good.wait(), empty.wait()) == (0, 1)
    (line,) = good.stdout()
    found = json.loads(line)
    assert (found["ok"], found["differences"], found["notChecked"]) == (True, [], [])
    assert found["records"] == sum(lived.committed().values())
    assert json.loads("".join(empty.stdout()))["ok"] is False


def _first_parts(stage: Stage) -> list[Record]:
    return [one for one in stage.read(stage.reports) if read_report(one).part[0] == 1]


def test_a_missing_report_is_named(lived: Stage) -> None:
    """By its txid, on the command line as well: exit code 1."""

    def without_a_report(records: list[Record]) -> list[Record]:
        return records[:100] + records[101:]

    report = read_report(lived.read(lived.reports)[100])
    copy = copied(lived, "reports", without_a_report)
    ended = lived.command("audit", settings={"topics.reports": copy})

    assert ended.wait() == 1
    name = f"txid '{report.txid}' of partition {report.partition}"
    assert any(line.startswith(f"{name}: ") for line in ended.stdout())
    (line,) = ended.stderr()
    assert line.endswith(" differences")


def test_a_doubled_report_is_named(lived: Stage) -> None:
    """And nothing else is wrong."""

    def doubled_report(records: list[Record]) -> list[Record]:
        return [*records, records[-1]]

    report = read_report(lived.read(lived.reports)[-1])
    found = verdict(lived, reports=copied(lived, "reports", doubled_report))

    assert [one.problem for one in found.differences] == ["the report is there twice"]
    assert f"txid '{report.txid}' of" in found.differences[0].subject


def test_a_changed_item_is_named(lived: Stage) -> None:
    """By the txid of its report."""

    def changed_item(records: list[Record]) -> list[Record]:
        value = (records[7].value or b"").replace(b'"imei":"', b'"imei":"9', 1)
        return [*records[:7], records[7]._replace(value=value), *records[8:]]

    report = read_report(lived.read(lived.reports)[7])
    found = verdict(lived, reports=copied(lived, "reports", changed_item))

    assert f"txid '{report.txid}' of partition {report.partition}" in " ".join(subjects(found))
    assert any("lacks 1 items" in one.problem for one in found.differences)
    assert any("are in no record of it" in one.problem for one in found.differences)


def test_a_missing_window_is_named(lived: Stage) -> None:
    """By its key."""

    def without_a_window(records: list[Record]) -> list[Record]:
        return records[:10] + records[11:]

    key = (lived.read(lived.metrics)[10].key or b"").decode()
    found = verdict(lived, metrics=copied(lived, "metrics", without_a_window))

    assert f"window {key}" in subjects(found)


@pytest.mark.parametrize("place", [0, -1])
def test_a_missing_dead_letter_is_named(lived: Stage, place: int) -> None:
    """By the record that it was made of; the first one and the last one."""

    def without_a_letter(records: list[Record]) -> list[Record]:
        return [one for one in records if one is not records[place]]

    headers: dict[str, Any] = dict(lived.read(lived.dead_letters)[place].headers)
    partition, offset = (
        int(headers[f"__streams.errors.{name}"]) for name in ("partition", "offset")
    )
    without_a_letter.__name__ += str(place)
    found = verdict(lived, dead_letters=copied(lived, "dead_letters", without_a_letter))

    assert subjects(found) == {f"{lived.callbacks}[{partition}]@{offset}"}
