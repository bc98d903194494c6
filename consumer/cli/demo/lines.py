"""A scene where there is no terminal: a line for each turn of the story, and now and then one.

Plain text, one fact a line, no control characters: for pipes, files and CI.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from consumer.cli.demo.scene import Scene, minutes
from consumer.cli.demo.view import devices, remark
from consumer.wire.report import Report

EVERY_S = 5.0
ROOM = 60
"""For what is special about a report."""


class Lines:
    """Prints what is new in each scene, and the figures every `EVERY_S`. A context manager."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._events = 0
        self._examples = 0
        self._figures_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put back."""

    def update(self, scene: Scene) -> None:
        """Print what this scene has and those before had not."""
        for event in scene.events[self._events :]:
            self._say(f"{event.clock:>5}  {event.text}")
        self._events = len(scene.events)
        clock = f"{minutes(scene.at_s):>5}  "
        for report in scene.examples[self._examples :]:
            self._say(f"{clock}first of its kind: {report_line(report)}")
        self._examples = len(scene.examples)
        if not scene.sent:
            self._figures_s = scene.at_s
        elif scene.at_s - self._figures_s >= EVERY_S:
            self._figures_s = scene.at_s
            self._say(clock + figures(scene))


def figures(scene: Scene) -> str:
    """Where things are, in one line."""
    lags = " ".join(f"{one.lag}" for one in scene.partitions)
    counts = scene.counts
    return (
        f"{scene.sent:,} of {scene.total:,} sent ({scene.sent_rate:.0f}/s), lag {lags}, "
        f"{scene.open_txids:,} open, {counts.complete:,} complete, {counts.partial:,} partial, "
        f"{counts.unconfirmed:,} unconfirmed"
    )


def report_line(report: Report) -> str:
    """One report in a line."""
    summary = report.summary
    found = devices(report)
    line = f"{report.txid[:8]} {summary.outcome} by {summary.completed_by}, {found} "
    line += "device" if found == "1" else "devices"
    special = remark(report, ROOM)
    return f"{line}, {special}" if special else line
