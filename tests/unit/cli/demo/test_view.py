"""The live view at the widths of real terminals: nothing wraps, nothing is cut, nothing moves."""

from __future__ import annotations

import io
import re

import pytest
from msgspec import structs
from rich.console import Console

from consumer.cli.demo.scene import PartitionLine, Scene
from consumer.cli.demo.view import LiveShow, devices, remark, view
from consumer.wire.report import CompletedBy, Outcome
from tests.unit.cli.demo import made

IMEIS = [f"35209900{number:07d}" for number in range(1, 10)]
PARTIAL = made.report(
    missing=IMEIS[:1], outcome=Outcome.PARTIAL, by=CompletedBy.INACTIVITY, reported=8
)
UNCONFIRMED = made.report(
    expected=None, outcome=Outcome.UNCONFIRMED, by=CompletedBy.INACTIVITY, reported=3
)
REVISED = made.report(
    missing=IMEIS[:8], outcome=Outcome.PARTIAL, by=CompletedBy.INACTIVITY, revision=12
)
LATEST = [PARTIAL, REVISED, UNCONFIRMED, made.report(revision=1)] * 5


def rendered(scene: Scene, width: int, height: int, encoding: str = "utf-8") -> list[str]:
    """Its lines on a terminal of that size, as plain text."""
    raw = io.BytesIO()
    paper = io.TextIOWrapper(raw, encoding)
    Console(width=width, height=height, file=paper, force_terminal=False).print(
        view(scene, width, height)
    )
    paper.flush()
    return [line.rstrip() for line in raw.getvalue().decode(encoding).splitlines()]


@pytest.mark.parametrize("big", [1, 70])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 50), (131, 30), (140, 24), (140, 45)])
def test_it_fits(width: int, height: int, big: int) -> None:
    """No line is longer than the terminal or broken, no text is cut, all lines are seen."""
    scene = made.scene(latest=LATEST, events=made.STORY, big=big)
    lines = rendered(scene, width, height)

    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    assert lines[-1] == " 1:10  every report is out; the members stop"
    assert any(line.startswith(" 0:18  kill -9 member-2, with partitions 2 and") for line in lines)


def test_it_shows_what_is_asked_for() -> None:
    """Rates, open txids, reports by outcome, lag by partition and whose it is, reports."""
    lines = rendered(made.scene(latest=LATEST, events=made.STORY[:3]), 80, 24)

    assert lines[0].startswith("session-reports demo")
    assert lines[0].endswith("Apache Kafka at 127.0.0.1:23456   0:31")
    assert lines[1].endswith("7,204 of 14,310 records sent")
    assert [re.split(r"  +", line) for line in lines[3:8]] == [
        ["member", "process", "open txids", "partition", "member", "lag"],
        ["member-1", "pid 4194304", "213", "0", "member-1", "0"],
        ["member-2", "killed", "207", "1", "member-1", "12"],
        ["per second", "sent", "read", "reports", "2", "member-2", "1,204", "━" * 10],
        ["", "398", "202", "61", "3", "member-2", "1,190", "━" * 10],
    ]
    assert re.split(r"  +", lines[9]) == [
        *("open txids", "complete", "partial", "unconfirmed", "revised", "duplicates"),
        "dead letters",
    ]
    assert lines[10].split() == ["420", "1,204", "31", "402", "12", "201", "17"]
    assert lines[13] == (
        "01234567  partial      inactivity         9 of 10  missing 352099000000001"
    )
    assert lines[14] == "01234567  partial      inactivity        10 of 10  revision 12, 8 missing"


def test_nothing_moves_as_reports_come() -> None:
    """Before the first report their lines are there, empty; events only grow at the end."""
    events = made.STORY[:2]
    before = rendered(made.scene(events=events), 80, 24)
    after = rendered(made.scene(latest=LATEST, events=events), 80, 24)

    assert len(before) == len(after)
    assert before[:13] == after[:13]
    assert before[-3:] == after[-3:]


def test_a_wide_terminal_has_room_for_details() -> None:
    """The whole txid, when it closed, its volume, more of the missing devices by name."""
    lines = rendered(made.scene(latest=[PARTIAL]), 140, 24)

    assert re.split(r"  +", lines[13]) == [
        *("02:31:58", "01234567-89ab-4cde-8f01-23456789abcd", "partial", "inactivity"),
        *("9 of 10", "1,234,567", f"missing {IMEIS[0]}"),
    ]


def test_a_low_terminal_still_shows_the_last_event() -> None:
    """What there is no line for is left out from the middle."""
    lines = rendered(made.scene(latest=LATEST, events=made.STORY), 80, 15)

    assert len(lines) == 15
    assert lines[-1].endswith("the members stop")


def test_a_bar_is_as_long_as_its_lag() -> None:
    """Whatever the others are, within a scale: so bars grow and shrink as the lag does."""

    def bar(lag: int, other: int) -> int:
        lines = [
            PartitionLine(0, "member-1", is_orphaned=False, lag=lag),
            PartitionLine(1, "member-1", is_orphaned=False, lag=other),
        ]
        return rendered(structs.replace(made.scene(), partitions=lines), 140, 24)[4].count("━")

    assert bar(0, 0) == 0
    assert bar(100, 0) == bar(100, 200) > 20
    assert bar(200, 0) in (2 * bar(100, 0), 2 * bar(100, 0) + 1)
    assert bar(200, 201) == bar(100, 0)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    """Nothing fails there."""
    lines = rendered(made.scene(latest=LATEST, events=made.STORY), 80, 24, encoding="ascii")

    assert lines[6].endswith("-" * 10)


def test_the_dead_are_red() -> None:
    """A member that was killed and its partitions; members that have stopped are not."""
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system="standard")

    def red(scene: Scene) -> int:
        with console.capture() as capture:
            console.print(view(scene, 80, 24))
        return capture.get().count("\x1b[31m")

    dead = made.scene()
    stopped = [structs.replace(one, process="stopped", is_dead=False) for one in dead.members]
    held = [structs.replace(one, is_orphaned=False) for one in dead.partitions]

    assert red(dead) > 0
    assert red(structs.replace(dead, members=stopped, partitions=held)) == 0


def test_an_empty_scene_can_be_shown() -> None:
    """Before anything was sent or asked for."""
    assert rendered(made.scene(sent=0, big=0), 80, 24)[1].endswith("0 of 0 records sent")


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (100, f"revision 12, missing {', '.join(IMEIS[:4])} +4"),
        (60, f"revision 12, missing {IMEIS[0]}, {IMEIS[1]} +6"),
        (40, f"revision 12, missing {IMEIS[0]} +7"),
        (29, "revision 12, 8 missing"),
    ],
)
def test_a_remark_says_as_much_as_fits(room: int, said: str) -> None:
    """First come names, then numbers; it is never cut."""
    assert remark(REVISED, room) == said
    assert len(said) <= room


def test_a_complete_report_needs_no_remark() -> None:
    """Of a first revision."""
    assert remark(made.report(), 29) == ""
    assert remark(made.report(revision=1), 29) == "revision 1"


def test_devices_are_counted_once() -> None:
    """Of how many is said where it is known."""
    assert devices(made.report(expected=10, reported=8, failed=1)) == "9 of 10"
    assert devices(made.report(expected=None, reported=8, failed=1)) == "9"


def test_the_live_show_redraws_in_place_and_leaves_the_last_scene() -> None:
    """On a terminal of 80 columns, with its cursor back afterwards."""
    paper = io.StringIO()
    console = Console(width=80, height=24, file=paper, force_terminal=True)
    with LiveShow(console) as show:
        show.update(made.scene(sent=1))
        show.update(made.scene(sent=14_310))
    text = paper.getvalue()

    assert text.index("1 of 14,310") < text.index("14,310 of 14,310")
    assert "\x1b[1A" in text
    assert text.rindex("\x1b[?25h") > text.index("\x1b[?25l")
