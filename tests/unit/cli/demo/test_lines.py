"""Where there is no terminal: plain lines, each said once."""

from __future__ import annotations

import pytest

from consumer.cli.demo.lines import EVERY_S, Lines, figures, report_line
from consumer.wire.report import CompletedBy, Outcome
from tests.unit.cli.demo import made

PARTIAL = made.report(
    outcome=Outcome.PARTIAL,
    by=CompletedBy.INACTIVITY,
    reported=8,
    missing=["352099000000001"],
    revision=1,
)


@pytest.fixture
def said() -> list[str]:
    """What was printed."""
    return []


def test_each_event_and_each_kind_of_report_is_said_once(said: list[str]) -> None:
    """In the scene in which it is new."""
    with Lines(said.append) as lines:
        lines.update(made.scene(sent=0, at_s=1, events=made.STORY[:1]))
        lines.update(made.scene(at_s=2, events=made.STORY[:2], examples=[PARTIAL]))
        lines.update(made.scene(at_s=3, events=made.STORY[:2], examples=[PARTIAL]))

    assert said == [
        " 0:00  member-1 and member-2 start, each a process of its own",
        " 0:03  member-1 has partitions 0 and 1, member-2 has partitions 2 and 3",
        f" 0:02  first of its kind: {report_line(PARTIAL)}",
    ]


def test_figures_come_now_and_then(said: list[str]) -> None:
    """From the first record on, with `EVERY_S` between them, whatever else happens."""
    lines = Lines(said.append)
    for tenths in range(200):
        at_s = tenths / 10
        lines.update(made.scene(sent=0 if at_s < 6 else 100, at_s=at_s))
    times = [line.split()[0] for line in said]

    assert EVERY_S == 5
    assert times == ["0:10", "0:15"]


def test_the_figures_of_a_scene() -> None:
    """Progress, lag by partition, what is open, and the reports."""
    assert figures(made.scene()) == (
        "7,204 of 14,310 sent (398/s), lag 0 12 1204 1190, 420 open, 1,204 complete, 31 partial, "
        "402 unconfirmed"
    )


def test_a_report_is_one_line() -> None:
    """Which, how it ended, and what is special about it."""
    assert report_line(PARTIAL) == (
        "01234567 partial by inactivity, 9 of 10 devices, revision 1, missing 352099000000001"
    )
    one = made.report(expected=None, reported=1, failed=0)
    assert report_line(one) == "01234567 complete by expected_devices, 1 device"
    assert report_line(made.report()) == "01234567 complete by expected_devices, 10 of 10 devices"
