"""A scene on a terminal: `view` makes a renderable of it, `LiveShow` keeps that on screen.

Columns have fixed widths and everything keeps to one line, so nothing moves or wraps. What
80 columns have no room for (full txids, volumes, further missing devices) appears in wider
terminals, and there are as many events and reports as the height allows.
"""

from __future__ import annotations

from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from consumer.cli.demo.scene import Mood, PartitionLine, Scene, minutes
from consumer.wire.report import Outcome, Report

ROWS = 14
"""Lines beside the events and the latest reports."""
LEAST_EVENTS, MOST_EVENTS = 6, 8
MOST_REPORTS = 12
WIDE = 132
"""Columns from which there is room for details."""
GAP = 2
"""Columns between columns."""

MOODS = {Mood.NEUTRAL: "", Mood.BAD: "bold red", Mood.GOOD: "green"}
OUTCOMES = {Outcome.COMPLETE: "green", Outcome.PARTIAL: "yellow", Outcome.UNCONFIRMED: "cyan"}


class LiveShow:
    """Shows each scene in place of the one before. A context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, scene: Scene) -> None:
        """Show this one now."""
        width, height = self._console.size
        self._live.update(view(scene, width, height), refresh=True)


def view(scene: Scene, width: int, height: int) -> RenderableType:
    """What fits into `width` columns and `height` lines; what is above the events stays put."""
    room = max(height - ROWS, 1)
    reports = min(max(room - LEAST_EVENTS, 0), MOST_REPORTS)
    events = min(room - reports, MOST_EVENTS)
    return Group(
        _head(scene),
        _sending(scene),
        Text(),
        _group(scene),
        Text(),
        _counts(scene),
        Text(),
        _latest(scene.latest, reports, width),
        Text(),
        *(_event(one.clock, one.text, MOODS[one.mood]) for one in scene.events[-events:]),
    )


def _head(scene: Scene) -> RenderableType:
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True, justify="right", ratio=1)
    line.add_row(
        Text("session-reports demo", "bold"),
        Text(f"Apache Kafka at {scene.kafka}   {minutes(scene.at_s)}", "dim"),
    )
    return line


def _sending(scene: Scene) -> RenderableType:
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(ratio=1)
    line.add_column(no_wrap=True, justify="right")
    line.add_row(
        "ThingSpace",
        ProgressBar(total=max(scene.total, 1), completed=scene.sent),
        f"{scene.sent:,} of {scene.total:,} records sent",
    )
    return line


def _group(scene: Scene) -> RenderableType:
    """Members on the left, partitions on the right."""
    members = _table(("member", 8), ("process", 11), ("open txids", -10))
    for member in scene.members:
        style = "red" if member.is_dead else ""
        members.add_row(member.name, member.process, f"{member.open_txids:,}", style=style)
    rates = _table(("per second", 10), ("sent", -6), ("read", -6), ("reports", -7))
    figures = (scene.sent_rate, scene.read_rate, scene.report_rate)
    rates.add_row("", *(f"{figure:,.0f}" for figure in figures))
    partitions = _table(("partition", 9), ("member", 8), ("lag", -6))
    partitions.add_column("", ratio=1)
    partitions.expand = True
    scale = _scale(scene.partitions)
    for one in scene.partitions:
        colour = "red" if one.is_orphaned else ""
        bar = _Bar(one.lag / scale, colour or "blue")
        partitions.add_row(str(one.number), one.owner, f"{one.lag:,}", bar, style=colour)
    both = Table.grid(expand=True, padding=(0, GAP))
    both.add_column()
    both.add_column(ratio=1)
    both.add_row(Group(members, rates), partitions)
    return both


def _scale(partitions: list[PartitionLine]) -> int:
    """The lag of a full bar: a round number, so that bars grow and shrink as the lag does."""
    most = max((one.lag for one in partitions), default=0)
    scale = 200
    while scale < most:
        scale *= 2
    return scale


class _Bar:
    """A line over a share of the width."""

    def __init__(self, share: float, style: str) -> None:
        self._share = share
        self._style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        character = "-" if options.ascii_only else "━"
        length = int(options.max_width * self._share)
        yield Segment(character * length, Style.parse(self._style))


def _counts(scene: Scene) -> RenderableType:
    counts = scene.counts
    figures = (
        ("open txids", scene.open_txids, ""),
        ("complete", counts.complete, OUTCOMES[Outcome.COMPLETE]),
        ("partial", counts.partial, OUTCOMES[Outcome.PARTIAL]),
        ("unconfirmed", counts.unconfirmed, OUTCOMES[Outcome.UNCONFIRMED]),
        ("revised", counts.revised, ""),
        ("duplicates", counts.duplicates, ""),
        ("dead letters", counts.dead_letters, ""),
    )
    table = _table(*((name, -len(name)) for name, _, _ in figures))
    table.add_row(*(Text(f"{number:,}", style) for _, number, style in figures))
    return table


def _event(clock: str, text: str, style: str) -> RenderableType:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{clock:>5}  ", "dim")
    line.append(text, style)
    return line


def _latest(reports: list[Report], rows: int, width: int) -> RenderableType:
    """The first `rows` of them; empty lines where there are none yet."""
    wide = width >= WIDE
    columns = [("txid", 36 if wide else 8), ("outcome", 11), ("completed by", 16), ("devices", -8)]
    if wide:
        columns = [("closed", 8), *columns, ("bytes", -12)]
    table = _table(*columns)
    table.add_column("", no_wrap=True)
    room = width - sum(abs(size) + GAP for _, size in columns)
    for report in reports[:rows]:
        summary = report.summary
        cells: list[RenderableType] = [
            report.txid if wide else report.txid[:8],
            Text(summary.outcome, OUTCOMES[summary.outcome]),
            summary.completed_by,
            devices(report),
        ]
        if wide:
            cells = [summary.closed_at[11:19], *cells, f"{summary.bytes_transferred:,}"]
        table.add_row(*cells, remark(report, room))
    for _ in range(rows - table.row_count):
        table.add_row()
    return table


def devices(report: Report) -> str:
    """How many answered, of how many if that is known."""
    found = report.summary.devices
    answered = found.reported + found.failed - len(found.conflicting)
    return f"{answered}" if found.expected is None else f"{answered} of {found.expected}"


def remark(report: Report, room: int) -> str:
    """What is special about a report, as much of it as fits into `room` columns."""
    summary = report.summary
    missing = summary.devices.missing
    revision = [f"revision {summary.revision}"] if summary.revision else []
    for count in range(len(missing), 0, -1):
        more = f" +{len(missing) - count}" if count < len(missing) else ""
        said = ", ".join([*revision, f"missing {', '.join(missing[:count])}{more}"])
        if len(said) <= room:
            return said
    return ", ".join([*revision, f"{len(missing)} missing"] if missing else revision)


def _table(*columns: tuple[str, int]) -> Table:
    """Columns of fixed width, so that nothing moves; a negative one is flush right."""
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="dim")
    for name, width in columns:
        table.add_column(
            name, width=abs(width), no_wrap=True, justify="right" if width < 0 else "left"
        )
    return table
